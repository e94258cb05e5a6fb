import { textAttr } from "../../core/attrs.ts";
import { isGyreError } from "../../errors.ts";
import { conversion, timeMapping } from "./compare.ts";
import { type Draft, leaveOut, variableNames } from "./draft.ts";
import { baseName, isDimensionCoordinate, type VariableSummary } from "./member.ts";

/**
 * Leaves out members whose grid is not that of the others: another size of a dimension, or other values of a
 * coordinate. What most members say counts, so that one odd file does not throw out the rest.
 */
export function agree(draft: Draft): void {
  agreeOnSizes(draft);
  for (const name of variableNames(draft)) agreeOnCoordinate(draft, name);
}

function agreeOnSizes(draft: Draft): void {
  const sizes = new Map<number, Map<string, number>>();
  const votes = new Map<string, Map<number, number>>();
  for (const m of draft.taking) {
    const own = new Map<string, number>();
    for (const [name, { spec }] of draft.members[m]!.variables) {
      const group = name.slice(0, name.length - baseName(name).length);
      spec.dims.forEach((dim, i) => {
        if (dim !== draft.rules.concat) own.set(group + dim, spec.shape[i]!);
      });
    }
    sizes.set(m, own);
    for (const [dim, size] of own) count(votes, dim, size);
  }
  for (const [m, own] of sizes) {
    for (const [dim, size] of own) {
      const usual = mostCommon(votes.get(dim)!);
      if (size !== usual) leaveOut(draft, m, `dimension ${dim} has ${size} entries, in most members ${usual}`);
    }
  }
}

function agreeOnCoordinate(draft: Draft, name: string): void {
  const members = new Map<string, { summary: VariableSummary; members: number[] }>();
  for (const m of draft.taking) {
    const summary = draft.members[m]!.variables.get(name);
    if (summary?.kept === undefined || !isDimensionCoordinate(name, summary.spec)) continue;
    if (summary.spec.dims[0] === draft.rules.concat) return;
    // The same numbers in other units are other places.
    const units = summary.time?.units ?? textAttr(summary.spec.attrs, "units");
    const key = `${summary.kept.digest} ${summary.time?.calendar} ${units}`;
    const known = members.get(key);
    if (known === undefined) members.set(key, { summary, members: [m] });
    else known.members.push(m);
  }
  if (members.size < 2) return;
  const [usual, ...others] = [...members.values()].sort((a, b) => b.members.length - a.members.length);
  for (const other of others) {
    const reason = contradiction(other.summary, usual!.summary);
    if (reason === undefined) continue;
    for (const m of other.members) leaveOut(draft, m, `coordinate ${name}: ${reason}`);
  }
}

/** Coordinates may differ by this part of their usual step: float32 beside float64, text with few digits. */
const TOLERANCE = 1e-3;

function contradiction(own: VariableSummary, usual: VariableSummary): string | undefined {
  const a = own.kept!.values;
  const b = usual.kept!.values;
  if (!(a instanceof Float64Array) || !(b instanceof Float64Array)) {
    const at = Array.prototype.findIndex.call(a, (value, i) => value !== b[i]);
    return at < 0 ? undefined : `${a[at]} where most members have ${b[at]}`;
  }
  let convert: ((value: number) => number) | undefined;
  try {
    convert = conversion(own, usual);
    if (own.time !== undefined && usual.time !== undefined && timeMapping(own.time, usual.time) === undefined) {
      return `calendar ${own.time.calendar ?? "standard"} where most members have ${usual.time.calendar ?? "standard"}`;
    }
  } catch (error) {
    if (isGyreError(error)) return error.message;
    throw error;
  }
  const span = b.length > 1 ? Math.abs(b[b.length - 1]! - b[0]!) / (b.length - 1) : Math.abs(b[0] ?? 0);
  const allowed = span * TOLERANCE;
  for (let i = 0; i < a.length; i++) {
    const value = convert === undefined ? a[i]! : convert(a[i]!);
    const isSame = Math.abs(value - b[i]!) <= allowed || Object.is(value, b[i]);
    if (!isSame) return `${value} at ${i} where most members have ${b[i]}`;
  }
  return undefined;
}

function count<K, V>(votes: Map<K, Map<V, number>>, key: K, value: V): void {
  let of = votes.get(key);
  if (of === undefined) votes.set(key, (of = new Map()));
  of.set(value, (of.get(value) ?? 0) + 1);
}

function mostCommon<V>(votes: ReadonlyMap<V, number>): V {
  let best: V | undefined;
  for (const [value, n] of votes) if (best === undefined || n > votes.get(best)!) best = value;
  return best!;
}
