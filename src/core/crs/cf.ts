import type { Attr, Attrs } from "../array.ts";
import { numericAttr, textAttr } from "../attrs.ts";
import { ellipsoidOf, ellipsoidParams } from "./ellipsoid.ts";
import { expandUtm, METHODS, type Method, methodOf } from "./methods.ts";
import { rotatedPoleParams } from "./parse-wkt.ts";
import { formatProj, type ProjParams, parseProj, projNumber, projText } from "./proj-string.ts";
import { linearUnit, primeMeridian } from "./units.ts";

/** Grid mapping attributes of a PROJ string (CF 1.12 appendix F); undefined where CF has no such grid mapping. */
export function cfFromProj(proj: string): Map<string, Attr> | undefined {
  const params = expandUtm(parseProj(proj));
  const attrs = new Map<string, Attr>();
  const text = (name: string, value: string): unknown => attrs.set(name, { dtype: "string", value });
  const number = (name: string, value: number | readonly number[]): unknown =>
    attrs.set(name, { dtype: "float64", value });
  const kind = params.get("proj");
  if (kind === "longlat" || kind === "latlong") {
    text("grid_mapping_name", "latitude_longitude");
  } else if (kind === "ob_tran" && params.get("o_proj") === "longlat") {
    text("grid_mapping_name", "rotated_latitude_longitude");
    const longitude = (projNumber(params, "lon_0") ?? 0) + 180;
    number("grid_north_pole_latitude", projNumber(params, "o_lat_p") ?? 90);
    number("grid_north_pole_longitude", longitude > 180 ? longitude - 360 : longitude);
    number("north_pole_grid_longitude", projNumber(params, "o_lon_p") ?? 0);
  } else {
    const method = methodOf(params);
    if (method?.cf === undefined) return undefined;
    text("grid_mapping_name", method.cf);
    methodAttrs(params, method, number);
    if (method.proj === "geos") text("sweep_angle_axis", params.get("sweep") ?? "y");
  }
  const { a, rf } = ellipsoidOf(params);
  if (rf === 0) number("earth_radius", a);
  else {
    number("semi_major_axis", a);
    number("inverse_flattening", rf);
  }
  number("longitude_of_prime_meridian", primeMeridian(params).longitude);
  return attrs;
}

function methodAttrs(
  params: ProjParams,
  method: Method,
  number: (name: string, value: number | number[]) => unknown,
): void {
  const { metres } = linearUnit(params);
  const parallels: number[] = [];
  for (const param of method.params) {
    const value = projNumber(params, param.proj);
    if (param.cf === undefined) continue;
    if (param.cf === "standard_parallel") {
      if (value !== undefined) parallels.push(value);
    } else if (param.kind === "scale") {
      if (value !== undefined) number(param.cf, value);
    } else {
      const length = param.kind === "length" && param.proj !== "h";
      number(param.cf, (value ?? 0) / (length ? metres : 1));
    }
  }
  const origin = projNumber(params, "lat_0");
  if (method.cf === "polar_stereographic" || method.cf === "geostationary") {
    number("latitude_of_projection_origin", origin ?? 0);
  }
  const single = projNumber(params, "lat_1") ?? origin;
  if (method.wkt1 === "Lambert_Conformal_Conic_1SP" && single !== undefined) parallels.push(single);
  if (parallels.length > 0) number("standard_parallel", parallels.length === 1 ? parallels[0]! : parallels);
}

/** The PROJ string of a grid mapping's attributes; undefined where the mapping is none that is known here. */
export function projFromCf(attrs: Attrs): string | undefined {
  const name = textAttr(attrs, "grid_mapping_name");
  const projection = name === undefined ? undefined : projectionOf(name, attrs);
  return projection === undefined ? undefined : formatProj(new Map([...projection, ...figure(attrs)]));
}

function projectionOf(name: string, attrs: Attrs): Map<string, string> | undefined {
  const given = (key: string): number | undefined => numericAttr(attrs, key)?.[0];
  if (name === "latitude_longitude") return new Map([["proj", "longlat"]]);
  if (name === "rotated_latitude_longitude") {
    const latitude = given("grid_north_pole_latitude");
    const longitude = given("grid_north_pole_longitude");
    if (latitude === undefined || longitude === undefined) return undefined;
    return new Map(rotatedPoleParams(latitude, longitude, given("north_pole_grid_longitude") ?? 0));
  }
  const parallels = numericAttr(attrs, "standard_parallel") ?? [];
  const origin = given("latitude_of_projection_origin");
  const method = METHODS.find((m) => m.cf === name && fits(m, parallels.length));
  if (method === undefined) return undefined;
  const params = new Map([["proj", method.proj]]);
  for (const param of method.params) {
    if (param.cf === undefined) continue;
    const value = param.cf === "standard_parallel" ? parallels[param.proj === "lat_2" ? 1 : 0] : given(param.cf);
    if (value !== undefined) params.set(param.proj, projText(value));
  }
  // One parallel of a cone or of Albers' projection is both.
  if (method.proj === "aea" && parallels.length === 1) params.set("lat_2", projText(parallels[0]!));
  if (method.wkt1 === "Lambert_Conformal_Conic_1SP") params.set("lat_1", projText(parallels[0] ?? origin ?? 0));
  if (method.cf === "polar_stereographic") params.set("lat_0", (origin ?? parallels[0] ?? 90) < 0 ? "-90" : "90");
  if (method.proj === "geos") params.set("sweep", sweepAxis(attrs));
  if (method.cf === "mercator" && !params.has("lat_ts") && origin !== undefined) params.set("lat_0", projText(origin));
  return params;
}

/** The instrument's two axes: one scans fixed, the other sweeps; CF lets a file name either. */
function sweepAxis(attrs: Attrs): string {
  const sweep = textAttr(attrs, "sweep_angle_axis");
  if (sweep === "x" || sweep === "y") return sweep;
  return textAttr(attrs, "fixed_angle_axis") === "y" ? "x" : "y";
}

/** Variants of one grid mapping differ by how many parallels are given. */
function fits(method: Method, parallels: number): boolean {
  if (method.cf === "lambert_conformal_conic") return method.wkt1.endsWith(parallels === 2 ? "2SP" : "1SP");
  if (method.cf === "mercator") return method.wkt1.endsWith(parallels > 0 ? "2SP" : "1SP");
  return true;
}

function figure(attrs: Attrs): [string, string][] {
  const given = (key: string): number | undefined => numericAttr(attrs, key)?.[0];
  const meridian = given("longitude_of_prime_meridian") ?? 0;
  const pm: [string, string][] = meridian === 0 ? [] : [["pm", projText(meridian)]];
  const radius = given("earth_radius");
  const a = given("semi_major_axis") ?? radius;
  if (a === undefined) return [["datum", "WGS84"], ...pm];
  const b = given("semi_minor_axis") ?? (radius === undefined ? undefined : a);
  const rf = given("inverse_flattening") ?? (b === undefined || b === a ? 0 : a / (a - b));
  return [...ellipsoidParams(a, rf), ...pm];
}
