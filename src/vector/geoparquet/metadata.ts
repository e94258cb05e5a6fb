import { type Crs, crsFromEpsg, LONLAT } from "../../core/crs.ts";
import { badSource, GyreError } from "../../errors.ts";
import type { BBox } from "../feature.ts";

/** What the `geo` metadata says of the primary geometry (GeoParquet 1.1). */
export interface GeoMetadata {
  readonly column: string;
  readonly crs: Crs | undefined;
  readonly bbox: BBox | undefined;
  /** The column of boxes, with the names of its edges: west, south, east, north. */
  readonly covering: { readonly column: string; readonly edges: readonly string[] } | undefined;
}

const EDGES = ["xmin", "ymin", "xmax", "ymax"] as const;

type Members = Readonly<Record<string, unknown>>;

export function readGeoMetadata(text: string | undefined, file: string): GeoMetadata {
  if (text === undefined) throw new GyreError("Unsupported", `${file} is Parquet without geo metadata`);
  const geo = membersOf(parsed(text, file));
  const column = String(geo.primary_column);
  const columns = membersOf(geo.columns);
  const told = Object.hasOwn(columns, column) ? membersOf(columns[column]) : undefined;
  if (told === undefined) throw badSource(file, undefined, "its geo metadata does not tell of the primary column");
  if (told.encoding !== "WKB")
    throw new GyreError("Unsupported", `${file}: geometries encoded as ${String(told.encoding).slice(0, 40)}`, {
      subject: String(told.encoding),
      allowed: ["WKB"],
    });
  return { column, crs: crsOf(told.crs), bbox: boxOf(told.bbox), covering: coveringOf(told.covering) };
}

/** Without a word it is CRS84; null says that nobody knows; else PROJJSON, known by its identifier. */
function crsOf(projjson: unknown): Crs | undefined {
  if (projjson === undefined) return LONLAT;
  const { authority, code } = membersOf(membersOf(projjson).id);
  if (authority === "OGC" && String(code).toUpperCase() === "CRS84") return LONLAT;
  return authority === "EPSG" ? crsFromEpsg(Number(code)) : undefined;
}

function boxOf(value: unknown): BBox | undefined {
  if (!Array.isArray(value) || !value.every(Number.isFinite)) return undefined;
  const half = value.length / 2;
  return value.length === 4 || value.length === 6 ? [value[0], value[1], value[half], value[half + 1]] : undefined;
}

function coveringOf(value: unknown): GeoMetadata["covering"] {
  const box = membersOf(membersOf(value).bbox);
  const paths = EDGES.map((edge) => box[edge]);
  const isPair = (path: unknown): path is [string, string] =>
    Array.isArray(path) && path.length === 2 && path.every((part) => typeof part === "string");
  if (!paths.every(isPair)) return undefined;
  return { column: paths[0]![0], edges: paths.map(([, edge]) => edge) };
}

function membersOf(value: unknown): Members {
  return typeof value === "object" && value !== null ? (value as Members) : {};
}

function parsed(text: string, file: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    throw badSource(file, undefined, "its geo metadata is broken JSON", error);
  }
}

/** The `geo` metadata of a file that is written. */
export function writeGeoMetadata(types: readonly string[], bbox: BBox | undefined, isPlaced: boolean): string {
  const geometry = {
    encoding: "WKB",
    geometry_types: types,
    ...(bbox === undefined ? {} : { bbox }),
    ...(isPlaced ? {} : { crs: null }),
    covering: { bbox: Object.fromEntries(EDGES.map((edge) => [edge, ["bbox", edge]])) },
  };
  return JSON.stringify({ version: "1.1.0", primary_column: "geometry", columns: { geometry } });
}
