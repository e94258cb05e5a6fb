import type { ArithmeticOp, ArrayOp, CompareOp, SpatialOp, TemporalOp } from "./expression.ts";

export const COMPARE_OPS: readonly CompareOp[] = ["=", "<>", "<=", ">=", "<", ">"];
export const ARITHMETIC_OPS: readonly ArithmeticOp[] = ["+", "-", "*", "/", "%", "div", "^"];

/** Functions of the standard's spatial, temporal and array classes by their names in lower case. */
export const SPATIAL_OPS: readonly SpatialOp[] = [
  "s_intersects",
  "s_equals",
  "s_disjoint",
  "s_touches",
  "s_within",
  "s_overlaps",
  "s_crosses",
  "s_contains",
];
export const TEMPORAL_OPS: readonly TemporalOp[] = [
  "t_after",
  "t_before",
  "t_contains",
  "t_disjoint",
  "t_during",
  "t_equals",
  "t_finishedby",
  "t_finishes",
  "t_intersects",
  "t_meets",
  "t_metby",
  "t_overlappedby",
  "t_overlaps",
  "t_startedby",
  "t_starts",
];
export const ARRAY_OPS: readonly ArrayOp[] = ["a_equals", "a_contains", "a_containedby", "a_overlaps"];

export type Family =
  | { readonly kind: "spatial"; readonly op: SpatialOp }
  | { readonly kind: "temporal"; readonly op: TemporalOp }
  | { readonly kind: "array"; readonly op: ArrayOp };

/** The function of that name in any case; undefined when the standard has none. */
export function functionOf(name: string): Family | undefined {
  const lower = name.toLowerCase();
  const spatial = SPATIAL_OPS.find((op) => op === lower);
  if (spatial !== undefined) return { kind: "spatial", op: spatial };
  const temporal = TEMPORAL_OPS.find((op) => op === lower);
  if (temporal !== undefined) return { kind: "temporal", op: temporal };
  const array = ARRAY_OPS.find((op) => op === lower);
  return array === undefined ? undefined : { kind: "array", op: array };
}

/** The name that the JSON encoding spells: `t_finishedBy`. */
export function jsonName(op: SpatialOp | TemporalOp | ArrayOp): string {
  return op.replace(/by$/, "By");
}

/** The comparison that is true where `op` is false, both sides being known. */
export const NEGATED: Readonly<Record<CompareOp, CompareOp>> = {
  "=": "<>",
  "<>": "=",
  "<": ">=",
  ">": "<=",
  "<=": ">",
  ">=": "<",
};
