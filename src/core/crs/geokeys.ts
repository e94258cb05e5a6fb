import { type Crs, crsFromEpsg, crsFromProj, crsFromWkt } from "../crs.ts";
import { type Ellipsoid, ellipsoidOf, ellipsoidOfCode, ellipsoidParams } from "./ellipsoid.ts";
import { expandUtm, METHODS, methodOf } from "./methods.ts";
import { formatProj, parseProj, projNumber, projText } from "./proj-string.ts";
import { linearUnit, METRE, unitOfCode, unitOfMetres, unitParams } from "./units.ts";

/** GeoKeys (GeoTIFF 1.1 section 7.3) by number: codes, measures and citations. */
export type GeoKeys = ReadonlyMap<number, number | string>;

const Key = {
  ModelType: 1024,
  RasterType: 1025,
  Citation: 1026,
  GeodeticCrs: 2048,
  GeodeticCitation: 2049,
  Datum: 2050,
  AngularUnit: 2054,
  Ellipsoid: 2056,
  SemiMajor: 2057,
  SemiMinor: 2058,
  InverseFlattening: 2059,
  PrimeMeridian: 2061,
  ToWgs84: 2062,
  ProjectedCrs: 3072,
  ProjectedCitation: 3073,
  Projection: 3074,
  Method: 3075,
  LinearUnit: 3076,
  LinearUnitSize: 3077,
  StandardParallel1: 3078,
} as const;

const USER_DEFINED = 32767;
const PROJECTED = 1;
const GEOGRAPHIC = 2;

/** The CRS that GeoKeys describe: by code where they give one, else from its parameters. */
export function crsFromGeoKeys(keys: GeoKeys): Crs | undefined {
  const code = (key: number): number | undefined => {
    const value = keys.get(key);
    return typeof value === "number" && value > 0 && value < USER_DEFINED ? value : undefined;
  };
  const citation = text(keys, Key.ProjectedCitation) ?? text(keys, Key.Citation);
  const wkt = /^ESRI PE String = (.*)$/s.exec(citation ?? "")?.[1];
  const fromText = wkt === undefined ? undefined : crsFromWkt(wkt);
  if (fromText !== undefined) return fromText;

  const model = keys.get(Key.ModelType);
  const projected = code(Key.ProjectedCrs);
  if (projected !== undefined && model !== GEOGRAPHIC) {
    const known = crsFromEpsg(projected);
    if (known !== undefined) return known;
  }
  const geodetic = code(Key.GeodeticCrs);
  if (model === PROJECTED || (model !== GEOGRAPHIC && keys.has(Key.Method))) {
    const proj = projectionParams(keys, code);
    if (proj === undefined) return undefined;
    const base = geodetic === undefined ? undefined : crsFromEpsg(geodetic);
    return crsFromProj(formatProj(new Map([...proj, ...datumParams(keys, code), ...lengthUnit(keys)])), {
      name: plainCitation(citation) ?? "unknown",
      ...(base === undefined ? {} : { base: base.epsg }),
    });
  }
  const known = geodetic === undefined ? undefined : crsFromEpsg(geodetic);
  if (known !== undefined) return known;
  if (model !== GEOGRAPHIC || !(keys.has(Key.SemiMajor) || code(Key.Ellipsoid) || code(Key.Datum))) return undefined;
  const name = plainCitation(text(keys, Key.GeodeticCitation)) ?? "unknown";
  return crsFromProj(formatProj(new Map([["proj", "longlat"], ...datumParams(keys, code)])), { name });
}

/** Citations of GDAL and ERDAS are lists, `GCS Name = NAD27|Datum = ...|`; of these only the name is one. */
function plainCitation(citation: string | undefined): string | undefined {
  const named = /(?:^|\|)\s*(?:GCS|PCS) Name = ([^|]*)/.exec(citation ?? "")?.[1] ?? citation?.split("|")[0];
  const name = named?.trim();
  return name === undefined || name === "" ? undefined : name;
}

function text(keys: GeoKeys, key: number): string | undefined {
  const value = keys.get(key);
  return typeof value === "string" ? value : undefined;
}

function measure(keys: GeoKeys, key: number): number | undefined {
  const value = keys.get(key);
  return typeof value === "number" && Number.isFinite(value) ? value : undefined;
}

type Code = (key: number) => number | undefined;

function projectionParams(keys: GeoKeys, code: Code): Map<string, string> | undefined {
  const conversion = code(Key.Projection) ?? 0;
  // EPSG's conversions of UTM: 16001 to 16060 north, 16101 to 16160 south.
  const zone = conversion % 100;
  if (conversion > 16000 && conversion < 16200 && zone >= 1 && zone <= 60) {
    const params = new Map([
      ["proj", "utm"],
      ["zone", String(zone)],
    ]);
    return conversion > 16100 ? params.set("south", "") : params;
  }
  const method = METHODS.find(
    (m) => m.geokey === code(Key.Method) && (m.wkt1 !== "Mercator_2SP" || keys.has(Key.StandardParallel1)),
  );
  if (method === undefined) return undefined;
  const metres = metresPerUnit(keys);
  const params = new Map([["proj", method.proj]]);
  for (const param of method.params) {
    const value = param.keys.map((key) => measure(keys, key)).find((v) => v !== undefined);
    if (value !== undefined) params.set(param.proj, projText(param.kind === "length" ? value * metres : value));
  }
  if (method.wkt1 === "Polar_Stereographic") {
    const trueScale = projNumber(params, "lat_ts") ?? 90;
    params.set("lat_0", trueScale < 0 ? "-90" : "90");
    params.delete(Math.abs(trueScale) === 90 ? "lat_ts" : "k");
  }
  if (method.wkt1 === "Lambert_Conformal_Conic_1SP") params.set("lat_1", params.get("lat_0") ?? "0");
  return params;
}

function metresPerUnit(keys: GeoKeys): number {
  const value = keys.get(Key.LinearUnit);
  const known = typeof value === "number" ? unitOfCode(value) : undefined;
  return known?.metres ?? measure(keys, Key.LinearUnitSize) ?? METRE.metres;
}

function lengthUnit(keys: GeoKeys): [string, string][] {
  return unitParams(unitOfMetres(metresPerUnit(keys)));
}

function datumParams(keys: GeoKeys, code: Code): [string, string][] {
  // Until the codes above 1000 came, a datum's code was that of its geographic CRS plus 2000.
  const datum = code(Key.Datum);
  const base = crsFromEpsg(code(Key.GeodeticCrs) ?? (datum === undefined ? 0 : datum - 2000));
  const axes = explicitFigure(keys);
  if (base !== undefined) {
    const params = parseProj(base.proj);
    if (axes === undefined || isFigure(ellipsoidOf(params), axes)) return [...params].filter(([key]) => key !== "proj");
  }
  const known = ellipsoidOfCode(code(Key.Ellipsoid) ?? 0);
  const shift = keys.get(Key.ToWgs84);
  const meridian = measure(keys, Key.PrimeMeridian) ?? 0;
  const figure: [string, string] = known === undefined ? ["datum", "WGS84"] : ["ellps", known];
  return [
    ...(axes === undefined ? [figure] : ellipsoidParams(axes.a, axes.rf)),
    ...(typeof shift === "string" ? [["towgs84", shift] as [string, string]] : []),
    ...(meridian === 0 ? [] : [["pm", projText(meridian)] as [string, string]]),
  ];
}

type Figure = Pick<Ellipsoid, "a" | "rf">;

/** Axes that the file says itself: they count before the codes beside them, as GDAL takes it. */
function explicitFigure(keys: GeoKeys): Figure | undefined {
  const a = measure(keys, Key.SemiMajor);
  const b = measure(keys, Key.SemiMinor);
  const rf =
    measure(keys, Key.InverseFlattening) ?? (a === undefined || b === undefined ? undefined : flattening(a, b));
  return a === undefined || !(a > 0) || rf === undefined ? undefined : { a, rf };
}

function flattening(a: number, b: number): number {
  return a === b ? 0 : a / (a - b);
}

function isFigure(one: Figure, other: Figure): boolean {
  return Math.abs(one.a - other.a) < 1e-3 && Math.abs(one.rf - other.rf) < 1e-4;
}

/** GeoKeys that say a CRS: by code, by parameters, or as text where GeoTIFF has no such method. */
export function geoKeysOf(crs: Crs): Map<number, number | string> {
  const params = expandUtm(parseProj(crs.proj));
  const isGeographic = params.get("proj") === "longlat";
  const keys = new Map<number, number | string>([
    [Key.ModelType, isGeographic ? GEOGRAPHIC : PROJECTED],
    [Key.RasterType, 1],
    [Key.Citation, crs.name],
  ]);
  if (crs.epsg !== undefined && crs.epsg < USER_DEFINED) {
    return keys.set(isGeographic ? Key.GeodeticCrs : Key.ProjectedCrs, crs.epsg);
  }
  const { a, rf, name } = ellipsoidOf(params);
  keys.set(Key.GeodeticCrs, params.get("datum") === "WGS84" ? 4326 : USER_DEFINED);
  if (params.get("datum") !== "WGS84") {
    keys.set(Key.GeodeticCitation, `GCS Name = unknown|Datum = unknown|Ellipsoid = ${name}|Primem = Greenwich|`);
    keys.set(Key.Datum, USER_DEFINED).set(Key.Ellipsoid, USER_DEFINED).set(Key.SemiMajor, a);
    if (rf === 0) keys.set(Key.SemiMinor, a);
    else keys.set(Key.InverseFlattening, rf);
  }
  keys.set(Key.AngularUnit, 9102);
  if (isGeographic) return keys;
  const method = methodOf(params);
  if (method?.geokey === undefined) return textKeys(crs);
  const unit = linearUnit(params);
  keys.set(Key.ProjectedCrs, USER_DEFINED).set(Key.Projection, USER_DEFINED).set(Key.Method, method.geokey);
  keys.set(Key.LinearUnit, unit.epsg === 0 ? USER_DEFINED : unit.epsg);
  if (unit.epsg === 0) keys.set(Key.LinearUnitSize, unit.metres);
  for (const param of method.params) {
    const value = projNumber(params, param.proj) ?? (param.proj === "lat_ts" ? projNumber(params, "lat_0") : undefined);
    const fallback = param.kind === "scale" ? 1 : 0;
    keys.set(param.keys[0]!, param.kind === "length" ? (value ?? 0) / unit.metres : (value ?? fallback));
  }
  return keys;
}

/** GDAL's way out: Esri's citation with the whole text. */
function textKeys(crs: Crs): Map<number, number | string> {
  return new Map<number, number | string>([
    [Key.ModelType, USER_DEFINED],
    [Key.RasterType, 1],
    [Key.ProjectedCitation, `ESRI PE String = ${crs.wkt}`],
  ]);
}

/** Keys whose values are measures, kept as doubles; the other numbers are codes. */
export function isMeasureKey(key: number): boolean {
  return (key >= 2053 && key <= 2061 && key !== 2054 && key !== 2056 && key !== 2060) || (key >= 3077 && key <= 3096);
}
