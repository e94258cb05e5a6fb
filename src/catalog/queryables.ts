import type { Json } from "../core/stac.ts";
import { instantOf } from "./times.ts";

/** What is known of one property from the items that had it. */
export interface Summary {
  readonly types: readonly PropertyType[];
  /** All values, while they are few and short. */
  readonly values?: readonly (string | number | boolean)[];
  readonly minimum?: number;
  readonly maximum?: number;
}

export type PropertyType = "string" | "number" | "boolean" | "array" | "object" | "time";
export type Summaries = Readonly<Record<string, Summary>>;

const MOST_NAMES = 300;
const MOST_VALUES = 40;
const LONGEST_VALUE = 80;
const LONGEST_NAME = 200;

/** Properties of the many items of one collection, gathered; answers the same object while there is nothing new. */
export class SummaryBuilder {
  readonly #found: Map<string, Summary>;
  isChanged = false;

  constructor(known: Summaries) {
    this.#found = new Map(Object.entries(known));
  }

  add(properties: { readonly [name: string]: Json }): void {
    for (const [name, value] of Object.entries(properties)) {
      if (value === null || name.length > LONGEST_NAME) continue;
      const known = this.#found.get(name);
      if (known === undefined && this.#found.size >= MOST_NAMES) continue;
      const grown = grow(known, value);
      if (grown === known) continue;
      this.#found.set(name, grown);
      this.isChanged = true;
    }
  }

  summaries(): Summaries {
    return Object.fromEntries(this.#found);
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
  return Object.fromEntries([...names].map(([name, summary]) => [name, schemaOf(name, summary)]));
}

function grow(known: Summary | undefined, value: Json): Summary {
  const type = typeOf(value);
  if (known === undefined) return { types: [type], ...bounds(value), ...(isShort(value) ? { values: [value] } : {}) };
  const isNewType = !known.types.includes(type);
  const isListed = known.values === undefined || known.values.includes(value as string);
  const isInside =
    typeof value !== "number" || (value >= (known.minimum ?? Infinity) && value <= (known.maximum ?? -Infinity));
  if (!isNewType && isListed && isInside) return known;
  return union(known, { types: [type], ...bounds(value), ...(isShort(value) ? { values: [value] } : {}) });
}

function union(a: Summary, b: Summary): Summary {
  const values = a.values && b.values && [...new Set([...a.values, ...b.values])];
  const numbers = [a.minimum, a.maximum, b.minimum, b.maximum].filter((n) => n !== undefined);
  return {
    types: [...new Set([...a.types, ...b.types])],
    ...(values !== undefined && values.length <= MOST_VALUES ? { values } : {}),
    ...(numbers.length === 0 ? {} : { minimum: Math.min(...numbers), maximum: Math.max(...numbers) }),
  };
}

function bounds(value: Json): { minimum?: number; maximum?: number } {
  return typeof value === "number" ? { minimum: value, maximum: value } : {};
}

function isShort(value: Json): value is string | number | boolean {
  return typeof value === "string" ? value.length <= LONGEST_VALUE : typeof value !== "object";
}

function typeOf(value: Json): PropertyType {
  if (Array.isArray(value)) return "array";
  if (typeof value === "string") return instantOf(value) === undefined ? "string" : "time";
  return typeof value as "number" | "boolean" | "object";
}

function schemaOf(name: string, { types, values, minimum, maximum }: Summary): Json {
  const jsonTypes = [...new Set(types.map((type) => (type === "time" ? "string" : type)))];
  const isTime = types.length === 1 && types[0] === "time";
  const isEnum = values !== undefined && !isTime && types.every((type) => type === "string");
  return {
    title: name,
    type: jsonTypes.length === 1 ? (jsonTypes[0] as string) : jsonTypes,
    ...(isTime ? { format: "date-time" } : {}),
    ...(isEnum ? { enum: [...values].sort() } : {}),
    ...(minimum === undefined || maximum === undefined ? {} : { minimum, maximum }),
  };
}
