import type { NewDimension } from "../../core/cube.ts";
import { GyreError } from "../../errors.ts";
import type { Segment } from "./axis.ts";
import { incompatible, sameMeaning } from "./compare.ts";
import { type Draft, holdersOf, leaveOut, variableNames } from "./draft.ts";
import { isDimensionCoordinate } from "./member.ts";
import { planStack } from "./stacking.ts";

/** Puts members side by side along a dimension of the cube's own, one entry each. */
export function joinNew(draft: Draft, { name: dimension, values, pattern }: NewDimension): void {
  const labels = labelsOf(draft, dimension, values, pattern);
  const places = new Map([...draft.taking].sort((a, b) => labels.order(a, b)).map((member, place) => [member, place]));
  const size = places.size;
  draft.dimensions.set(dimension, { size, unlimited: false });
  draft.axis = { name: dimension, isNew: true, size };
  for (const name of variableNames(draft)) {
    const { members, manners } = holdersOf(draft, name);
    const reference = manners[0]!.summary;
    if (reference.spec.dims.includes(dimension)) {
      throw new GyreError("BadSource", `members have a dimension ${dimension} already`, { subject: dimension });
    }
    const isShared =
      isDimensionCoordinate(name, reference.spec) ||
      (reference.isCoordinate &&
        members.every((m) => {
          const summary = draft.members[m]!.variables.get(name)!;
          const isEqual = summary.kept !== undefined && summary.kept.digest === reference.kept?.digest;
          return isEqual && sameMeaning(summary, reference);
        }));
    if (isShared) continue;
    const segments: Segment[] = [];
    for (const m of members) {
      const summary = draft.members[m]!.variables.get(name)!;
      const reason = incompatible(summary, reference);
      if (reason === undefined) segments.push({ member: m, start: places.get(m)!, from: 0, count: 1 });
      else draft.left.push({ source: draft.members[m]!.source, reason: `${name}: ${reason}` });
    }
    segments.sort((a, b) => a.start - b.start);
    planStack(draft, name, { dimension, reference, isNew: true, size, segments, missing: size - segments.length });
  }
  addLabels(draft, dimension, [...places.keys()].map(labels.of));
}

type Label = number | string;

interface Labels {
  of(member: number): Label;
  order(a: number, b: number): number;
}

function labelsOf(
  draft: Draft,
  dimension: string,
  values: readonly Label[] | undefined,
  pattern: string | undefined,
): Labels {
  if (values !== undefined) {
    if (values.length !== draft.members.length) {
      throw new GyreError("BadRequest", `${values.length} values of ${dimension} for ${draft.members.length} members`, {
        subject: dimension,
      });
    }
    return distinct(
      draft,
      (m) => values[m]!,
      (a, b) => a - b,
    );
  }
  if (pattern === undefined) return { of: (m) => m, order: (a, b) => a - b };
  const expression = compiled(pattern, dimension);
  const found = new Map<number, string>();
  for (const m of [...draft.taking]) {
    const match = expression.exec(draft.members[m]!.source);
    if (match === null) leaveOut(draft, m, `its address has no value for ${dimension} (${pattern})`);
    else found.set(m, match[1] ?? match[0]);
  }
  const areNumbers = [...found.values()].every((text) => text.trim() !== "" && Number.isFinite(Number(text)));
  const of = (m: number): Label => (areNumbers ? Number(found.get(m)) : found.get(m)!);
  return distinct(draft, of, (a, b) => compare(of(a), of(b)) || a - b);
}

function compiled(pattern: string, dimension: string): RegExp {
  try {
    return new RegExp(pattern, "u");
  } catch {
    throw new GyreError("BadRequest", `"${pattern}" is no regular expression`, { subject: dimension });
  }
}

function compare(a: Label, b: Label): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Two members with one value cannot both be found by it: the later one is left out. */
function distinct(draft: Draft, of: (member: number) => Label, order: Labels["order"]): Labels {
  const seen = new Map<Label, number>();
  for (const m of [...draft.taking]) {
    const other = seen.get(of(m));
    if (other === undefined) seen.set(of(m), m);
    else leaveOut(draft, m, `the value ${of(m)} is already that of ${draft.members[other]!.source}`);
  }
  return { of, order };
}

function addLabels(draft: Draft, dimension: string, labels: readonly Label[]): void {
  const areNumbers = labels.every((label) => typeof label === "number");
  const areWhole = areNumbers && labels.every((label) => Number.isSafeInteger(label));
  const dtype = areWhole ? "int64" : areNumbers ? "float64" : "string";
  const data = areWhole
    ? BigInt64Array.from(labels as number[], BigInt)
    : areNumbers
      ? Float64Array.from(labels as number[])
      : labels.map(String);
  const layout = dtype === "string" ? { name: "vlen-utf8" } : { name: "bytes", configuration: { endian: "little" } };
  draft.variables.set(dimension, {
    kind: "inline",
    values: data,
    spec: {
      dtype,
      dims: [dimension],
      shape: [labels.length],
      chunks: [Math.max(1, labels.length)],
      codecs: [layout],
      fill: null,
      attrs: new Map(),
    },
  });
  draft.reports.set(dimension, { name: dimension, mode: "inline", missing: 0, differences: [] });
}
