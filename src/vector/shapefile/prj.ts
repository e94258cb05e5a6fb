import { type Crs, crsFromEpsg, crsFromWkt, isLonLat } from "../../core/crs.ts";

/** ESRI's names of the usual reference systems; its text gives no codes. */
const CODES: ReadonlyMap<string, number> = new Map([
  ["GCS_WGS_1984", 4326],
  ["GCS_North_American_1983", 4269],
  ["GCS_ETRS_1989", 4258],
  ["WGS_1984_Web_Mercator_Auxiliary_Sphere", 3857],
  ["ETRS_1989_LAEA", 3035],
]);

/** The CRS of a .prj. One that is known by its name gets its code, which other formats want. */
export function crsOfPrj(wkt: string): Crs | undefined {
  const crs = crsFromWkt(wkt);
  if (crs === undefined || crs.epsg !== undefined) return crs;
  const [, zone, hemisphere] = /^WGS_1984_UTM_Zone_(\d{1,2})([NS])$/.exec(crs.name) ?? [];
  const utm = zone === undefined ? undefined : (hemisphere === "N" ? 32_600 : 32_700) + Number(zone);
  const known = crsFromEpsg(utm ?? CODES.get(crs.name) ?? 0);
  return known !== undefined && isLonLat(known) === isLonLat(crs) ? known : crs;
}
