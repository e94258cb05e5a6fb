import { setImmediate } from "node:timers/promises";
import type { IoCall } from "../core/array.ts";
import { bboxOf, boxAround, boxesMeet } from "../core/geometry.ts";
import { GyreError } from "../errors.ts";
import type { BBox, Feature, Field, FieldType, FieldValue } from "./feature.ts";

/** SQLite and most readers take no more. */
export const MOST_FIELDS = 2000;
/** Features after which others of this process have their turn, where reading them waits for nothing. */
const TURN = 256;

/** Learns the fields of features whose file does not say them, with their number and box. */
export class Survey {
  readonly #types = new Map<string, FieldType | undefined>();
  #bbox: BBox | undefined;
  #count = 0;

  add({ geometry, properties }: Pick<Feature, "geometry" | "properties">): void {
    this.#count++;
    if (geometry !== null) this.#bbox = boxAround(this.#bbox, bboxOf(geometry));
    for (const [name, value] of properties) this.#types.set(name, merged(this.#types.get(name), typeOf(value)));
    if (this.#types.size > MOST_FIELDS)
      throw new GyreError("Unsupported", `features have more than ${MOST_FIELDS} different fields`);
  }

  /** Fields that never had a value are texts. */
  result(): { readonly fields: readonly Field[]; readonly count: number; readonly bbox?: BBox } {
    const fields = [...this.#types].map(([name, type = "string"]) => ({ name, type }));
    return { fields, count: this.#count, ...(this.#bbox === undefined ? {} : { bbox: this.#bbox }) };
  }
}

function typeOf(value: FieldValue): FieldType | undefined {
  if (value === null) return undefined;
  switch (typeof value) {
    case "string":
      return "string";
    case "boolean":
      return "boolean";
    case "bigint":
      return "integer";
    case "number":
      return Number.isSafeInteger(value) ? "integer" : "number";
    default:
      if (value instanceof Date) return "datetime";
      return value instanceof Uint8Array ? "binary" : "json";
  }
}

function merged(a: FieldType | undefined, b: FieldType | undefined): FieldType | undefined {
  if (a === undefined || b === undefined || a === b) return a ?? b;
  const both = [a, b];
  if (both.includes("json")) return "json";
  return both.includes("integer") && both.includes("number") ? "number" : "string";
}

/** A value as its field's type has it; null where it cannot be. */
export function fitted(value: FieldValue | undefined, type: FieldType): FieldValue {
  if (value === null || value === undefined) return null;
  switch (type) {
    case "string":
      return typeof value === "string" ? value : textOf(value);
    case "integer":
      // No format that is written has integers of more than 64 bits, sign included.
      return typeof value === "number" || (typeof value === "bigint" && BigInt.asIntN(64, value) === value)
        ? value
        : null;
    case "number":
      return typeof value === "number" || typeof value === "bigint" ? value : null;
    case "boolean":
      return typeof value === "boolean" ? value : null;
    case "date":
    case "datetime":
      return value instanceof Date ? value : null;
    case "binary":
      return value instanceof Uint8Array ? value : null;
    case "json":
      return value;
  }
}

/** A value as text, as files without types have it. */
export function textOf(value: FieldValue): string {
  if (value === null) return "";
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? "" : value.toISOString();
  if (value instanceof Uint8Array) return Buffer.from(value).toString("base64");
  return typeof value === "object" ? jsonText(value) : String(value);
}

/** `2020-01-31`. */
export function dateText(date: Date): string {
  return date.toISOString().slice(0, 10);
}

/** A value as JSON text; integers beyond what JSON's readers keep are texts. */
export function jsonText(value: unknown): string {
  return JSON.stringify(value, (_, inner: unknown) => (typeof inner === "bigint" ? String(inner) : inner));
}

/** Whole numbers are `number` as far as that is exact. */
export function integerOf(value: bigint): number | bigint {
  return value >= Number.MIN_SAFE_INTEGER && value <= Number.MAX_SAFE_INTEGER ? Number(value) : value;
}

/** Features whose boxes meet `bbox`: for files without an index. Lets others have their turn. */
export async function* filtered(
  features: AsyncIterable<Feature> | Iterable<Feature>,
  { bbox, signal }: IoCall & { readonly bbox?: BBox } = {},
): AsyncGenerator<Feature> {
  let seen = 0;
  for await (const feature of features) {
    if (++seen % TURN === 0) {
      await setImmediate();
      signal?.throwIfAborted();
    }
    const box = bbox === undefined || feature.geometry === null ? undefined : bboxOf(feature.geometry);
    if (bbox === undefined || (box !== undefined && boxesMeet(box, bbox))) yield feature;
  }
}
