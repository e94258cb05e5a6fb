import { type Dataset, type IoCall, inGrid, type Variable } from "../core/array.ts";
import { forEachLimited } from "../core/concurrency.ts";
import type { CubeRules } from "../core/cube.ts";
import { asBytes, itemSize, type TypedArray } from "../core/dtype.ts";
import { isGyreError } from "../errors.ts";
import { Recent } from "../formats/recent.ts";
import { digest } from "../formats/version.ts";
import type { VariablePlan } from "./cube/draft.ts";
import { groupsOf } from "./cube/groups.ts";
import { type CubeMember, createInterner, type MemberSummary, type ReadValues, summarise } from "./cube/member.ts";
import { type CubePlan, planCube } from "./cube/plan.ts";
import { checkMember, stackedVariable } from "./cube/stacked.ts";

export type { CubeMember, MemberSummary, ReadValues } from "./cube/member.ts";

export interface CubeContext {
  readonly read: ReadValues;
  /** Opened members kept at most. */
  readonly openMembers?: number;
  /** Members looked at at once while the cube is planned. */
  readonly concurrency?: number;
  /** What an earlier run found out of members, by their identity. */
  readonly known?: ReadonlyMap<string, MemberSummary>;
  /** Told after each member. */
  progress?(done: number, total: number): void;
}

export interface Cube {
  readonly dataset: Dataset;
  /** Of all members that could be read, to be kept for the next time. */
  readonly summaries: readonly MemberSummary[];
}

/** Puts members together to one dataset. Members that cannot be read are left out and reported. */
export async function openCube(
  given: readonly CubeMember[],
  rules: CubeRules,
  context: CubeContext,
  call?: IoCall,
): Promise<Cube> {
  const members = rules.newDim?.values === undefined ? given.toSorted(bySource) : given;
  const found = new Array<MemberSummary | undefined>(members.length);
  const unreadable: { source: string; reason: string }[] = [];
  const interner = createInterner();
  const along = rules.concat;
  let done = 0;
  await forEachLimited(members.entries(), context.concurrency ?? 8, async ([i, member]) => {
    call?.signal?.throwIfAborted();
    try {
      found[i] = context.known?.get(member.identity) ?? (await summarise(member, along, context.read, interner, call));
    } catch (error) {
      // What may pass is not left out: a cube must not lack a member because its store was busy once.
      if (isGyreError(error, "Busy", "Conflict") || !isGyreError(error)) throw error;
      unreadable.push({ source: member.source, reason: error.message });
    }
    context.progress?.(++done, members.length);
  });
  const readable = members.filter((_, i) => found[i] !== undefined);
  const summaries = found.filter((summary) => summary !== undefined);
  const plan = planCube(summaries, ruleFor(rules, found));
  const left = [...unreadable, ...plan.report.left];
  return {
    dataset: await datasetOf(readable, rules, { ...plan, report: { ...plan.report, left } }, context, call),
    summaries,
  };
}

function bySource(a: CubeMember, b: CubeMember): number {
  return a.source < b.source ? -1 : a.source > b.source ? 1 : 0;
}

/** Given values belong to members by position, so those of unreadable members go with them. */
function ruleFor(rules: CubeRules, found: readonly (MemberSummary | undefined)[]): CubeRules {
  const values = rules.newDim?.values;
  if (values === undefined || values.length !== found.length) return rules;
  return { ...rules, newDim: { ...rules.newDim!, values: values.filter((_, i) => found[i] !== undefined) } };
}

async function datasetOf(
  members: readonly CubeMember[],
  rules: CubeRules,
  plan: CubePlan,
  context: CubeContext,
  call?: IoCall,
): Promise<Dataset> {
  const opened = new Recent<Dataset>(context.openMembers ?? 64);
  // Shared by all who wait for it, so it does not end when one of them does.
  const open = (m: number): Promise<Dataset> => opened.get(String(m), () => members[m]!.open());

  function variableOf(name: string, variable: VariablePlan): Variable {
    const openVariable = async (m: number): Promise<{ dataset: Dataset; variable: Variable }> => {
      const dataset = await open(m);
      const summary = plan.members[m]!.variables.get(name)!;
      return { dataset, variable: checkMember(dataset.variables.get(name), summary, name, members[m]!.source) };
    };
    switch (variable.kind) {
      case "inline":
        return inlineVariable(name, variable);
      case "single":
        return singleVariable(name, variable, plan, openVariable, context.read);
      case "stacked":
        return stackedVariable(name, variable, {
          summary: (m) => plan.members[m]!.variables.get(name)!,
          open: openVariable,
          read: context.read,
        });
    }
  }

  const base = await open(plan.base);
  call?.signal?.throwIfAborted();
  const variables = new Map([...plan.variables].map(([name, variable]) => [name, variableOf(name, variable)]));
  return {
    format: "cube",
    version: digest(["cube", JSON.stringify(rules), ...plan.members.map((m) => m.identity)]),
    attrs: base.attrs,
    ...groupsOf(base, plan),
    variables,
    problems: problemsOf(plan),
    cube: plan.report,
  };
}

function inlineVariable(name: string, { spec, values }: Extract<VariablePlan, { kind: "inline" }>): Variable {
  const isFixed = itemSize(spec.dtype) !== undefined;
  const inline = isFixed ? asBytes(values as TypedArray) : vlenUtf8(values as string[]);
  const plain = { ...spec, codecs: spec.codecs.slice(0, 1) };
  return { name, spec: plain, locate: async (chunk) => (inGrid(plain, chunk) ? { inline } : undefined) };
}

/** Strings as numcodecs' `vlen-utf8` lays them out: their count, then each with its length in front. */
function vlenUtf8(values: readonly string[]): Uint8Array {
  const parts = values.map((text) => Buffer.from(text, "utf8"));
  const out = Buffer.alloc(4 + parts.reduce((n, part) => n + 4 + part.length, 0));
  out.writeUInt32LE(parts.length, 0);
  let at = 4;
  for (const part of parts) {
    out.writeUInt32LE(part.length, at);
    part.copy(out, at + 4);
    at += 4 + part.length;
  }
  return out;
}

function singleVariable(
  name: string,
  { spec, member }: Extract<VariablePlan, { kind: "single" }>,
  plan: CubePlan,
  open: (member: number) => Promise<{ dataset: Dataset; variable: Variable }>,
  read: ReadValues,
): Variable {
  const locate: Variable["locate"] = async (chunk, call) => (await open(member)).variable.locate(chunk, call);
  const { derived, mutable } = plan.members[member]!.variables.get(name)!;
  if (!derived) return { name, spec, mutable, locate };
  return {
    name,
    spec,
    mutable,
    locate,
    read: async (selection, call) => {
      const { dataset, variable } = await open(member);
      return read(dataset, variable, selection, call);
    },
  };
}

const MOST_PROBLEMS = 100;

/** What a person should know before relying on the cube, one sentence each. */
function problemsOf({ report }: CubePlan): string[] {
  const problems = [
    ...report.left.map(({ source, reason }) => `${source} is left out: ${reason}`),
    ...report.overlaps.map(({ source, entries, dimension }) => `${source} repeats ${entries} entries of ${dimension}`),
    ...report.gaps.map((gap) => `${gap.dimension} has a gap between ${gap.after} and ${gap.before}`),
  ];
  if (problems.length <= MOST_PROBLEMS) return problems;
  return [...problems.slice(0, MOST_PROBLEMS), `and ${problems.length - MOST_PROBLEMS} more`];
}
