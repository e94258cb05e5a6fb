import { type ArraySpec, type Block, type Dataset, type IoCall, product, type Variable } from "../../core/array.ts";
import { numericAttr, textAttr } from "../../core/attrs.ts";
import { coordinateNames } from "../../core/axes.ts";
import { forEachLimited } from "../../core/concurrency.ts";
import { asBytes, isComplex, isNumeric, storageType } from "../../core/dtype.ts";
import { all, type Selection } from "../../core/selection.ts";
import { looksLikeTime } from "../../core/time.ts";
import { digest } from "../../formats/version.ts";
import { decodeCf } from "../cf.ts";
import { toPortable } from "../index/portable.ts";

/** Decoded values as stored (no CF decoding) of a variable of a member. */
export type ReadValues = (dataset: Dataset, variable: Variable, selection: Selection, call?: IoCall) => Promise<Block>;

/** A source that takes part in a cube. */
export interface CubeMember {
  /** Its address, for people and for the order of members. */
  readonly source: string;
  /** Changes when its bytes can have changed. */
  readonly identity: string;
  open(call?: IoCall): Promise<Dataset>;
}

/** Time units as they apply to a variable: its own, or those of the coordinate whose bounds it holds (CF 7.1). */
export interface StoredTime {
  readonly units: string;
  readonly calendar?: string;
}

export interface KeptValues {
  /** Numbers with scale_factor and add_offset applied, NaN where one is missing; text as it is. */
  readonly values: Float64Array | readonly string[];
  readonly digest: string;
}

/** What planning a cube must know of one variable of one member. Equal parts are one object over all members. */
export interface VariableSummary {
  readonly spec: ArraySpec;
  /** Values are computed by the member itself, so there are no stored bytes to hand on. */
  readonly derived: boolean;
  /** Its chunks can change while the member's identity stays. */
  readonly mutable: boolean;
  /** Says where other variables lie: named by a dimension, or by `coordinates`, `bounds`, `grid_mapping`, ... */
  readonly isCoordinate: boolean;
  readonly time?: StoredTime;
  /** Of coordinates and small variables, so that members can be compared without opening them again. */
  readonly kept?: KeptValues;
}

export interface MemberSummary {
  readonly source: string;
  readonly identity: string;
  readonly variables: ReadonlyMap<string, VariableSummary>;
}

/** Keeps one object for all that are equal: ten thousand members have a handful of different specs. */
export interface Interner {
  one<T>(value: T): T;
  kept(values: KeptValues): KeptValues;
}

export function createInterner(): Interner {
  const objects = new Map<string, unknown>();
  const values = new Map<string, KeptValues>();
  return {
    one<T>(value: T): T {
      const key = JSON.stringify(toPortable(value));
      const known = objects.get(key);
      if (known !== undefined) return known as T;
      objects.set(key, value);
      return value;
    },
    kept(entry) {
      const known = values.get(entry.digest);
      if (known === undefined) values.set(entry.digest, entry);
      return known ?? entry;
    },
  };
}

/** Values of more elements are not read to compare members. */
const COMPARED_ELEMENTS = 65_536;
const AXIS_ELEMENTS = 4_194_304;
const COMPARED_AT_ONCE = 8;

/** Reads from a member what planning needs: all specs, and the values of coordinates and small variables. */
export async function summarise(
  member: CubeMember,
  along: string | undefined,
  read: ReadValues,
  interner: Interner,
  call?: IoCall,
): Promise<MemberSummary> {
  const dataset = await member.open(call);
  const coordinates = coordinateNames(dataset);
  const variables = new Map<string, VariableSummary>();
  const compared: Variable[] = [];
  for (const [name, variable] of dataset.variables) {
    const spec = interner.one(variable.spec);
    const time = storedTime(dataset, name, spec);
    const isAxis = along !== undefined && canOrder(name, spec, along, time);
    const runsAlong = along !== undefined && spec.dims.includes(along);
    const limit = isAxis || isDimensionCoordinate(name, spec) ? AXIS_ELEMENTS : COMPARED_ELEMENTS;
    if ((isAxis || !runsAlong) && product(spec.shape) <= limit) compared.push(variable);
    variables.set(name, {
      spec,
      derived: variable.read !== undefined,
      mutable: variable.mutable ?? false,
      isCoordinate: coordinates.has(name),
      ...(time === undefined ? {} : { time: interner.one(time) }),
    });
  }
  // Small variables mostly lie one behind the other: asked for together, they come together.
  await forEachLimited(compared, COMPARED_AT_ONCE, async (variable) => {
    const kept = await keep(dataset, variable, read, call);
    const { name } = variable;
    if (kept !== undefined) variables.set(name, { ...variables.get(name)!, kept: interner.kept(kept) });
  });
  return { source: member.source, identity: member.identity, variables };
}

/** The name without its groups. */
export function baseName(name: string): string {
  return name.slice(name.lastIndexOf("/") + 1);
}

/** Whether members can be ordered along `dimension` by this variable: its coordinate, or times beside it. */
export function canOrder(name: string, spec: ArraySpec, dimension: string, time: StoredTime | undefined): boolean {
  const runsAlong = spec.dims.length === 1 && spec.dims[0] === dimension;
  return runsAlong && (baseName(name) === dimension || time !== undefined);
}

export function isDimensionCoordinate(name: string, spec: ArraySpec): boolean {
  return spec.dims.length === 1 && spec.dims[0] === baseName(name);
}

function storedTime(dataset: Dataset, name: string, spec: ArraySpec): StoredTime | undefined {
  const own = timeOf(spec);
  if (own !== undefined) return own;
  for (const { spec: parent } of dataset.variables.values()) {
    const bounds = textAttr(parent.attrs, "bounds") ?? textAttr(parent.attrs, "climatology");
    if (bounds === baseName(name)) return timeOf(parent);
  }
  return undefined;
}

function timeOf(spec: ArraySpec): StoredTime | undefined {
  const units = textAttr(spec.attrs, "units");
  if (units === undefined || !looksLikeTime(units) || !isNumeric(spec.dtype)) return undefined;
  const calendar = textAttr(spec.attrs, "calendar");
  return { units, ...(calendar === undefined ? {} : { calendar }) };
}

async function keep(
  dataset: Dataset,
  variable: Variable,
  read: ReadValues,
  call?: IoCall,
): Promise<KeptValues | undefined> {
  const { dtype, attrs, shape } = variable.spec;
  const isText = dtype === "string";
  const stored = storageType(dtype);
  if (!isText && (stored === undefined || isComplex(stored))) return undefined;
  const block = await read(dataset, variable, all(shape), call);
  if (isText) return { values: block.data as string[], digest: digest(["text", ...(block.data as string[])]) };
  // Scaled here and in double: float32, which xarray takes for some packings, cannot tell all times of an axis apart.
  const scale = numericAttr(attrs, "scale_factor")?.[0] ?? 1;
  const offset = numericAttr(attrs, "add_offset")?.[0] ?? 0;
  const unscaled = new Map([...attrs].filter(([name]) => name !== "scale_factor" && name !== "add_offset"));
  const { data, mask } = decodeCf(block, { ...variable.spec, attrs: unscaled }, { validRange: false });
  const values = Float64Array.from(data as ArrayLike<number | bigint>, (v) => Number(v) * scale + offset);
  if (mask !== undefined) for (let i = 0; i < mask.length; i++) if (mask[i] === 1) values[i] = Number.NaN;
  return { values, digest: digest(["numbers", asBytes(values)]) };
}
