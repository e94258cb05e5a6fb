import { zstdCompressSync } from "node:zlib";
import type { ColumnSource, SchemaElement } from "hyparquet-writer";
import { LONLAT } from "../../core/crs.ts";
import { type BBox, bboxOf, boxAround, hasHeights } from "../../core/geometry.ts";
import { writeWkb } from "../../core/wkb.ts";
import { ByteOutput } from "../byte-output.ts";
import type { Feature, Field, FieldType, FieldValue, VectorWriter } from "../feature.ts";
import { filtered, fitted, jsonText } from "../fields.ts";
import { distinctNames } from "../names.ts";
import { reprojected } from "../reprojected.ts";
import { writeGeoMetadata } from "./metadata.ts";

/** Rows of a group, and bytes of their geometries: what is in memory at a time. */
const GROUP = 20_000;
const GROUP_BYTES = 64 * 1024 * 1024;
const EDGES = ["xmin", "ymin", "xmax", "ymax"] as const;

const TYPES: Readonly<Record<FieldType, Omit<SchemaElement, "name">>> = {
  string: { type: "BYTE_ARRAY", converted_type: "UTF8" },
  integer: { type: "INT64" },
  number: { type: "DOUBLE" },
  boolean: { type: "BOOLEAN" },
  date: { type: "INT32", converted_type: "DATE" },
  datetime: {
    type: "INT64",
    converted_type: "TIMESTAMP_MICROS",
    logical_type: { type: "TIMESTAMP", isAdjustedToUTC: true, unit: "MICROS" },
  },
  binary: { type: "BYTE_ARRAY" },
  json: { type: "BYTE_ARRAY", converted_type: "UTF8" },
};

/**
 * GeoParquet 1.1 of one layer: WKB, Zstandard, a column of boxes as covering. Coordinates are longitude and latitude of
 * WGS 84 (OGC:CRS84), which needs no PROJJSON: a layer of another CRS is reprojected.
 */
export const geoparquetWriter: VectorWriter = {
  name: "GeoParquet",
  extension: ".parquet",
  mediaType: "application/vnd.apache.parquet",
  async write(path, layer, call) {
    const source = layer.crs === undefined ? layer : reprojected(layer, LONLAT);
    const { ByteWriter, ParquetWriter } = await import("hyparquet-writer");
    await using output = await ByteOutput.create(path);
    const bytes = new ByteWriter();
    const geo = { key: "geo", value: "" };
    const names = distinctNames([{ name: "geometry" }, { name: "bbox" }, ...layer.fields] as readonly Field[]);
    const columns = layer.fields.map((field, i) => ({ ...field, column: names[i + 2]! }));
    const writer = new ParquetWriter({
      writer: bytes,
      schema: schemaOf(columns),
      codec: "ZSTD",
      compressors: { ZSTD: (page) => zstdCompressSync(page) },
      createdBy: "gyre",
      kvMetadata: [geo],
    });
    const drain = async (): Promise<void> => {
      await output.write(bytes.getBytes().slice());
      // Offsets go on counting; what was handed on is not kept.
      bytes.index = 0;
    };
    const seen = new Seen();
    for await (const rows of groups(filtered(source.features(call), call), seen)) {
      await writer.write({ columnData: columnData(rows, columns), rowGroupSize: rows.length });
      await drain();
    }
    geo.value = writeGeoMetadata([...seen.types].sort(), seen.bbox, layer.crs !== undefined);
    await writer.finish();
    await drain();
    return { count: seen.count, bytes: await output.end() };
  },
};

interface Column extends Field {
  readonly column: string;
}

interface Row {
  readonly wkb: Uint8Array | null;
  readonly box: BBox | undefined;
  readonly properties: Feature["properties"];
}

/** What is known of the geometries when all have been written. */
class Seen {
  readonly types = new Set<string>();
  bbox: BBox | undefined;
  count = 0;
}

async function* groups(features: AsyncIterable<Feature>, seen: Seen): AsyncGenerator<readonly Row[]> {
  let rows: Row[] = [];
  let bytes = 0;
  for await (const { geometry, properties } of features) {
    const box = geometry === null ? undefined : bboxOf(geometry);
    const wkb = geometry && writeWkb(geometry, { heights: true });
    if (geometry !== null) seen.types.add(`${geometry.type}${hasHeights(geometry) ? " Z" : ""}`);
    seen.bbox = boxAround(seen.bbox, box);
    seen.count++;
    rows.push({ wkb, box, properties });
    bytes += wkb?.length ?? 0;
    if (rows.length < GROUP && bytes < GROUP_BYTES) continue;
    yield rows;
    [rows, bytes] = [[], 0];
  }
  if (rows.length > 0) yield rows;
}

function schemaOf(columns: readonly Column[]): SchemaElement[] {
  const repetition_type = "OPTIONAL";
  return [
    { name: "schema", num_children: 2 + columns.length },
    { name: "geometry", type: "BYTE_ARRAY", repetition_type },
    { name: "bbox", num_children: EDGES.length, repetition_type },
    ...EDGES.map((name): SchemaElement => ({ name, type: "DOUBLE", repetition_type: "REQUIRED" })),
    ...columns.map(({ column, type }): SchemaElement => ({ name: column, ...TYPES[type], repetition_type })),
  ];
}

function columnData(rows: readonly Row[], columns: readonly Column[]): ColumnSource[] {
  return [
    { name: "geometry", data: rows.map(({ wkb }) => wkb), statistics: false },
    { name: "bbox", data: rows.map(({ box }) => box && Object.fromEntries(EDGES.map((edge, i) => [edge, box[i]]))) },
    ...columns.map(({ name, column, type }) => ({
      name: column,
      data: rows.map(({ properties }) => columnValue(properties.get(name), type)),
      statistics: type !== "json" && type !== "binary",
    })),
  ];
}

function columnValue(value: FieldValue | undefined, type: FieldType): unknown {
  const fit = fitted(value, type);
  if (fit === null || (fit instanceof Date && Number.isNaN(fit.getTime()))) return null;
  if (type === "integer") return BigInt(typeof fit === "bigint" ? fit : Math.trunc(Number(fit)));
  if (type === "number") return Number(fit);
  return type === "json" ? jsonText(fit) : fit;
}
