import type { Dimension } from "../../core/array.ts";
import type { CubeReport, CubeRules } from "../../core/cube.ts";
import { globMatches } from "../../core/glob.ts";
import { GyreError } from "../../errors.ts";
import { agree } from "./agree.ts";
import { joinAlong } from "./along.ts";
import type { Draft, VariablePlan } from "./draft.ts";
import type { MemberSummary } from "./member.ts";
import { joinNew } from "./new-dimension.ts";
import { addUp } from "./single.ts";

export interface CubePlan {
  readonly members: readonly MemberSummary[];
  readonly variables: ReadonlyMap<string, VariablePlan>;
  /** Sizes of dimensions that are not what the first member says; by path. */
  readonly dimensions: ReadonlyMap<string, Dimension>;
  /** The member whose attributes and groups the cube shows. */
  readonly base: number;
  readonly report: CubeReport;
}

/**
 * Decides how members fit together, from their summaries alone. Members that contradict the others are left out and
 * said so; what is stored differently is decoded. Throws BadSource when nothing is left.
 */
export function planCube(members: readonly MemberSummary[], rules: CubeRules): CubePlan {
  const draft: Draft = {
    rules,
    members: members.map((member) => without(member, rules.drop ?? [])),
    hasMixedTimes: hasMixedTimes(members),
    taking: new Set(members.keys()),
    variables: new Map(),
    dimensions: new Map(),
    reports: new Map(),
    left: [],
    gaps: [],
    overlaps: [],
  };
  agree(draft);
  if (rules.concat !== undefined) joinAlong(draft, rules.concat);
  else if (rules.newDim !== undefined) joinNew(draft, rules.newDim);
  addUp(draft);
  const [base] = draft.taking;
  if (base === undefined) {
    const why = draft.left[0] === undefined ? "it has no members" : `${draft.left[0].source}: ${draft.left[0].reason}`;
    throw new GyreError("BadSource", `no member of the cube can be used: ${why}`);
  }
  return {
    members: draft.members,
    variables: draft.variables,
    dimensions: draft.dimensions,
    base,
    report: {
      members: draft.taking.size,
      dimensions: draft.axis === undefined ? [] : [draft.axis],
      variables: [...draft.reports.values()],
      gaps: draft.gaps,
      overlaps: draft.overlaps,
      left: draft.left,
    },
  };
}

function hasMixedTimes(members: readonly MemberSummary[]): boolean {
  const found = new Set<string>();
  for (const { variables } of members) {
    for (const { time } of variables.values()) if (time !== undefined) found.add(`${time.units} ${time.calendar}`);
  }
  return found.size > 1;
}

function without(member: MemberSummary, drop: readonly string[]): MemberSummary {
  if (drop.length === 0) return member;
  const isDropped = (name: string): boolean => drop.some((pattern) => globMatches(pattern, name));
  return { ...member, variables: new Map([...member.variables].filter(([name]) => !isDropped(name))) };
}
