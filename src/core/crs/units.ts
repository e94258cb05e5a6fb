import { type ProjParams, projNumber } from "./proj-string.ts";

export interface LinearUnit {
  readonly name: string;
  readonly metres: number;
  /** EPSG code, as GeoTIFF writes it; 0: none. */
  readonly epsg: number;
  readonly proj: string;
}

export const METRE: LinearUnit = { name: "metre", metres: 1, epsg: 9001, proj: "m" };

const UNITS: readonly LinearUnit[] = [
  METRE,
  { name: "foot", metres: 0.3048, epsg: 9002, proj: "ft" },
  { name: "US survey foot", metres: 1200 / 3937, epsg: 9003, proj: "us-ft" },
  { name: "kilometre", metres: 1000, epsg: 9036, proj: "km" },
  { name: "British chain (Sears 1922)", metres: 20.1167651215526, epsg: 9042, proj: "" },
  { name: "chain", metres: 20.1168, epsg: 9097, proj: "ch" },
  { name: "link", metres: 0.201168, epsg: 9098, proj: "link" },
  { name: "Indian yard", metres: 0.91439523, epsg: 9084, proj: "ind-yd" },
  { name: "Clarke's foot", metres: 0.3047972654, epsg: 9005, proj: "" },
  { name: "Gold Coast foot", metres: 0.304799710181509, epsg: 9094, proj: "" },
];

/** The unit of a PROJ string's coordinates. */
export function linearUnit(params: ProjParams): LinearUnit {
  const factor = projNumber(params, "to_meter");
  if (factor !== undefined) return unitOfMetres(factor);
  const name = params.get("units");
  return UNITS.find((unit) => unit.proj !== "" && unit.proj === name) ?? METRE;
}

export function unitOfMetres(metres: number): LinearUnit {
  const known = UNITS.find((unit) => Math.abs(unit.metres - metres) < 1e-9 * metres);
  return known ?? { name: "unknown", metres, epsg: 0, proj: "" };
}

export function unitOfCode(code: number): LinearUnit | undefined {
  return UNITS.find((unit) => unit.epsg === code);
}

export function unitParams({ proj, metres }: LinearUnit): [string, string][] {
  return [proj === "" ? ["to_meter", String(metres)] : ["units", proj]];
}

/** PROJ's prime meridians, in degrees east of Greenwich. */
const MERIDIANS: Readonly<Record<string, readonly [string, number]>> = {
  greenwich: ["Greenwich", 0],
  lisbon: ["Lisbon", -9.131906111111112],
  paris: ["Paris", 2.337229166666667],
  bogota: ["Bogota", -74.08091666666667],
  madrid: ["Madrid", -3.687938888888889],
  rome: ["Rome", 12.45233333333333],
  bern: ["Bern", 7.439583333333333],
  jakarta: ["Jakarta", 106.8077194444444],
  ferro: ["Ferro", -17.66666666666667],
  brussels: ["Brussels", 4.367975],
  stockholm: ["Stockholm", 18.05827777777778],
  athens: ["Athens", 23.7163375],
  oslo: ["Oslo", 10.72291666666667],
};

export function primeMeridian(params: ProjParams): { readonly name: string; readonly longitude: number } {
  const pm = params.get("pm") ?? "greenwich";
  const known = Object.hasOwn(MERIDIANS, pm) ? MERIDIANS[pm] : undefined;
  if (known !== undefined) return { name: known[0], longitude: known[1] };
  const longitude = Number(pm);
  return { name: "unknown", longitude: Number.isFinite(longitude) ? longitude : 0 };
}
