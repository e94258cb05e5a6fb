import { ellipsoidParams } from "./ellipsoid.ts";
import { METHODS, type Method, plainName } from "./methods.ts";
import { formatProj, projText } from "./proj-string.ts";
import { unitOfMetres, unitParams } from "./units.ts";

/** An element of well-known text: keyword, own values in order, children. */
interface Node {
  readonly keyword: string;
  readonly values: readonly (string | number)[];
  readonly children: readonly Node[];
}

export interface ParsedWkt {
  readonly name: string;
  readonly epsg?: number;
  readonly proj: string;
}

const MOST = 100_000;
const DEEPEST = 32;
const PROJECTED = new Set(["PROJCS", "PROJCRS", "PROJECTEDCRS"]);
const GEOGRAPHIC = new Set(["GEOGCS", "GEOGCRS", "GEODCRS", "GEODETICCRS", "GEOGRAPHICCRS"]);
const DEGREE = Math.PI / 180;

/**
 * Name, EPSG code and PROJ string of WKT 1 (GDAL, ESRI) or WKT 2. Undefined when it is no horizontal CRS that the
 * table of methods knows.
 */
export function parseWkt(text: string): ParsedWkt | undefined {
  if (text.length > MOST) return undefined;
  const root = parseNode(text);
  if (root === undefined) return undefined;
  const crs = find(root, (keyword) => PROJECTED.has(keyword) || GEOGRAPHIC.has(keyword));
  if (crs === undefined) return undefined;
  const name = String(crs.values[0] ?? "unknown");
  const epsg = codeOf(crs);
  const extension = crs.children.find((c) => c.keyword === "EXTENSION" && c.values[0] === "PROJ4")?.values[1];
  const proj = typeof extension === "string" ? extension : toProj(crs);
  return proj === undefined ? undefined : { name, proj, ...(epsg === undefined ? {} : { epsg }) };
}

function toProj(crs: Node): string | undefined {
  const base = datumParams(crs);
  if (base === undefined) return undefined;
  if (GEOGRAPHIC.has(crs.keyword)) {
    const pole = find(crs, (keyword) => keyword === "DERIVINGCONVERSION");
    const rotated = pole === undefined ? undefined : rotatedPole(pole);
    if (pole !== undefined && rotated === undefined) return undefined;
    return formatProj(new Map([...(rotated ?? [["proj", "longlat"] as [string, string]]), ...base]));
  }
  const conversion = crs.children.find((c) => c.keyword === "CONVERSION") ?? crs;
  const named = conversion.children.find((c) => c.keyword === "PROJECTION" || c.keyword === "METHOD")?.values[0];
  if (typeof named !== "string") return undefined;
  const metres = crs.children.find((c) => c.keyword === "UNIT" || c.keyword === "LENGTHUNIT")?.values[1];
  const axis = find(crs, (keyword) => keyword === "AXIS");
  const ofAxis = axis?.children.find((c) => c.keyword === "LENGTHUNIT")?.values[1];
  const factor = typeof metres === "number" ? metres : typeof ofAxis === "number" ? ofAxis : 1;
  const given = new Map<string, number>();
  for (const child of conversion.children) {
    const [key, value] = child.values;
    if (child.keyword !== "PARAMETER" || typeof key !== "string" || typeof value !== "number") continue;
    given.set(plainName(key), value * parameterFactor(child, factor, plainName(key)));
  }
  if (plainName(named) === "popularvisualisationpseudomercator") {
    return "+proj=merc +a=6378137 +b=6378137 +lat_ts=0 +lon_0=0 +x_0=0 +y_0=0 +k=1 +units=m +nadgrids=@null +no_defs";
  }
  const params = methodParams(plainName(named), given);
  if (params === undefined) return undefined;
  if (/sweepx$/.test(plainName(named))) params.set("sweep", "x");
  return formatProj(new Map([...params, ...base, ...unitParams(unitOfMetres(factor))]));
}

/** To degrees and metres: WKT 2 says each parameter's unit, WKT 1 takes lengths in the unit of the CRS. */
function parameterFactor(parameter: Node, metres: number, key: string): number {
  const unit = parameter.children.find((c) => c.keyword.endsWith("UNIT"));
  const factor = unit?.values[1];
  if (typeof factor === "number") return unit?.keyword === "ANGLEUNIT" ? factor / DEGREE : factor;
  return /easting|northing/.test(key) ? metres : 1;
}

function methodParams(name: string, given: ReadonlyMap<string, number>): Map<string, string> | undefined {
  const candidates = METHODS.filter((m) => [m.wkt1, ...m.also].some((other) => plainName(other) === name));
  const method = candidates[0];
  if (method === undefined) return undefined;
  const params = new Map([["proj", method.proj]]);
  if (method.wkt1 === "Polar_Stereographic") return polar(name, given, params, method);
  for (const param of method.params) {
    const value = givenValue(param, given);
    if (value !== undefined) params.set(param.proj, projText(value));
  }
  if (method.wkt1 === "Lambert_Conformal_Conic_1SP") params.set("lat_1", params.get("lat_0") ?? "0");
  return params;
}

function givenValue(param: Method["params"][number], given: ReadonlyMap<string, number>): number | undefined {
  for (const name of [param.wkt1, ...param.also]) {
    const value = given.get(plainName(name));
    if (value !== undefined) return value;
  }
  return undefined;
}

/** The pole is where the given latitude lies; with a scale factor it is the latitude of origin, else that of true scale. */
function polar(
  name: string,
  given: ReadonlyMap<string, number>,
  params: Map<string, string>,
  method: Method,
): Map<string, string> {
  const latitude =
    given.get("latitudeofstandardparallel") ??
    given.get("standardparallel1") ??
    given.get("latitudeofnaturalorigin") ??
    given.get("latitudeoforigin") ??
    90;
  const south = name.endsWith("southpole") || latitude < 0;
  params.set("lat_0", south ? "-90" : "90");
  for (const param of method.params) {
    const value = givenValue(param, given);
    if (value !== undefined && param.proj !== "lat_ts") params.set(param.proj, projText(value));
  }
  if (Math.abs(latitude) !== 90) {
    params.set("lat_ts", projText(latitude));
    params.delete("k");
  }
  return params;
}

function rotatedPole(conversion: Node): [string, string][] | undefined {
  const given = new Map(
    conversion.children
      .filter((c) => c.keyword === "PARAMETER")
      .map((c) => [plainName(String(c.values[0])), Number(c.values[1])] as const),
  );
  const latitude = given.get("gridnorthpolelatitudenetcdfcfconvention");
  const longitude = given.get("gridnorthpolelongitudenetcdfcfconvention");
  if (latitude === undefined || longitude === undefined) return undefined;
  return rotatedPoleParams(latitude, longitude, given.get("northpolegridlongitudenetcdfcfconvention") ?? 0);
}

/** CF's rotated pole (appendix F) in PROJ's words: where the new pole lies, and what its meridian is. */
export function rotatedPoleParams(latitude: number, longitude: number, gridLongitude: number): [string, string][] {
  return [
    ["proj", "ob_tran"],
    ["o_proj", "longlat"],
    ["o_lat_p", projText(latitude)],
    ["o_lon_p", projText(gridLongitude)],
    ["lon_0", projText(longitude > 0 ? longitude - 180 : longitude + 180)],
  ];
}

function datumParams(crs: Node): [string, string][] | undefined {
  const spheroid = find(crs, (keyword) => keyword === "SPHEROID" || keyword === "ELLIPSOID");
  const [, a, rf] = spheroid?.values ?? [];
  if (typeof a !== "number" || typeof rf !== "number" || !(a > 0) || rf < 0) return undefined;
  const datum = find(crs, (keyword) => keyword === "DATUM" || keyword === "ENSEMBLE");
  const isWgs84 = /^(wgs1984|dwgs1984|worldgeodeticsystem1984)/.test(plainName(String(datum?.values[0] ?? "")));
  const shift = find(crs, (keyword) => keyword === "TOWGS84")?.values;
  const meridian = find(crs, (keyword) => keyword === "PRIMEM")?.values[1];
  const params: [string, string][] =
    isWgs84 && a === 6378137 && Math.abs(rf - 298.257223563) < 1e-8 ? [["datum", "WGS84"]] : ellipsoidParams(a, rf);
  if (shift?.every((v) => typeof v === "number")) params.push(["towgs84", shift.join(",")]);
  if (typeof meridian === "number" && meridian !== 0) params.push(["pm", projText(meridian)]);
  return params;
}

function codeOf(crs: Node): number | undefined {
  const id = crs.children.find((c) => c.keyword === "AUTHORITY" || c.keyword === "ID");
  const code = Number(id?.values[1]);
  return id?.values[0] === "EPSG" && Number.isInteger(code) && code > 0 ? code : undefined;
}

function find(node: Node, matches: (keyword: string) => boolean): Node | undefined {
  if (matches(node.keyword)) return node;
  for (const child of node.children) {
    const found = find(child, matches);
    if (found !== undefined) return found;
  }
  return undefined;
}

const TOKEN =
  /\s*(?:"((?:[^"]|"")*)"|([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)|([A-Za-z_][A-Za-z0-9_]*)|([[\](),]))/y;

/** Reads one element; undefined when the text is not well-formed. */
function parseNode(text: string): Node | undefined {
  TOKEN.lastIndex = 0;
  const next = (): RegExpExecArray | null => TOKEN.exec(text);
  const read = (keyword: string, depth: number): Node | undefined => {
    if (depth > DEEPEST) return undefined;
    const values: (string | number)[] = [];
    const children: Node[] = [];
    for (let token = next(); token !== null; token = next()) {
      const [, string, number, word, mark] = token;
      if (mark === "]" || mark === ")") return { keyword, values, children };
      if (string !== undefined) values.push(string.replaceAll('""', '"'));
      else if (number !== undefined) values.push(Number(number));
      else if (word !== undefined) {
        const opens = /^\s*[[(]/.test(text.slice(TOKEN.lastIndex, TOKEN.lastIndex + 8));
        if (!opens) {
          values.push(word);
          continue;
        }
        next();
        const child = read(word.toUpperCase(), depth + 1);
        if (child === undefined) return undefined;
        children.push(child);
      } else if (mark !== ",") return undefined;
    }
    return undefined;
  };
  const first = next();
  const open = next();
  if (first?.[3] === undefined || (open?.[4] !== "[" && open?.[4] !== "(")) return undefined;
  return read(first[3].toUpperCase(), 0);
}
