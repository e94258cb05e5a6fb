import {
  type ArraySpec,
  type ChunkRef,
  type Dataset,
  type Dimension,
  type IoCall,
  inGrid,
  product,
  strides,
  type Variable,
  virtualChunks,
} from "../../core/array.ts";
import { itemSize } from "../../core/dtype.ts";
import { badSource, GyreError } from "../../errors.ts";
import type { FileInfo, Files } from "../../files/files.ts";
import type { Format } from "../format.ts";
import { sourceVersion } from "../version.ts";
import { MAX_HEADER, NeedMore } from "./cursor.ts";
import { type Header, type HeaderVariable, parseHeader, versionOf } from "./header.ts";
import { fillOf } from "./types.ts";

const FIRST_READ = 16 * 1024;

/** NetCDF classic files (NetCDF Classic and 64-bit Offset Format, OGC 11-044; CDF-5 as PnetCDF specifies it). */
export const netcdf3: Format = {
  name: "netcdf3",
  summary: "NetCDF classic: CDF-1, CDF-2 (64-bit offset), CDF-5 (64-bit data)",
  suffixes: [".nc", ".cdf", ".nc3"],
  sniff: ({ head }) => versionOf(head) !== undefined,
  async open(url, { files }, call) {
    const info = await files.head(url, call);
    if (info === undefined) throw new GyreError("NotFound", `${url} is not there`, { source: url.href });
    return toDataset(url, info, await readHeader(url, info, files, call));
  },
};

async function readHeader(url: URL, info: FileInfo, files: Files, call?: IoCall): Promise<Header> {
  for (let length = FIRST_READ; ; ) {
    const bytes = await files.read(
      url,
      { offset: 0, length },
      { ...call, ...(info.etag === undefined ? {} : { ifMatch: info.etag }) },
    );
    if (bytes === undefined) throw badSource(url, 0, "vanished while it was read");
    try {
      return parseHeader(url, bytes, info.size);
    } catch (error) {
      if (!(error instanceof NeedMore)) throw error;
      if (bytes.byteLength < Math.min(length, info.size)) throw badSource(url, bytes.byteLength, "the file has shrunk");
      if (error.end > MAX_HEADER) throw badSource(url, bytes.byteLength, `the header is beyond ${MAX_HEADER} bytes`);
      length = Math.min(Math.max(error.end, length * 4), MAX_HEADER);
    }
  }
}

function toDataset(url: URL, info: FileInfo, header: Header): Dataset {
  const problems: string[] = [];
  const records = recordLayout(header);
  const count = header.records ?? streamedRecords(records, info.size);
  const size = (id: number): number => header.dimensions[id]!.length || count;
  const dimensions = new Map<string, Dimension>(
    header.dimensions.map(({ name, length }, id) => [name, { size: size(id), unlimited: length === 0 }]),
  );
  if (dimensions.size < header.dimensions.length) problems.push("two dimensions have one name");

  const variables = new Map<string, Variable>();
  for (const found of header.variables) {
    const shape = found.dimids.map(size);
    if (found.name === "" || found.name.includes("/") || variables.has(found.name)) {
      problems.push(`variable "${found.name}" is left out: its name is empty, holds a slash or is taken`);
      continue;
    }
    const dims = found.dimids.map((id) => header.dimensions[id]!.name);
    const stride = isRecord(header, found) ? records.stride : undefined;
    const storage = new Storage(url, info, found, dims, shape, stride);
    if (!Number.isSafeInteger(storage.end)) {
      problems.push(`variable ${found.name} is left out: it has more than 2^53 bytes`);
      continue;
    }
    variables.set(found.name, storage);
    if (storage.end > info.size) {
      problems.push(`${found.name} ends at byte ${storage.end}, but the file has only ${info.size}: it is truncated`);
    }
  }
  return {
    format: "netcdf3",
    version: sourceVersion(url, info),
    attrs: header.attrs,
    dimensions,
    groups: new Map(),
    variables,
    ...(problems.length > 0 ? { problems } : {}),
  };
}

interface RecordLayout {
  /** Bytes from one record to the next. */
  readonly stride: number;
  /** Where the first record begins. */
  readonly begin: number;
}

/** Records hold each record variable padded to 4 bytes, except that a single one is not padded at all. */
function recordLayout(header: Header): RecordLayout {
  const variables = header.variables.filter((v) => isRecord(header, v));
  const sizes = variables.map(
    (v) => product(v.dimids.slice(1).map((id) => header.dimensions[id]!.length)) * v.type.size,
  );
  const stride = sizes.length === 1 ? sizes[0]! : sizes.reduce((sum, n) => sum + Math.ceil(n / 4) * 4, 0);
  return { stride, begin: variables.reduce((least, v) => Math.min(least, v.begin), Number.POSITIVE_INFINITY) };
}

function streamedRecords({ stride, begin }: RecordLayout, fileSize: number): number {
  return stride > 0 && begin < fileSize ? Math.floor((fileSize - begin) / stride) : 0;
}

function isRecord(header: Header, { dimids }: HeaderVariable): boolean {
  return dimids.length > 0 && header.dimensions[dimids[0]!]!.length === 0;
}

/** Values of one variable: one run of bytes, or one run per record. */
class Storage implements Variable {
  readonly name: string;
  readonly spec: ArraySpec;
  /** Where the last value ends. */
  readonly end: number;
  readonly #url: URL;
  readonly #info: FileInfo;
  readonly #begin: number;
  /** Bytes along each dimension from one index to the next. */
  readonly #steps: readonly number[];

  constructor(
    url: URL,
    info: FileInfo,
    { name, type, attrs, begin }: HeaderVariable,
    dims: readonly string[],
    shape: readonly number[],
    recordStride: number | undefined,
  ) {
    const size = type.size;
    const steps = strides(shape).map((n) => n * size);
    // Records of a lone record variable follow each other without a gap: then they are one run as well.
    const interleaved = recordStride !== undefined && recordStride !== steps[0];
    if (interleaved) steps[0] = recordStride;
    this.name = name;
    this.spec = {
      dtype: type.dtype,
      dims,
      shape,
      chunks: interleaved ? [1, ...virtualChunks(shape.slice(1), size)] : virtualChunks(shape, size),
      codecs: [{ name: "bytes", configuration: { endian: "big" } }],
      fill: fillOf(type, attrs.get("_FillValue")),
      attrs,
    };
    this.end = shape.includes(0) ? begin : begin + size + shape.reduce((sum, n, i) => sum + (n - 1) * steps[i]!, 0);
    this.#url = url;
    this.#info = info;
    this.#begin = begin;
    this.#steps = steps;
  }

  async locate(chunk: readonly number[]): Promise<ChunkRef | undefined> {
    if (!inGrid(this.spec, chunk)) return undefined;
    const { shape, chunks, dtype } = this.spec;
    const start = chunk.map((c, i) => c * chunks[i]!);
    const extent = start.map((s, i) => Math.min(chunks[i]!, shape[i]! - s));
    const offset = start.reduce((sum, s, i) => sum + s * this.#steps[i]!, this.#begin);
    const length = product(extent) * itemSize(dtype)!;
    if (offset + length > this.#info.size) {
      throw badSource(this.#url, offset, `${length} bytes of ${this.name} lie beyond the end of the file`);
    }
    return {
      url: this.#url,
      offset,
      length,
      ...(this.#info.etag === undefined ? {} : { etag: this.#info.etag }),
      ...(extent.some((n, i) => n !== chunks[i]) ? { shape: extent } : {}),
    };
  }
}
