import type { AsyncBuffer, Compressors, FileMetaData, RowGroup, SchemaTree } from "hyparquet";
import type { IoCall } from "../../core/array.ts";
import { type BBox, boxesMeet } from "../../core/geometry.ts";
import { parquetCompressors } from "../../core/parquet.ts";
import { readWkb } from "../../core/wkb-reader.ts";
import { badSource, GyreError, inSource, isGyreError } from "../../errors.ts";
import type { Feature, Field, FieldType, FieldValue, Layer, VectorFormat } from "../feature.ts";
import { filtered, fitted, integerOf } from "../fields.ts";
import { layerName } from "../layer-name.ts";
import { LocalFile } from "../local-file.ts";
import { type GeoMetadata, readGeoMetadata } from "./metadata.ts";

/** Of one group of rows, unpacked: it is held whole. */
const MOST_GROUP = 1024 ** 3;
const MOST_GROUP_ROWS = 4_000_000;
const MOST_PAGE = 256 * 1024 * 1024;

/** GeoParquet 1.0 and 1.1 with WKB; groups of rows whose boxes lie elsewhere are passed over. */
export const geoparquet: VectorFormat = {
  name: "GeoParquet",
  extensions: [".parquet", ".geoparquet"],
  async open(path) {
    await using opening = new AsyncDisposableStack();
    const file = opening.use(await LocalFile.open(path));
    const { parquetMetadataAsync, parquetSchema } = await import("hyparquet");
    const { metadata, schema } = await guarded(file, async () => {
      const read = await parquetMetadataAsync(bufferOf(file), { geoparquet: false });
      return { metadata: read, schema: parquetSchema(read) };
    });
    const geo = readGeoMetadata(metadata.key_value_metadata?.find(({ key }) => key === "geo")?.value, file.name);
    const fields = schema.children.filter(
      ({ element }) => element.name !== geo.column && element.name !== geo.covering?.column,
    );
    if (!schema.children.some(({ element }) => element.name === geo.column))
      throw badSource(file.name, undefined, `there is no column ${geo.column}`);
    const source: Source = { file, metadata, geo, fields: fields.map(fieldOf) };
    const layer: Layer = {
      name: layerName(path),
      crs: geo.crs,
      fields: source.fields,
      count: Number(metadata.num_rows),
      ...(geo.bbox === undefined ? {} : { bbox: geo.bbox }),
      features: (options) => filtered(read(source, options), options),
    };
    const open = opening.move();
    return { layers: [layer], [Symbol.asyncDispose]: () => open.disposeAsync() };
  },
};

interface Source {
  readonly file: LocalFile;
  readonly metadata: FileMetaData;
  readonly geo: GeoMetadata;
  readonly fields: readonly Field[];
}

function fieldOf({ element, children }: SchemaTree): Field {
  return { name: element.name, type: children.length > 0 ? "json" : typeOf(element) };
}

function typeOf({ type, converted_type, logical_type, repetition_type }: SchemaTree["element"]): FieldType {
  if (repetition_type === "REPEATED") return "json";
  const kind = logical_type?.type ?? converted_type ?? type;
  if (kind === undefined || type === undefined) return "json";
  if (/^TIMESTAMP/.test(kind) || type === "INT96") return "datetime";
  if (kind === "DATE") return "date";
  if (/^(STRING|UTF8|ENUM|UUID)$/.test(kind)) return "string";
  if (/^(JSON|VARIANT)$/.test(kind)) return "json";
  if (/^(DECIMAL|FLOAT16|FLOAT|DOUBLE)$/.test(kind)) return "number";
  if (type === "BOOLEAN") return "boolean";
  return type === "INT32" || type === "INT64" ? "integer" : "binary";
}

async function* read(source: Source, options: IoCall & { readonly bbox?: BBox } = {}): AsyncGenerator<Feature> {
  const { file, metadata, geo, fields } = source;
  const { parquetRead } = await import("hyparquet");
  const columns = [geo.column, ...fields.map(({ name }) => name)];
  let row = 0;
  for (const group of metadata.row_groups) {
    options.signal?.throwIfAborted();
    const [rowStart, rowEnd] = [row, row + Number(group.num_rows)];
    row = rowEnd;
    if (options.bbox !== undefined && liesElsewhere(group, geo, options.bbox)) continue;
    if (Number(group.total_byte_size) > MOST_GROUP || !(rowEnd - rowStart <= MOST_GROUP_ROWS))
      throw new GyreError("Unsupported", `${file.name} has a group of ${rowEnd - rowStart} rows: too many to hold`);
    let rows: readonly (readonly unknown[])[] = [];
    await guarded(file, () =>
      parquetRead({
        ...{ file: bufferOf(file), metadata, columns, rowStart, rowEnd },
        ...{ compressors: COMPRESSORS, utf8: false, geoparquet: false, rowFormat: "array" },
        onComplete: (read) => {
          rows = read;
        },
      }),
    );
    for (const [i, values] of rows.entries()) yield featureOf(values, rowStart + i, source);
  }
}

function featureOf([wkb, ...values]: readonly unknown[], id: number, { file, fields }: Source): Feature {
  try {
    return {
      id,
      geometry: wkb instanceof Uint8Array ? readWkb(wkb) : null,
      properties: new Map(fields.map(({ name, type }, i) => [name, fitted(plain(values[i]), type)])),
    };
  } catch (error) {
    throw inSource(error, `${file.name}, row ${id}`);
  }
}

function plain(value: unknown): FieldValue | undefined {
  return typeof value === "bigint" ? integerOf(value) : (value as FieldValue | undefined);
}

/** Whether the statistics of the column of boxes say that no feature of a group meets `bbox`. */
function liesElsewhere({ columns }: RowGroup, { covering }: GeoMetadata, bbox: BBox): boolean {
  if (covering === undefined) return false;
  const edges = covering.edges.map((edge, i) => {
    const path = `${covering.column}.${edge}`;
    const found = columns.find(({ meta_data }) => meta_data?.path_in_schema.join(".") === path);
    const { min_value, max_value } = found?.meta_data?.statistics ?? {};
    return Number((i < 2 ? min_value : max_value) ?? Number.NaN);
  });
  return edges.every(Number.isFinite) && !boxesMeet(edges as unknown as BBox, bbox);
}

function bufferOf(file: LocalFile): AsyncBuffer {
  const slice = async (start: number, end = file.size): Promise<ArrayBuffer> => {
    const from = start < 0 ? Math.max(0, file.size + start) : start;
    if (end - from > MOST_GROUP) throw badSource(file.name, from, `${end - from} bytes in one piece`);
    return (await file.read(from, Math.min(end, file.size) - from)).buffer;
  };
  return {
    byteLength: file.size,
    slice(start, end) {
      const read = slice(start, end);
      // Of several that fail the reader waits for one.
      read.catch(() => undefined);
      return read;
    },
  };
}

async function guarded<T>(file: LocalFile, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw isGyreError(error) ? error : badSource(file.name, undefined, (error as Error).message, error);
  }
}

const COMPRESSORS: Compressors = parquetCompressors(MOST_PAGE);
