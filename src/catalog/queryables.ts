import type { Json } from "../core/stac.ts";
import { isObject } from "./json.ts";
import { instantOf } from "./times.ts";

/** What is known of one property from the items that had it. */
export interface Summary {
  readonly types: readonly PropertyType[];
  /** How many items have each value (or have it in their array), while the values are few and short. */
  readonly values?: readonly (readonly [Scalar, number])[];
  readonly minimum?: number;
  readonly maximum?: number;
}

export type Scalar = string | number | boolean;
export type PropertyType = "string" | "number" | "boolean" | "array" | "object" | "time";
export type Summaries = Readonly<Record<string, Summary>>;

const MOST_NAMES = 300;
/** Of one property, and of all together. */
const MOST_VALUES = 250;
const MOST_VALUES_IN_ALL = 5000;
/** An enumeration of more is no help. */
const MOST_SHOWN = 50;
const LONGEST_VALUE = 80;
const LONGEST_NAME = 200;

/** One property while a batch is counted. Types and bounds only grow; values go when their last item does. */
interface Counting {
  readonly types: Set<PropertyType>;
  values: Map<Scalar, number> | undefined;
  minimum: number | undefined;
  maximum: number | undefined;
}

/** Properties of the many items of one collection, counted as items come and go. */
export class SummaryBuilder {
  readonly #known: Summaries;
  #found: Map<string, Counting> | undefined;

  constructor(known: Summaries) {
    this.#known = known;
  }

  get isChanged(): boolean {
    return this.#found !== undefined;
  }

  /** `change` is 1 for an item that comes, -1 for one that goes. */
  add(properties: { readonly [name: string]: Json }, change: 1 | -1): void {
    this.#found ??= new Map(Object.entries(this.#known).map(([name, summary]) => [name, countingOf(summary)]));
    for (const [name, value] of Object.entries(properties)) {
      if (value === null || name.length > LONGEST_NAME) continue;
      let counting = this.#found.get(name);
      if (counting === undefined) {
        if (this.#found.size >= MOST_NAMES) continue;
        counting = { types: new Set(), values: new Map(), minimum: undefined, maximum: undefined };
        this.#found.set(name, counting);
      }
      count(counting, value, change);
    }
  }

  summaries(): Summaries {
    if (this.#found === undefined) return this.#known;
    let room = MOST_VALUES_IN_ALL;
    return Object.fromEntries(
      [...this.#found].map(([name, counting]) => {
        room -= counting.values?.size ?? 0;
        return [name, summaryOf(counting, room >= 0)];
      }),
    );
  }
}

/** The schema of each property (JSON Schema 2020-12), from one or many collections. */
export function queryablesOf(all: readonly Summaries[]): { readonly [name: string]: Json } {
  const names = new Map<string, Summary>();
  for (const summaries of all) {
    for (const [name, summary] of Object.entries(summaries)) {
      const known = names.get(name);
      names.set(name, known === undefined ? summary : union(known, summary));
    }
  }
  return Object.fromEntries([...names].map(([name, summary]) => [name, schemaOf(summary)]));
}

function count(counting: Counting, value: Json, change: 1 | -1): void {
  counting.types.add(typeOf(value));
  if (typeof value === "number") {
    counting.minimum = Math.min(value, counting.minimum ?? value);
    counting.maximum = Math.max(value, counting.maximum ?? value);
  }
  if (isObject(value)) return;
  for (const one of Array.isArray(value) ? value : [value]) {
    if (one === null || counting.values === undefined) continue;
    if (!isShort(one)) counting.values = undefined;
    else {
      const rest = (counting.values.get(one) ?? 0) + change;
      if (rest > 0) counting.values.set(one, rest);
      else counting.values.delete(one);
      if (counting.values.size > MOST_VALUES) counting.values = undefined;
    }
  }
}

function countingOf({ types, values, minimum, maximum }: Summary): Counting {
  return { types: new Set(types), values: values && new Map(values), minimum, maximum };
}

function summaryOf({ types, values, minimum, maximum }: Counting, isRoom: boolean): Summary {
  return {
    types: [...types],
    ...(values !== undefined && isRoom ? { values: [...values] } : {}),
    ...(minimum === undefined || maximum === undefined ? {} : { minimum, maximum }),
  };
}

/** How often each value of a property occurs in several collections together; undefined where that was not counted. */
export function frequenciesOf(all: readonly Summaries[], name: string): Map<string, number> | undefined {
  const totals = new Map<string, number>();
  for (const summaries of all) {
    const summary = Object.hasOwn(summaries, name) ? summaries[name] : undefined;
    // Beyond so many names a property may be there and not be counted.
    if (summary === undefined && Object.keys(summaries).length >= MOST_NAMES) return undefined;
    if (summary !== undefined && summary.values === undefined) return undefined;
    for (const [value, frequency] of summary?.values ?? []) {
      totals.set(String(value), (totals.get(String(value)) ?? 0) + frequency);
    }
  }
  return totals;
}

function union(a: Summary, b: Summary): Summary {
  const values = a.values && b.values && [...new Map([...a.values, ...b.values])];
  const numbers = [a.minimum, a.maximum, b.minimum, b.maximum].filter((n) => n !== undefined);
  return {
    types: [...new Set([...a.types, ...b.types])],
    ...(values !== undefined && values.length <= MOST_VALUES ? { values } : {}),
    ...(numbers.length === 0 ? {} : { minimum: Math.min(...numbers), maximum: Math.max(...numbers) }),
  };
}

function isShort(value: Json): value is Scalar {
  return typeof value === "string" ? value.length <= LONGEST_VALUE : typeof value !== "object";
}

function typeOf(value: Json): PropertyType {
  if (Array.isArray(value)) return "array";
  if (typeof value === "string") return instantOf(value) === undefined ? "string" : "time";
  return typeof value as "number" | "boolean" | "object";
}

function schemaOf({ types, values, minimum, maximum }: Summary): Json {
  const jsonTypes = [...new Set(types.map((type) => (type === "time" ? "string" : type)))];
  const isTime = types.length === 1 && types[0] === "time";
  const isEnum =
    values !== undefined &&
    values.length > 0 &&
    values.length <= MOST_SHOWN &&
    !isTime &&
    types.every((type) => type === "string");
  return {
    type: jsonTypes.length === 1 ? (jsonTypes[0] as string) : jsonTypes,
    ...(isTime ? { format: "date-time" } : {}),
    ...(isEnum ? { enum: values.map(([value]) => value as string).sort() } : {}),
    ...(minimum === undefined || maximum === undefined ? {} : { minimum, maximum }),
  };
}
