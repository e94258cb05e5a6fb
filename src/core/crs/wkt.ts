import { ellipsoidOf } from "./ellipsoid.ts";
import { expandUtm, methodOf } from "./methods.ts";
import { formatProj, type ProjParams, parseProj, projNumber, projText } from "./proj-string.ts";
import { linearUnit, primeMeridian } from "./units.ts";

/** Names that a PROJ string does not carry. */
export interface CrsNames {
  readonly name: string;
  readonly epsg?: number;
  /** The registry's axes are not east, north: WKT 1 in GDAL's dialect then leaves them out. */
  readonly northingFirst?: boolean;
  /** The geographic CRS below a projected one, or the CRS itself. */
  readonly geographic?: { readonly name: string; readonly datum: string; readonly epsg?: number };
}

const OF_DATUM: Readonly<Record<string, NonNullable<CrsNames["geographic"]>>> = {
  WGS84: { name: "WGS 84", datum: "WGS_1984", epsg: 4326 },
  NAD83: { name: "NAD83", datum: "North_American_Datum_1983", epsg: 4269 },
  NAD27: { name: "NAD27", datum: "North_American_Datum_1927", epsg: 4267 },
};

/** Spherical Mercator of web maps: ellipsoidal coordinates in spherical formulas, which WKT 1 says by its PROJ string. */
const WEB_MERCATOR = "+proj=merc +a=6378137 +b=6378137 +lat_ts=0 +lon_0=0 +x_0=0 +y_0=0 +k=1 +units=m +nadgrids=@null";

/**
 * WKT 1 in GDAL's dialect (OGC 01-009): what every reader of rasters understands. What WKT 1 has no words for is
 * carried as a PROJ string in the `EXTENSION` that GDAL and PROJ use.
 */
export function formatWkt(proj: string, names: CrsNames): string {
  const params = expandUtm(parseProj(proj));
  const kind = params.get("proj");
  if (kind === "longlat" || kind === "latlong") return geographicWkt(params, names);
  const isWeb = isWebMercator(params);
  const base = isWeb ? parseProj("+proj=longlat +datum=WGS84") : params;
  const geographic = geographicWkt(base, {
    name: names.geographic?.name ?? "unknown",
    ...(names.geographic === undefined ? {} : { geographic: names.geographic }),
    ...(names.geographic?.epsg === undefined ? {} : { epsg: names.geographic.epsg }),
  });
  const unit = linearUnit(params);
  const method = methodOf(params);
  const parts = [quoted(names.name), geographic];
  if (method === undefined) parts.push(node("PROJECTION", quoted("custom_proj4")));
  else
    parts.push(
      node("PROJECTION", quoted(isWeb ? "Mercator_1SP" : method.wkt1)),
      ...parameters(params, method, unit.metres),
    );
  parts.push(node("UNIT", quoted(unit.name), projText(unit.metres)));
  if (kind !== "stere" && names.northingFirst !== true) parts.push('AXIS["Easting",EAST]', 'AXIS["Northing",NORTH]');
  const extension = isWeb ? `${WEB_MERCATOR} +wktext +no_defs` : formatProj(parseProj(proj));
  if (isWeb || method === undefined || kind === "geos")
    parts.push(node("EXTENSION", quoted("PROJ4"), quoted(extension)));
  if (names.epsg !== undefined) parts.push(authority(names.epsg));
  return node("PROJCS", ...parts);
}

function isWebMercator(params: ProjParams): boolean {
  const kind = params.get("proj");
  return kind === "webmerc" || (kind === "merc" && params.get("nadgrids") === "@null");
}

function parameters(params: ProjParams, method: NonNullable<ReturnType<typeof methodOf>>, metres: number): string[] {
  return method.params.flatMap((param) => {
    let value = projNumber(params, param.proj);
    if (param.proj === "lat_ts" && value === undefined) value = projNumber(params, "lat_0");
    if (param.kind === "scale" && params.has("lat_ts")) return [];
    const fallback = param.kind === "scale" ? 1 : 0;
    const scaled = param.kind === "length" && param.proj !== "h" ? (value ?? fallback) / metres : (value ?? fallback);
    return [node("PARAMETER", quoted(param.wkt1), projText(scaled))];
  });
}

function geographicWkt(params: ProjParams, names: CrsNames): string {
  const ellipsoid = ellipsoidOf(params);
  const known = names.geographic ?? OF_DATUM[params.get("datum") ?? ""];
  const shift = params.get("towgs84");
  const spheroid = node("SPHEROID", quoted(ellipsoid.name), projText(ellipsoid.a), projText(ellipsoid.rf));
  const datum = [quoted(known?.datum ?? "unknown"), spheroid];
  if (shift !== undefined && /^[-\d.,eE+]+$/.test(shift)) datum.push(node("TOWGS84", shift));
  const meridian = primeMeridian(params);
  const code = names.epsg ?? known?.epsg;
  return node(
    "GEOGCS",
    quoted(names.name === "unknown" ? (known?.name ?? "unknown") : names.name),
    node("DATUM", ...datum),
    node("PRIMEM", quoted(meridian.name), projText(meridian.longitude)),
    node("UNIT", quoted("degree"), "0.0174532925199433"),
    ...(code === undefined ? [] : [authority(code)]),
  );
}

function node(keyword: string, ...parts: readonly string[]): string {
  return `${keyword}[${parts.join(",")}]`;
}

function quoted(text: string): string {
  return `"${text.replace(/"/g, "'")}"`;
}

function authority(code: number): string {
  return `AUTHORITY["EPSG","${code}"]`;
}
