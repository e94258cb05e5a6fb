import type { Group } from "../../core/array.ts";
import { itemSize } from "../../core/dtype.ts";
import { dimensionsOf, type NetcdfSpec, netcdfSpec } from "../netcdf-spec.ts";
import type { Source, SourceVariable } from "../source.ts";
import { type Datatype, numberType, textType, variableText } from "./datatype.ts";
import { type Filtered, filtersOf } from "./filters.ts";

/** A dimension of the file: its scale is the coordinate variable, or a dataset without values. */
export interface DimensionObject {
  /** Number by which NetCDF orders dimensions. */
  readonly id: number;
  readonly group: string;
  readonly name: string;
  readonly size: number;
  readonly unlimited: boolean;
}

export interface VariableObject {
  readonly group: string;
  /** Name in the group: the variable's own, or with a prefix where a dimension took it. */
  readonly name: string;
  readonly variable: SourceVariable;
  readonly spec: NetcdfSpec;
  readonly type: Datatype;
  readonly filtered: Filtered;
  readonly dimensions: readonly DimensionObject[];
  /** The dimension whose scale this is. */
  readonly scale: DimensionObject | undefined;
}

export interface Objects {
  readonly dimensions: readonly DimensionObject[];
  readonly variables: readonly VariableObject[];
}

/** As the NetCDF library names a variable that is called like a dimension without being its coordinate. */
const NOT_A_COORDINATE = "_nc4_non_coord_";

/** The dimensions and variables of a source as NetCDF-4 arranges them in HDF5. */
export function objectsOf(source: Source): Objects {
  const dimensions: DimensionObject[] = [];
  const groups: readonly (readonly [string, Group])[] = [["", source], ...source.groups];
  for (const [group, { dimensions: own }] of groups) {
    for (const [name, { size, unlimited }] of own) {
      dimensions.push({ id: dimensions.length, group, name, size, unlimited });
    }
  }
  const variables = [...source.variables.values()].map((variable) => variableObject(source, variable, dimensions));
  return { dimensions, variables };
}

function variableObject(source: Source, variable: SourceVariable, all: readonly DimensionObject[]): VariableObject {
  const cut = variable.name.lastIndexOf("/");
  const group = variable.name.slice(0, Math.max(cut, 0));
  const name = variable.name.slice(cut + 1);
  const described = netcdfSpec(variable.name, variable.spec);
  const found = dimensionsOf(source, variable.name, described);
  const dimensions = found.map((f) => all.find((d) => d.group === f.group && d.name === f.name) as DimensionObject);
  const namesake = all.find((d) => d.group === group && d.name === name);
  const scale = namesake !== undefined && dimensions[0] === namesake ? namesake : undefined;
  // HDF5 refuses chunks beyond the end of a dimension that cannot grow.
  const chunks = described.chunks.map((n, i) =>
    dimensions[i]!.unlimited ? Math.max(n, 1) : Math.max(1, Math.min(n, described.shape[i]!)),
  );
  const spec = { ...described, chunks };
  return {
    group,
    name: namesake !== undefined && scale === undefined ? NOT_A_COORDINATE + name : name,
    variable,
    spec,
    type: typeOf(spec),
    filtered: spec.type === "string" ? { order: "little", filters: [] } : filtersOf(spec.codecs, itemSize(spec.dtype)!),
    dimensions,
    scale,
  };
}

function typeOf({ type, codecs }: NetcdfSpec): Datatype {
  if (type === "string") return variableText();
  if (type === "char") return textType(1, false);
  return numberType(
    type,
    codecs.some((c) => c.name === "bytes" && c.configuration?.endian === "big") ? "big" : "little",
  );
}
