import type { ArraySpec, Attr, Dimension, Group } from "../core/array.ts";
import { scopesOf } from "../core/axes.ts";
import { type DType, dtypeName, isInteger, type NumericType } from "../core/dtype.ts";
import { GyreError } from "../errors.ts";
import type { Source } from "./source.ts";

/** The types that both NetCDF writers know; `string` is text of any length, `char` single bytes. */
export type NetcdfType = Exclude<NumericType, "bool" | "complex64" | "complex128"> | "string" | "char";

/** A variable as NetCDF can say it: the same stored values under another description. */
export interface NetcdfSpec extends ArraySpec {
  readonly type: NetcdfType;
}

const TIME_UNITS: Readonly<Record<string, string>> = {
  ns: "nanoseconds",
  us: "microseconds",
  ms: "milliseconds",
  s: "seconds",
  m: "minutes",
  h: "hours",
  D: "days",
  W: "weeks",
};

/**
 * What NetCDF says of a variable. Booleans become bytes with xarray's `dtype: "bool"`, enumerations their numbers with
 * CF's flags, `datetime64` counts with units. Throws Unsupported, naming the type, for what it cannot say.
 */
export function netcdfSpec(name: string, spec: ArraySpec): NetcdfSpec {
  const { dtype } = spec;
  const as = (type: NetcdfType, ...attrs: readonly (readonly [string, Attr])[]): NetcdfSpec => ({
    ...spec,
    type,
    attrs: new Map([...attrs, ...spec.attrs]),
  });
  if (dtype === "string" || isInteger(dtype)) return as(dtype);
  if (dtype === "float16" || dtype === "float32" || dtype === "float64") return as(dtype);
  if (dtype === "bool") return as("int8", ["dtype", { dtype: "string", value: "bool" }]);
  if (typeof dtype === "object") {
    if (dtype.kind === "fixed-bytes" && dtype.length === 1) return as("char");
    if (dtype.kind === "enum") {
      const values: Attr = { dtype: dtype.base, value: [...dtype.members.values()] };
      const meanings = [...dtype.members.keys()].map((meaning) => meaning.replace(/\s+/g, "_")).join(" ");
      return as(dtype.base, ["flag_values", values], ["flag_meanings", { dtype: "string", value: meanings }]);
    }
    const unit = dtype.kind === "datetime64" || dtype.kind === "timedelta64" ? TIME_UNITS[dtype.unit] : undefined;
    if (unit !== undefined && "scale" in dtype && dtype.scale === 1) {
      const isDate = dtype.kind === "datetime64";
      const units: Attr = { dtype: "string", value: isDate ? `${unit} since 1970-01-01` : unit };
      const calendar: Attr = { dtype: "string", value: "proleptic_gregorian" };
      return as("int64", ["units", units], ...(isDate ? [["calendar", calendar] as const] : []));
    }
  }
  throw noType(name, dtype);
}

export function noType(name: string, dtype: DType | "json"): GyreError {
  const said = dtype === "json" ? "free-form JSON" : dtypeName(dtype);
  return new GyreError("Unsupported", `NetCDF has no type for ${name}, which is ${said}`, { subject: name });
}

/** A dimension and the group that defines it (`""`: the root). */
export interface FoundDimension {
  readonly group: string;
  readonly name: string;
  readonly dimension: Dimension;
}

/** The dimensions of a variable, each of the nearest group that defines it. Throws BadRequest for one that none does. */
export function dimensionsOf(source: Source, variable: string, spec: ArraySpec): FoundDimension[] {
  return spec.dims.map((name, i) => {
    for (const group of scopesOf(variable)) {
      const defining: Group | undefined = group === "" ? source : source.groups.get(group);
      const dimension = defining?.dimensions.get(name);
      if (dimension === undefined) continue;
      if (dimension.size !== spec.shape[i]) break;
      return { group, name, dimension };
    }
    throw new GyreError("BadRequest", `${variable} has a dimension ${name}=${spec.shape[i]} that no group defines`, {
      subject: name,
    });
  });
}
