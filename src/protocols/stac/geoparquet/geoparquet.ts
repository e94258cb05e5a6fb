import { zstdCompressSync } from "node:zlib";
import { GyreError } from "../../../errors.ts";
import { begun } from "../ndjson.ts";
import type { Kind } from "./kind.ts";
import { columnData, Layout, PROJECTED, type Row, rowOf, schemaOfColumns } from "./layout.ts";
import { BOX } from "./value.ts";

export const GEOPARQUET = "application/vnd.apache.parquet";

/** Items of one file, and rows of one group: what is in memory at a time. */
const MOST_ITEMS = 100_000;
const GROUP = 500;

const WKB = { encoding: "WKB", geometry_types: [] };
const COVERING = { bbox: Object.fromEntries(BOX.map((edge) => [edge, ["bbox", edge]])) };

/**
 * Items as one GeoParquet file in the layout of stac-geoparquet 1.0: properties are columns, times timestamps, the
 * geometry WKB, the box a struct; links, assets and other nested values are lists and structs, and JSON text where they
 * are too wide or of several kinds. `items` is read twice: first to learn the columns, then to write them.
 */
export async function geoparquet<T>(
  items: () => AsyncIterable<readonly T[]>,
  shape: (item: T) => object,
  headers: Readonly<Record<string, string>>,
  mostItems = MOST_ITEMS,
): Promise<Response> {
  const layout = new Layout();
  let count = 0;
  for await (const batch of items()) {
    count += batch.length;
    if (count > mostItems) throw tooMany(mostItems);
    for (const item of batch) layout.add(rowOf(shape(item)));
  }
  const body = await begun(parts(rows(items(), shape), layout.columns()));
  return new Response(body, { headers: { ...headers, "Content-Disposition": 'attachment; filename="items.parquet"' } });
}

async function* rows<T>(
  items: AsyncIterable<readonly T[]>,
  shape: (item: T) => object,
): AsyncGenerator<readonly Row[]> {
  let group: Row[] = [];
  for await (const batch of items) {
    for (const item of batch) {
      if (group.push(rowOf(shape(item))) < GROUP) continue;
      yield group;
      group = [];
    }
  }
  if (group.length > 0) yield group;
}

async function* parts(
  groups: AsyncIterable<readonly Row[]>,
  columns: ReadonlyMap<string, Kind>,
): AsyncGenerator<Uint8Array> {
  const { ByteWriter, ParquetWriter } = await import("hyparquet-writer");
  const output = new ByteWriter();
  const taken = (): Uint8Array => {
    const bytes = output.getBytes().slice();
    // Offsets go on counting; what was handed on is not kept.
    output.index = 0;
    return bytes;
  };
  const writer = new ParquetWriter({
    writer: output,
    schema: schemaOfColumns(columns),
    codec: "ZSTD",
    compressors: { ZSTD: (bytes) => zstdCompressSync(bytes) },
    createdBy: "gyre",
    kvMetadata: [
      { key: "geo", value: JSON.stringify(geoMetadata(columns)) },
      { key: "stac-geoparquet", value: JSON.stringify({ version: "1.0.0" }) },
    ],
  });
  for await (const group of groups) {
    await writer.write({ columnData: columnData(group, columns), rowGroupSize: group.length });
    yield taken();
  }
  await writer.finish();
  yield taken();
}

/** GeoParquet 1.1: where no `crs` is named OGC:CRS84 is meant, null is one that is not known. */
function geoMetadata(columns: ReadonlyMap<string, Kind>): object {
  const projected = columns.has(PROJECTED) ? { [PROJECTED]: { ...WKB, crs: null } } : {};
  return {
    version: "1.1.0",
    primary_column: "geometry",
    columns: { geometry: { ...WKB, covering: COVERING }, ...projected },
  };
}

function tooMany(most: number): GyreError {
  return new GyreError(
    "TooLarge",
    `a GeoParquet file has ${most} items at most: split the search by datetime, bbox or collections, or take it as ndjson`,
    { subject: "f", allowed: ["datetime", "bbox", "collections", "f=ndjson"] },
  );
}
