import type { Dataset, Variable } from "../core/array.ts";

/** A chunk that a Zarr key names; whether the grid has it is another question. */
export interface ChunkKey {
  readonly variable: Variable;
  readonly chunk: readonly number[];
}

/** More digits are no chunk of any array. */
const INDEX = /^(?:0|[1-9]\d{0,14})$/;

/** Reads `group/tas/0.1.2`, and `tas/0` for a scalar. Undefined: no chunk key of a variable that is there. */
export function parseChunkV2(dataset: Dataset, key: string): ChunkKey | undefined {
  const slash = key.lastIndexOf("/");
  const variable = slash < 0 ? undefined : dataset.variables.get(key.slice(0, slash));
  if (variable === undefined) return undefined;
  const parts = key.slice(slash + 1).split(".");
  if (variable.spec.shape.length === 0)
    return parts.length === 1 && parts[0] === "0" ? { variable, chunk: [] } : undefined;
  return indices(variable, parts);
}

/** Reads `group/tas/c/0/1/2`, and `tas/c` for a scalar. */
export function parseChunkV3(dataset: Dataset, key: string): ChunkKey | undefined {
  const match = /^(.+)\/c((?:\/\d+)*)$/.exec(key);
  const variable = match === null ? undefined : dataset.variables.get(match[1] as string);
  if (match === null || variable === undefined) return undefined;
  const rest = match[2] as string;
  return indices(variable, rest === "" ? [] : rest.slice(1).split("/"));
}

function indices(variable: Variable, parts: readonly string[]): ChunkKey | undefined {
  if (parts.length !== variable.spec.shape.length) return undefined;
  const chunk = new Array<number>(parts.length);
  for (let i = 0; i < parts.length; i++) {
    const part = parts[i]!;
    if (!INDEX.test(part)) return undefined;
    chunk[i] = Number(part);
  }
  return { variable, chunk };
}
