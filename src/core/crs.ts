import { createRequire } from "node:module";
import { GyreError } from "../errors.ts";
import type { Attr, Attrs } from "./array.ts";
import { textAttr } from "./attrs.ts";
import { cfFromProj, projFromCf } from "./crs/cf.ts";
import { ellipsoidOf } from "./crs/ellipsoid.ts";
import { type EpsgEntry, epsgEntry } from "./crs/epsg.ts";
import { parseWkt } from "./crs/parse-wkt.ts";
import { formatProj, parseProj } from "./crs/proj-string.ts";
import { linearUnit } from "./crs/units.ts";
import { type CrsNames, formatWkt } from "./crs/wkt.ts";

/** A coordinate reference system of the horizontal plane. Coordinates are always x, y: easting or longitude first. */
export interface Crs {
  readonly name: string;
  readonly epsg?: number;
  /** What transforms are made from. */
  readonly proj: string;
  /** Well-known text for files and clients. */
  readonly wkt: string;
}

/** WGS 84 with longitude first: EPSG 4326, written out so that no table is loaded for it. */
export const LONLAT: Crs = Object.freeze({
  name: "WGS 84",
  epsg: 4326,
  proj: "+proj=longlat +datum=WGS84 +no_defs",
  wkt: 'GEOGCS["WGS 84",DATUM["WGS_1984",SPHEROID["WGS 84",6378137,298.257223563]],PRIMEM["Greenwich",0],UNIT["degree",0.0174532925199433],AUTHORITY["EPSG","4326"]]',
});

let loaded: typeof import("proj4") | undefined;

/** Loaded for the first transform: a node that only serves makes none. */
function proj4(): typeof import("proj4") {
  loaded ??= createRequire(import.meta.url)("proj4") as typeof import("proj4");
  return loaded;
}

/** Undefined where the registry has no such horizontal CRS. */
export function crsFromEpsg(code: number): Crs | undefined {
  const entry = epsgEntry(code);
  if (entry === undefined) return undefined;
  const proj = formatProj(parseProj(entry.proj));
  const base = entry.base === undefined ? entry : epsgEntry(entry.base);
  return {
    name: entry.name,
    epsg: code,
    proj,
    wkt: formatWkt(proj, { ...named(entry.name, code, base), northingFirst: entry.northingFirst }),
  };
}

/** A CRS out of a PROJ string; `base` is the code of the geographic CRS it rests on. */
export function crsFromProj(
  text: string,
  { name = "unknown", base }: { readonly name?: string; readonly base?: number | undefined } = {},
): Crs {
  const proj = formatProj(parseProj(text));
  return { name, proj, wkt: formatWkt(proj, named(name, undefined, base === undefined ? undefined : epsgEntry(base))) };
}

function named(name: string, epsg: number | undefined, base: EpsgEntry | undefined): CrsNames {
  return {
    name,
    ...(epsg === undefined ? {} : { epsg }),
    ...(base?.datum === undefined ? {} : { geographic: { name: base.name, datum: base.datum, epsg: base.code } }),
  };
}

/** Undefined for text that is no CRS this node can place on Earth. The text itself is kept for clients. */
export function crsFromWkt(wkt: string): Crs | undefined {
  const parsed = parseWkt(wkt);
  if (parsed === undefined) return undefined;
  const { name, epsg } = parsed;
  const registered = epsg === undefined ? undefined : epsgEntry(epsg);
  return {
    name,
    proj: formatProj(parseProj(registered?.proj ?? parsed.proj)),
    wkt,
    ...(epsg === undefined ? {} : { epsg }),
  };
}

/**
 * The CRS of a CF grid mapping variable. Its single attributes count before the text (CF 1.12 section 5.6.1), which
 * still gives name and code where both name the same projection.
 */
export function crsFromCf(attrs: Attrs): Crs | undefined {
  const wkt = textAttr(attrs, "crs_wkt") ?? textAttr(attrs, "spatial_ref");
  const fromText = wkt === undefined ? undefined : crsFromWkt(wkt);
  const proj = projFromCf(attrs);
  if (proj === undefined) return fromText;
  const sameKind = fromText !== undefined && methodName(fromText.proj) === methodName(proj);
  return sameKind ? fromText : crsFromProj(proj, { name: textAttr(attrs, "projected_crs_name") ?? "unknown" });
}

function methodName(proj: string): string | undefined {
  const kind = parseProj(proj).get("proj");
  return kind === "utm" ? "tmerc" : kind;
}

/** Attributes of a grid mapping variable: CF's own where it has them, and always `crs_wkt`. */
export function cfGridMapping(crs: Crs): Map<string, Attr> {
  const attrs = cfFromProj(crs.proj) ?? new Map<string, Attr>();
  const isGeographic = isLonLat(crs);
  attrs.set(isGeographic ? "geographic_crs_name" : "projected_crs_name", { dtype: "string", value: crs.name });
  return attrs.set("crs_wkt", { dtype: "string", value: crs.wkt });
}

/** True when the coordinates are degrees of longitude and latitude. */
export function isLonLat(crs: Crs): boolean {
  return /^\+proj=(longlat|latlong)\b/.test(crs.proj);
}

/** Metres of one unit of the coordinates, and its name; undefined for degrees. */
export function lengthUnit(crs: Crs): { readonly name: string; readonly metres: number } | undefined {
  const params = parseProj(crs.proj);
  return isLonLat(crs) || params.get("proj") === "ob_tran" ? undefined : linearUnit(params);
}

/** One point from one CRS to another; NaN where the projection does not reach. */
export type Transform = (x: number, y: number) => readonly [number, number];

/** Throws Unsupported where a projection has no implementation here. The transform is made once and used often. */
export function transform(from: Crs, to: Crs): Transform {
  if (from.proj === to.proj) return (x, y) => [x, y];
  const pair = proj4()(transformable(from), transformable(to));
  return (x, y) => {
    try {
      const [u, v] = pair.forward([x, y], true) as [number, number];
      return [u, v];
    } catch {
      return [Number.NaN, Number.NaN];
    }
  };
}

/** proj4 takes no zeros for granted, lacks some ellipsoids, and knows one of the perspectives by its general name only. */
function transformable(crs: Crs): string {
  const params = parseProj(crs.proj);
  if (params.get("proj") === "nsper") params.set("proj", "tpers").set("tilt", "0").set("azi", "0");
  if (!isLonLat(crs)) for (const key of ZEROS) if (!params.has(key)) params.set(key, "0");
  if (params.delete("ellps")) for (const [key, value] of axesOf(crs.proj)) params.set(key, value);
  const text = formatProj(params);
  try {
    proj4()(text);
    return text;
  } catch (cause) {
    throw new GyreError("Unsupported", `no transform for ${crs.name} (${crs.proj})`, { subject: crs.name, cause });
  }
}

function axesOf(proj: string): [string, string][] {
  const { a, rf } = ellipsoidOf(parseProj(proj));
  if (rf === 0) return [["R", String(a)]];
  return [
    ["a", String(a)],
    ["rf", String(rf)],
  ];
}

const ZEROS = ["lat_0", "lon_0", "x_0", "y_0"];
