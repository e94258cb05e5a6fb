import type { CompareOp, TemporalOp } from "./expression.ts";

/** The ends of the left (`a`) and the right (`b`) side. */
export type End = "aStart" | "aEnd" | "bStart" | "bEnd";
export type Relation = readonly (readonly [End, "<" | ">" | "<=" | ">=" | "=", End])[];

/** Interval relations (21-065r2, 7.8, after Allen) as comparisons of ends, all of which must hold. */
const RELATIONS: Readonly<Record<Exclude<TemporalOp, "t_disjoint">, Relation>> = {
  t_after: [["aStart", ">", "bEnd"]],
  t_before: [["aEnd", "<", "bStart"]],
  t_contains: [
    ["aStart", "<", "bStart"],
    ["aEnd", ">", "bEnd"],
  ],
  t_during: [
    ["aStart", ">", "bStart"],
    ["aEnd", "<", "bEnd"],
  ],
  t_equals: [
    ["aStart", "=", "bStart"],
    ["aEnd", "=", "bEnd"],
  ],
  t_finishedby: [
    ["aStart", "<", "bStart"],
    ["aEnd", "=", "bEnd"],
  ],
  t_finishes: [
    ["aStart", ">", "bStart"],
    ["aEnd", "=", "bEnd"],
  ],
  t_intersects: [
    ["aStart", "<=", "bEnd"],
    ["aEnd", ">=", "bStart"],
  ],
  t_meets: [["aEnd", "=", "bStart"]],
  t_metby: [["aStart", "=", "bEnd"]],
  t_overlappedby: [
    ["aStart", ">", "bStart"],
    ["aStart", "<", "bEnd"],
    ["aEnd", ">", "bEnd"],
  ],
  t_overlaps: [
    ["aStart", "<", "bStart"],
    ["aEnd", ">", "bStart"],
    ["aEnd", "<", "bEnd"],
  ],
  t_startedby: [
    ["aStart", "=", "bStart"],
    ["aEnd", ">", "bEnd"],
  ],
  t_starts: [
    ["aStart", "=", "bStart"],
    ["aEnd", "<", "bEnd"],
  ],
};

/** Comparisons of instants; a date is its whole day, equal to every instant in it. */
const COMPARISONS: Readonly<Record<Exclude<CompareOp, "<>">, Relation>> = {
  "=": RELATIONS.t_intersects,
  "<": [["aEnd", "<", "bStart"]],
  ">": [["aStart", ">", "bEnd"]],
  "<=": [["aStart", "<=", "bEnd"]],
  ">=": [["aEnd", ">=", "bStart"]],
};

/** The comparisons of ends that an operator stands for, and whether it holds where they do not. */
export function relationOf(op: TemporalOp | CompareOp): { readonly relation: Relation; readonly isNegated: boolean } {
  if (op === "t_disjoint") return { relation: RELATIONS.t_intersects, isNegated: true };
  if (op === "<>") return { relation: COMPARISONS["="], isNegated: true };
  return {
    relation: op in COMPARISONS ? COMPARISONS[op as "="] : RELATIONS[op as "t_equals"],
    isNegated: false,
  };
}
