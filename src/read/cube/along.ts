import { textAttr } from "../../core/attrs.ts";
import { isInteger, type NumericType, type Values } from "../../core/dtype.ts";
import { parseTimeUnits, type TimeUnits } from "../../core/time.ts";
import { GyreError, isGyreError } from "../../errors.ts";
import { type Axis, type AxisPart, gapsOf, isText, type Placement, place, timesIn, unionAxis } from "./axis.ts";
import { conversion, incompatible, sameMeaning } from "./compare.ts";
import { type Draft, holdersOf, leaveOut, variableNames } from "./draft.ts";
import { baseName, canOrder, type VariableSummary } from "./member.ts";
import { planStack, type Stack } from "./stacking.ts";
import { PACKED_RANGE, PACKING } from "./unpack.ts";

/** Puts members behind each other along a dimension that they have, in the order of its coordinate's values. */
export function joinAlong(draft: Draft, dimension: string): void {
  const names = variableNames(draft);
  const coordinate = orderingCoordinate(draft, names, dimension);
  const { axis, keys } = coordinate === undefined ? byOrder(draft, dimension) : byValues(draft, dimension, coordinate);
  if (axis.size === 0 && keys.size === 0) {
    throw new GyreError("BadSource", `no member of the cube has the dimension ${dimension}`, { subject: dimension });
  }
  draft.dimensions.set(dimension, { size: axis.size, unlimited: true });
  draft.axis = { name: dimension, isNew: false, size: axis.size };
  for (const at of gapsOf(axis)) {
    const values = axis.values!;
    draft.gaps.push({ dimension, after: values[at]!, before: values[at + 1]! });
  }
  const placements = new Map<string, Placement>();
  for (const name of names) {
    const { manners } = holdersOf(draft, name);
    const reference = manners[0]?.summary;
    if (reference === undefined || !reference.spec.dims.includes(dimension)) continue;
    const members = fitting(draft, name, reference).filter((m) => hasLength(draft, m, name, dimension, keys.get(m)));
    const key = members.join();
    let placement = placements.get(key);
    if (placement === undefined) {
      placement = place(
        axis,
        members.map((member) => ({ member, keys: keys.get(member)! })),
      );
      placements.set(key, placement);
      for (const [member, entries] of placement.overlaps) {
        draft.overlaps.push({ dimension, source: draft.members[member]!.source, entries });
      }
    }
    const values = name === coordinate ? axisValues(axis, draft, name) : undefined;
    planStack(draft, name, {
      dimension,
      reference,
      isNew: false,
      size: axis.size,
      segments: placement.segments,
      missing: axis.size - placement.covered,
      ...(values === undefined ? {} : { values }),
    });
  }
}

/**
 * The dimension's coordinate; but where that is no time and a time lies beside it (NEMO counts records along
 * `time_counter` and says in `time_centered` when they were), the time.
 */
function orderingCoordinate(draft: Draft, names: readonly string[], dimension: string): string | undefined {
  const able = names.filter((name) => {
    const { spec, time } = anyone(draft, name);
    return canOrder(name, spec, dimension, time);
  });
  const own = able.find((name) => baseName(name) === dimension);
  const times = able.filter((name) => anyone(draft, name).time !== undefined);
  if (own !== undefined && (times.includes(own) || times.length === 0)) return own;
  return times.find((name) => textAttr(anyone(draft, name).spec.attrs, "standard_name") === "time") ?? own ?? times[0];
}

function anyone(draft: Draft, name: string): VariableSummary {
  return holdersOf(draft, name).manners[0]!.summary;
}

/** Members whose variable can stand beside the reference; the others are reported. */
function fitting(draft: Draft, name: string, reference: VariableSummary): number[] {
  const { members, manners } = holdersOf(draft, name);
  const reasons = manners.map(({ summary }) => judged(summary, reference));
  if (reasons.every((reason) => reason === undefined)) return members;
  return members.filter((m) => {
    const { spec, time } = draft.members[m]!.variables.get(name)!;
    const reason = reasons[manners.findIndex(({ summary }) => summary.spec === spec && summary.time === time)];
    if (reason !== undefined) draft.left.push({ source: draft.members[m]!.source, reason: `${name}: ${reason}` });
    return reason === undefined;
  });
}

/** Whether the member's places are those of this variable; a group may have a dimension of that name for itself. */
function hasLength(
  draft: Draft,
  member: number,
  name: string,
  dimension: string,
  keys: Float64Array | undefined,
): boolean {
  if (keys === undefined) return false;
  const { source, variables } = draft.members[member]!;
  const { dims, shape } = variables.get(name)!.spec;
  const length = shape[dims.indexOf(dimension)];
  if (length === keys.length) return true;
  draft.left.push({ source, reason: `${name}: ${length} entries along ${dimension}, which has ${keys.length}` });
  return false;
}

function judged(summary: VariableSummary, reference: VariableSummary): string | undefined {
  try {
    return incompatible(summary, reference);
  } catch (error) {
    if (isGyreError(error)) return error.message;
    throw error;
  }
}

interface Keyed {
  readonly axis: Axis;
  /** Of the members that have the dimension. */
  readonly keys: ReadonlyMap<number, Float64Array>;
}

function byValues(draft: Draft, dimension: string, coordinate: string): Keyed {
  const reference = anyone(draft, coordinate);
  const time = unitsOf(reference);
  const parts: AxisPart[] = [];
  for (const m of [...draft.taking]) {
    const { variables } = draft.members[m]!;
    if (![...variables.values()].some(({ spec }) => spec.dims.includes(dimension))) continue;
    const summary = variables.get(coordinate);
    const values = summary === undefined ? `it has no coordinate ${coordinate}` : valuesOf(summary, reference, time);
    if (typeof values === "string") leaveOut(draft, m, values);
    else parts.push({ member: m, values });
  }
  const axis = unionAxis(parts, time);
  return { axis, keys: new Map(parts.map((part) => [part.member, axis.keysOf(part)])) };
}

/** Undefined also for units that mean no point in time: numbers in those can still be put in order. */
function unitsOf({ time }: VariableSummary): TimeUnits | undefined {
  try {
    return time === undefined ? undefined : parseTimeUnits(time.units, time.calendar);
  } catch (error) {
    if (isGyreError(error)) return undefined;
    throw error;
  }
}

/** The coordinate's values in the units of the axis, or the reason why there are none. */
function valuesOf(
  summary: VariableSummary,
  reference: VariableSummary,
  time: TimeUnits | undefined,
): AxisPart["values"] | string {
  const { kept, spec } = summary;
  if (kept === undefined) return `its coordinate is no list of numbers, times or text (${spec.dims.length} dimensions)`;
  const reason = judged(summary, reference);
  if (reason !== undefined) return `coordinate ${spec.dims[0]}: ${reason}`;
  if (isText(kept.values)) return kept.values;
  const convert = time === undefined ? conversion(summary, reference) : undefined;
  const values =
    time === undefined || summary.time === undefined
      ? convert === undefined
        ? kept.values
        : kept.values.map(convert)
      : timesIn(time, summary.time, kept);
  if (values === undefined)
    return `calendar ${summary.time?.calendar ?? "standard"} has no common axis with the others`;
  return values.some(Number.isNaN) ? `its coordinate ${spec.dims[0]} has missing values` : values;
}

/** Without a coordinate members follow each other by address; those that hold other variables begin anew. */
function byOrder(draft: Draft, dimension: string): Keyed {
  const next = new Map<string, number>();
  const keys = new Map<number, Float64Array>();
  for (const m of draft.taking) {
    const running = [...draft.members[m]!.variables].filter(([, { spec }]) => spec.dims.includes(dimension));
    const [first] = running;
    if (first === undefined) continue;
    const count = first[1].spec.shape[first[1].spec.dims.indexOf(dimension)]!;
    const group = running.map(([name]) => name).join("\n");
    const start = next.get(group) ?? 0;
    keys.set(
      m,
      Float64Array.from({ length: count }, (_, i) => start + i),
    );
    next.set(group, start + count);
  }
  const size = Math.max(0, ...next.values());
  return { axis: { size, keys: Float64Array.from({ length: size }, (_, i) => i) }, keys };
}

/**
 * The axis' values as the cube's own array; undefined where a number in between would lose what members store (64-bit
 * integers beyond 2^53), which are then read from the members.
 */
function axisValues(axis: Axis, draft: Draft, name: string): Stack["values"] {
  const { values } = axis;
  if (values === undefined) return undefined;
  if (isText(values)) return { dtype: "string", data: [...values], isStored: true };
  const { manners } = holdersOf(draft, name);
  const [first] = manners;
  const { dtype, attrs } = first!.summary.spec;
  const isPacked = [...PACKING, ...PACKED_RANGE].some((attr) => attrs.has(attr) && attr !== "_FillValue");
  const isAlike = manners.every(({ summary }) => sameMeaning(summary, first!.summary));
  const isWhole = values.every(Number.isSafeInteger);
  if (isAlike && !isPacked && (dtype === "float64" || dtype === "float32"))
    return { dtype, data: typed(dtype, values), isStored: true };
  if (typeof dtype === "object" || (isInteger(dtype) && !isWhole && isAlike && !isPacked)) return undefined;
  if (isAlike && !isPacked && isInteger(dtype)) return { dtype, data: typed(dtype, values), isStored: true };
  const wide = isWhole && isInteger(dtype) ? "int64" : "float64";
  return { dtype: wide, data: typed(wide, values), isStored: false };
}

function typed(dtype: NumericType, values: Float64Array): Values {
  switch (dtype) {
    case "float64":
      return values;
    case "float32":
      return Float32Array.from(values);
    case "int64":
      return BigInt64Array.from(values, BigInt);
    case "uint64":
      return BigUint64Array.from(values, BigInt);
    case "int32":
      return Int32Array.from(values);
    case "uint32":
      return Uint32Array.from(values);
    case "int16":
      return Int16Array.from(values);
    case "uint16":
      return Uint16Array.from(values);
    case "uint8":
      return Uint8Array.from(values);
    default:
      return Int8Array.from(values);
  }
}
