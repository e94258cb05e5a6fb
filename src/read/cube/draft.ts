import type { ArraySpec, Dimension } from "../../core/array.ts";
import type { CubeMode, CubeReport, CubeRules, CubeVariableReport } from "../../core/cube.ts";
import type { Values } from "../../core/dtype.ts";
import type { Segment } from "./axis.ts";
import { type Manner, mannersOf } from "./compare.ts";
import type { MemberSummary, VariableSummary } from "./member.ts";

/** How one variable of a cube is answered. */
export type VariablePlan =
  /** As one member has it. */
  | { readonly kind: "single"; readonly spec: ArraySpec; readonly member: number }
  /** Values that the cube itself holds, in one chunk. */
  | { readonly kind: "inline"; readonly spec: ArraySpec; readonly values: Values }
  | StackedPlan;

/** Members behind each other along dimension `axis` of the variable. */
export interface StackedPlan {
  readonly kind: "stacked";
  readonly spec: ArraySpec;
  readonly axis: number;
  /** The dimension is the cube's own: members do not have it. */
  readonly isNew: boolean;
  readonly mode: Exclude<CubeMode, "inline">;
  /** The member whose units the values have. */
  readonly reference: number;
  /** In order of `start`. */
  readonly segments: readonly Segment[];
}

/** What is written down while a cube is planned. */
export interface Draft {
  readonly rules: CubeRules;
  readonly members: readonly MemberSummary[];
  /** Members do not all count time from one moment in one unit. */
  readonly hasMixedTimes: boolean;
  /** Members that still take part, in the order of their addresses. */
  readonly taking: Set<number>;
  readonly variables: Map<string, VariablePlan>;
  /** Dimensions that are the cube's own or longer than those of a member; by path. */
  readonly dimensions: Map<string, Dimension>;
  readonly reports: Map<string, CubeVariableReport>;
  readonly left: { source: string; reason: string }[];
  readonly gaps: CubeReport["gaps"][number][];
  readonly overlaps: CubeReport["overlaps"][number][];
  axis?: CubeReport["dimensions"][number];
}

/** Takes a member out of the cube, with the reason for people. */
export function leaveOut(draft: Draft, member: number, reason: string): void {
  if (draft.taking.delete(member)) draft.left.push({ source: draft.members[member]!.source, reason });
}

/**
 * The spec with the units that bounds have from their coordinate (CF 7.1). Among members that count time differently the
 * cube's coordinate may have others than the member that its bounds are from.
 */
export function withStatedUnits({ hasMixedTimes }: Draft, { time }: VariableSummary, spec: ArraySpec): ArraySpec {
  if (!hasMixedTimes || time === undefined || spec.attrs.has("units")) return spec;
  const attrs = new Map(spec.attrs).set("units", { dtype: "string", value: time.units });
  if (time.calendar !== undefined) attrs.set("calendar", { dtype: "string", value: time.calendar });
  return { ...spec, attrs };
}

/** Names of variables that any member has, in the order in which they are first met. */
export function variableNames(draft: Draft): string[] {
  const names = new Set<string>();
  for (const m of draft.taking) for (const name of draft.members[m]!.variables.keys()) names.add(name);
  return [...names];
}

/** Members that have the variable, and the different manners in which they store it, most common first. */
export function holdersOf(draft: Draft, name: string): { members: number[]; manners: Manner[] } {
  const members = [...draft.taking].filter((m) => draft.members[m]!.variables.has(name));
  const manners = mannersOf(
    members.map((m) => ({ summary: draft.members[m]!.variables.get(name)!, source: draft.members[m]!.source })),
  );
  return { members, manners: manners.sort((a, b) => b.members - a.members) };
}
