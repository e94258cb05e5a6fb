import { Builder } from "flatbuffers";
import { type Crs, crsFromEpsg, crsFromWkt } from "../../core/crs.ts";
import { badSource } from "../../errors.ts";
import type { BBox, Field, FieldType, Layer } from "../feature.ts";
import type { LocalFile } from "../local-file.ts";
import { doubles, offsets } from "./geometry.ts";
import { FlatTable } from "./table.ts";
import { treeBytes } from "./tree.ts";

/** `fgb`, version 3, and a patch number that readers pass over. */
export const MAGIC = new Uint8Array([0x66, 0x67, 0x62, 3, 0x66, 0x67, 0x62, 0]);
const MOST_HEADER = 16 * 1024 * 1024;

/** Slots of `Header` (header.fbs). */
const HEADER = {
  name: 0,
  envelope: 1,
  kind: 2,
  hasZ: 3,
  columns: 7,
  count: 8,
  nodeSize: 9,
  crs: 10,
  slots: 14,
} as const;
const COLUMN = { name: 0, type: 1, slots: 11 } as const;
const CRS = { org: 0, code: 1, name: 2, wkt: 4, slots: 6 } as const;

/** Types of columns by their numbers, with ours. */
export const COLUMN_TYPES = [
  ...["byte", "ubyte", "bool", "short", "ushort", "int", "uint", "long", "ulong"],
  ...["float", "double", "string", "json", "datetime", "binary"],
] as const;
const FIELD_TYPES: ReadonlyMap<string, FieldType> = new Map([
  ["bool", "boolean"],
  ["float", "number"],
  ["double", "number"],
  ["string", "string"],
  ["json", "json"],
  ["datetime", "datetime"],
  ["binary", "binary"],
]);
const WRITTEN: Readonly<Record<FieldType, (typeof COLUMN_TYPES)[number]>> = {
  boolean: "bool",
  integer: "long",
  number: "double",
  string: "string",
  json: "json",
  date: "datetime",
  datetime: "datetime",
  binary: "binary",
};

export interface Column extends Field {
  /** As the file has it. */
  readonly stored: string;
}

export interface Header {
  readonly name: string | undefined;
  readonly kind: number;
  readonly columns: readonly Column[];
  /** 0: not known. */
  readonly count: number;
  /** 0: there is no index. */
  readonly nodeSize: number;
  readonly crs: Crs | undefined;
  readonly bbox: BBox | undefined;
  /** Where the index begins, and where the features do. */
  readonly tree: number;
  readonly features: number;
}

export async function readHeader(file: LocalFile): Promise<Header> {
  const head = await file.read(0, 12);
  if (!MAGIC.subarray(0, 4).every((byte, i) => head[i] === byte)) throw badSource(file.name, 0, "no FlatGeobuf 3 file");
  const length = new DataView(head.buffer).getUint32(8, true);
  if (length > MOST_HEADER) throw badSource(file.name, 8, `a header of ${length} bytes`);
  const table = FlatTable.root(await file.read(12, length));
  const count = table.uint64(HEADER.count);
  const nodeSize = count === 0 ? 0 : table.uint16(HEADER.nodeSize, 16);
  if (nodeSize === 1 || !Number.isSafeInteger(count)) throw badSource(file.name, 12, "an index of no possible shape");
  const features = 12 + length + (nodeSize === 0 ? 0 : treeBytes(count, nodeSize));
  if (features > file.size) throw badSource(file.name, 12 + length, "the index is cut off");
  const box = table.doubles(HEADER.envelope) ?? [];
  return {
    name: table.string(HEADER.name),
    kind: table.uint8(HEADER.kind),
    columns: (table.tables(HEADER.columns) ?? []).map(columnOf),
    count,
    nodeSize,
    crs: crsOf(table.table(HEADER.crs)),
    bbox: box.length >= 4 && box.every(Number.isFinite) ? (box.slice(0, 4) as unknown as BBox) : undefined,
    tree: 12 + length,
    features,
  };
}

function columnOf(table: FlatTable): Column {
  const stored = COLUMN_TYPES[table.uint8(COLUMN.type)] ?? "unknown";
  return { name: table.string(COLUMN.name) ?? "", stored, type: FIELD_TYPES.get(stored) ?? "integer" };
}

function crsOf(table: FlatTable | undefined): Crs | undefined {
  if (table === undefined) return undefined;
  const org = table.string(CRS.org) ?? "EPSG";
  const code = table.int32(CRS.code);
  return (org.toUpperCase() === "EPSG" ? crsFromEpsg(code) : undefined) ?? crsFromWkt(table.string(CRS.wkt) ?? "");
}

export interface Written {
  readonly kind: number;
  readonly hasZ: boolean;
  readonly count: number;
  readonly nodeSize: number;
  readonly bbox: BBox | undefined;
}

/** The columns of a layer as they are written. */
export function columnsOf({ fields }: Layer): readonly Column[] {
  return fields.map(({ name, type }) => ({ name, type, stored: WRITTEN[type] }));
}

/** A header with its length in front. */
export function buildHeader(layer: Layer, { kind, hasZ, count, nodeSize, bbox }: Written): Uint8Array {
  const builder = new Builder(1024);
  const name = builder.createString(layer.name);
  const envelope = bbox === undefined ? 0 : doubles(builder, bbox);
  const columns = offsets(
    builder,
    columnsOf(layer).map((column) => buildColumn(builder, column)),
  );
  const crs = layer.crs === undefined ? 0 : buildCrs(builder, layer.crs);
  builder.startObject(HEADER.slots);
  builder.addFieldOffset(HEADER.name, name, 0);
  builder.addFieldOffset(HEADER.envelope, envelope, 0);
  builder.addFieldInt8(HEADER.kind, kind, 0);
  builder.addFieldInt8(HEADER.hasZ, Number(hasZ), 0);
  builder.addFieldOffset(HEADER.columns, columns, 0);
  builder.addFieldInt64(HEADER.count, BigInt(count), 0n);
  builder.addFieldInt16(HEADER.nodeSize, nodeSize, 16);
  builder.addFieldOffset(HEADER.crs, crs, 0);
  builder.finishSizePrefixed(builder.endObject());
  return builder.asUint8Array();
}

function buildColumn(builder: Builder, { name, stored }: Column): number {
  const text = builder.createString(name);
  builder.startObject(COLUMN.slots);
  builder.addFieldOffset(COLUMN.name, text, 0);
  builder.addFieldInt8(COLUMN.type, COLUMN_TYPES.indexOf(stored as (typeof COLUMN_TYPES)[number]), 0);
  return builder.endObject();
}

function buildCrs(builder: Builder, { name, epsg, wkt }: Crs): number {
  const texts = [epsg === undefined ? "" : "EPSG", name, wkt].map((text) => builder.createString(text));
  builder.startObject(CRS.slots);
  if (epsg !== undefined) builder.addFieldOffset(CRS.org, texts[0]!, 0);
  builder.addFieldInt32(CRS.code, epsg ?? 0, 0);
  builder.addFieldOffset(CRS.name, texts[1]!, 0);
  builder.addFieldOffset(CRS.wkt, texts[2]!, 0);
  return builder.endObject();
}
