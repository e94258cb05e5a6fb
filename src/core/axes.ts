import type { Dataset, Variable } from "./array.ts";
import { textAttr } from "./attrs.ts";
import { looksLikeTime } from "./time.ts";

export type Axis = "longitude" | "latitude" | "vertical" | "time";

const AXIS_LETTERS: Readonly<Record<string, Axis>> = { X: "longitude", Y: "latitude", Z: "vertical", T: "time" };
const LATITUDE_UNITS = /^degrees?[_ ]?(?:north|n)$/i;
const LONGITUDE_UNITS = /^degrees?[_ ]?(?:east|e)$/i;
const PRESSURE_UNITS = /^(?:pa|hpa|mbar|millibars?|bar|decibars?|dbar|atm|pascals?)$/i;
const LATITUDE_NAMES = /^(?:lat|latitude|nav_lat)$/i;
const LONGITUDE_NAMES = /^(?:lon|long|longitude|nav_lon)$/i;

/**
 * What a coordinate counts, as CF 4 says it: by units, standard name, axis, `positive`; by its usual name last.
 * Projected x and y are axes in no direction of the compass and have none here.
 */
export function axisOf(variable: Variable): Axis | undefined {
  const { attrs, dtype } = variable.spec;
  const units = textAttr(attrs, "units") ?? "";
  const standardName = textAttr(attrs, "standard_name");
  const name = variable.name.slice(variable.name.lastIndexOf("/") + 1);
  if (standardName === "latitude" || LATITUDE_UNITS.test(units)) return "latitude";
  if (standardName === "longitude" || LONGITUDE_UNITS.test(units)) return "longitude";
  if (standardName === "time" || looksLikeTime(units)) return "time";
  if (typeof dtype === "object" && dtype.kind === "datetime64") return "time";
  if (attrs.has("positive") || PRESSURE_UNITS.test(units)) return "vertical";
  const letter = AXIS_LETTERS[textAttr(attrs, "axis") ?? ""];
  if (letter === "time" || letter === "vertical") return letter;
  if (units !== "" && !/^degrees?$/i.test(units)) return undefined;
  if (standardName?.startsWith("grid_")) return undefined;
  return LATITUDE_NAMES.test(name) ? "latitude" : LONGITUDE_NAMES.test(name) ? "longitude" : undefined;
}

/** Paths of the groups in which a variable looks up names, its own first, the root (`""`) last (CF 2.7). */
export function scopesOf(name: string): string[] {
  const scopes: string[] = [];
  for (let end = name.lastIndexOf("/"); end >= 0; end = name.lastIndexOf("/", end - 1)) {
    scopes.push(name.slice(0, end));
    if (end === 0) break;
  }
  if (scopes.at(-1) !== "") scopes.push("");
  return scopes;
}

/** A name as a variable in some group says it, as a path of the dataset; undefined when there is none. */
export function resolveName(dataset: Dataset, from: string, name: string): string | undefined {
  if (name.startsWith("/")) return dataset.variables.has(name.slice(1)) ? name.slice(1) : undefined;
  for (const scope of scopesOf(from)) {
    const path = scope === "" ? name : `${scope}/${name}`;
    if (dataset.variables.has(path)) return path;
  }
  return undefined;
}

/** The path of a dimension as a variable sees it: that of the group nearest to it which defines the dimension. */
export function dimensionPath(dataset: Dataset, variableName: string, dim: string): string {
  for (const scope of scopesOf(variableName)) {
    const group = scope === "" ? dataset : dataset.groups.get(scope);
    if (group?.dimensions.has(dim)) return scope === "" ? dim : `${scope}/${dim}`;
  }
  return dim;
}

/** Attributes that name variables which belong to the one that has them (CF 5, 7.1, 7.2, 5.6, 3.4). */
const REFERENCES = ["coordinates", "bounds", "climatology", "grid_mapping", "ancillary_variables", "cell_measures"];

/** Paths of the variables that a variable's attributes and dimensions name: its coordinates, their bounds, its grid. */
export function referencesOf(dataset: Dataset, variable: Variable): string[] {
  const names = [...variable.spec.dims];
  for (const attribute of REFERENCES) {
    const text = textAttr(variable.spec.attrs, attribute);
    // `area: areacella` and `crs: x y` name their variables with and without roles.
    if (text !== undefined) names.push(...text.split(/\s+/).map((word) => word.replace(/:$/, "")));
  }
  const paths = names.map((name) => resolveName(dataset, variable.name, name));
  return [...new Set(paths.filter((path) => path !== undefined && path !== variable.name))] as string[];
}

/** Paths of all coordinate and auxiliary coordinate variables with their bounds and grid mappings. */
export function coordinateNames(dataset: Dataset): Set<string> {
  const names = new Set<string>();
  for (const variable of dataset.variables.values()) {
    const own = variable.name.slice(variable.name.lastIndexOf("/") + 1);
    if (variable.spec.dims.length === 1 && variable.spec.dims[0] === own) names.add(variable.name);
    for (const name of referencesOf(dataset, variable)) names.add(name);
  }
  return names;
}
