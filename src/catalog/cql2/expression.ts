import type { SpatialOp } from "../../core/geos.ts";
import type { Geometry } from "../../core/stac.ts";

export type { SpatialOp } from "../../core/geos.ts";

/** What is compared: a value of an item, a constant, or what is made of them (CQL2, OGC 21-065r2, 6 and 7). */
export type Operand =
  | { readonly kind: "property"; readonly name: string }
  | { readonly kind: "literal"; readonly value: string | number | boolean }
  /** A date is its whole day. `micros`: 1 to 999 microseconds after `at`, which holds milliseconds. */
  | { readonly kind: "instant"; readonly at: Date; readonly isDate: boolean; readonly micros?: number }
  | { readonly kind: "interval"; readonly start: Operand | ".."; readonly end: Operand | ".." }
  /** `bbox`: it was written as one, west > east when it crosses the antimeridian. */
  | { readonly kind: "geometry"; readonly geometry: Geometry; readonly bbox?: readonly number[] }
  | { readonly kind: "array"; readonly items: readonly Operand[] }
  | {
      readonly kind: "arithmetic";
      readonly op: ArithmeticOp;
      readonly left: Operand;
      readonly right: Operand;
    }
  | { readonly kind: "casei" | "accenti"; readonly operand: Operand }
  /** The truth of an expression as a value. */
  | { readonly kind: "predicate"; readonly of: Expression };

/** A CQL2 expression, whatever encoding it came in. */
export type Expression =
  | { readonly kind: "and" | "or"; readonly of: readonly Expression[] }
  | { readonly kind: "not"; readonly of: Expression }
  | { readonly kind: "boolean"; readonly value: boolean }
  | {
      readonly kind: "compare";
      readonly op: CompareOp;
      readonly left: Operand;
      readonly right: Operand;
    }
  | { readonly kind: "like"; readonly value: Operand; readonly pattern: Operand }
  | { readonly kind: "between"; readonly value: Operand; readonly low: Operand; readonly high: Operand }
  | { readonly kind: "in"; readonly value: Operand; readonly list: readonly Operand[] }
  | { readonly kind: "isNull"; readonly value: Operand }
  | { readonly kind: "spatial"; readonly op: SpatialOp; readonly left: Operand; readonly right: Operand }
  | { readonly kind: "temporal"; readonly op: TemporalOp; readonly left: Operand; readonly right: Operand }
  | { readonly kind: "array"; readonly op: ArrayOp; readonly left: Operand; readonly right: Operand };

export type CompareOp = "=" | "<>" | "<" | ">" | "<=" | ">=";
export type ArithmeticOp = "+" | "-" | "*" | "/" | "%" | "div" | "^";

export type TemporalOp =
  | "t_after"
  | "t_before"
  | "t_contains"
  | "t_disjoint"
  | "t_during"
  | "t_equals"
  | "t_finishedby"
  | "t_finishes"
  | "t_intersects"
  | "t_meets"
  | "t_metby"
  | "t_overlappedby"
  | "t_overlaps"
  | "t_startedby"
  | "t_starts";

export type ArrayOp = "a_equals" | "a_contains" | "a_containedby" | "a_overlaps";
