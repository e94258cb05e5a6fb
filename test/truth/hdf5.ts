import type { Block, CodecSpec, Dataset, Variable } from "../../src/core/array.ts";
import type { Findings } from "./findings.ts";
import { isPrinted, ourWords, pythonWords } from "./python-text.ts";
import {
  compareAttributes,
  compareStats,
  digest,
  elementAt,
  numpyName,
  type Stats,
  statistics,
  valueAt,
} from "./values.ts";

interface Hdf5Object {
  readonly type: "dataset" | "group";
  readonly attributes: Record<string, unknown>;
  readonly shape?: readonly number[] | null;
  readonly dtype?: string;
  readonly chunks?: readonly number[] | null;
  readonly maxshape?: readonly (number | null)[] | null;
  readonly layout?: string;
  readonly filters?: readonly number[];
  readonly stats?: Stats;
  readonly samples?: readonly { readonly index: readonly number[]; readonly value: unknown }[];
  readonly sha256_C_little_endian?: string;
  readonly first?: readonly unknown[];
  readonly value?: unknown;
}

export interface Hdf5Record {
  readonly objects: Record<string, Hdf5Object>;
  readonly root_attributes: Record<string, unknown>;
}

/** HDF5 filter numbers of our codec ids. */
export const FILTERS: Readonly<Record<string, number>> = {
  zlib: 1,
  shuffle: 2,
  fletcher32: 3,
  szip: 4,
  nbit: 5,
  scaleoffset: 6,
  bz2: 307,
  lzf: 32000,
  blosc: 32001,
  "hdf5-lz4": 32004,
  bitshuffle: 32008,
  zstd: 32015,
};

export function filterNumbers(codecs: readonly CodecSpec[]): number[] {
  return codecs.slice(1).map(({ name }) => FILTERS[name] ?? Number(name.replace(/^hdf5:/, "")));
}

export async function compareHdf5(
  record: Hdf5Record,
  dataset: Dataset,
  read: (variable: Variable) => Promise<Block>,
  findings: Findings,
  listing: string,
): Promise<void> {
  compareAttributes(findings, "attributes", dataset.attrs, record.root_attributes);
  const expected = new Set<string>();
  for (const [name, object] of Object.entries(record.objects)) {
    const path = name.replace(/^\//, "");
    const where = `objects/${path}`;
    if (object.type === "group") {
      const group = dataset.groups.get(path);
      if (group === undefined) findings.fail(where, "absent", "group");
      else compareAttributes(findings, `${where}/attributes`, group.attrs, object.attributes);
      continue;
    }
    expected.add(path);
    const variable = dataset.variables.get(path);
    if (variable === undefined) {
      findings.fail(where, "absent", `dataset ${object.dtype}`);
      continue;
    }
    await compareDataset(object, variable, read, findings, where);
  }
  // h5py visits an object once; under its other names it is in the listing of h5dump.
  for (const name of dataset.variables.keys())
    if (!expected.has(name)) findings.equal(`objects/${name}`, listing.includes(`"${name.split("/").at(-1)}"`), true);
  findings.equal("objects", dataset.variables.size >= expected.size, true);
}

async function compareDataset(
  object: Hdf5Object,
  variable: Variable,
  read: (variable: Variable) => Promise<Block>,
  findings: Findings,
  where: string,
): Promise<void> {
  const { spec } = variable;
  compareAttributes(findings, `${where}/attributes`, spec.attrs, object.attributes);
  // A null dataspace has no shape in HDF5 and no form in Zarr or NetCDF: it reads as an empty list.
  findings.equal(`${where}/shape`, spec.shape, object.shape ?? [0]);
  if (/^[<>|]?[a-z]+\d*$/i.test(object.dtype ?? "") && object.dtype !== "object") {
    findings.equal(`${where}/dtype`, numpyName(spec.dtype), plainName(object.dtype as string));
  }
  const inlined = ["vlen-utf8", "vlen-bytes", "vlen-array", "json2"].includes(spec.codecs[0]?.name ?? "");
  if (object.chunks) findings.equal(`${where}/chunks`, spec.chunks, object.chunks);
  if (!inlined) findings.equal(`${where}/filters`, filterNumbers(spec.codecs), object.filters ?? []);
  if (!inlined && object.dtype?.startsWith(">")) {
    findings.equal(`${where}/endian`, spec.codecs[0]?.configuration?.endian, "big");
  }
  if (object.shape === null) return;
  const block = await read(variable);
  if (object.sha256_C_little_endian !== undefined) {
    findings.equal(`${where}/sha256`, digest(block), object.sha256_C_little_endian);
  }
  if (object.stats !== undefined && ArrayBuffer.isView(block.data)) {
    compareStats(findings, `${where}/stats`, statistics(block.data as Float64Array), object.stats, 1e-12);
  }
  for (const { index, value } of object.samples ?? []) {
    findings.equal(`${where}/samples`, valueAt(block, index), value);
  }
  if (object.value !== undefined)
    findings.equal(`${where}/value`, firstText(elementAt(block, 0), object.value), object.value);
  for (const [i, value] of object.first?.entries() ?? []) {
    const own = structured(elementAt(block, i));
    if (isPrinted(value) && typeof own !== "string")
      findings.equal(`${where}/first/${i}`, ourWords(own), pythonWords(value));
    else findings.equal(`${where}/first/${i}`, own, value);
  }
}

/** `>f8` and `float64` are one type: byte order is compared apart. */
function plainName(name: string): string {
  const kinds: Record<string, string> = { f: "float", i: "int", u: "uint", c: "complex" };
  const match = /^[<>]([fiuc])(\d+)$/.exec(name);
  return match === null ? name : `${kinds[match[1] as string]}${Number(match[2]) * 8}`;
}

/** Records keep long texts cut. */
function firstText(ours: unknown, theirs: unknown): unknown {
  return typeof ours === "string" && typeof theirs === "string" ? ours.slice(0, theirs.length) : ours;
}

/** Structures with members of variable length come as JSON. */
function structured(value: unknown): unknown {
  return typeof value === "string" && value.startsWith("{") ? JSON.parse(value) : value;
}
