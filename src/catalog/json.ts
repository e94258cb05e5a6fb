import type { Json } from "../core/stac.ts";
import { type Fault, GyreError } from "../errors.ts";

/** A document that breaks its schema. */
export function invalid(faults: readonly Fault[]): GyreError {
  const [first] = faults;
  return new GyreError("Invalid", first === undefined ? "invalid" : `${first.pointer || "/"}: ${first.detail}`, {
    faults,
    type: "stac-validation",
  });
}

/** JSON with the keys in order: equal for equal values. */
export function canonicalJson(value: Json): string {
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join()}]`;
  const object = value as { readonly [name: string]: Json };
  const members = Object.keys(object).filter((name) => object[name] !== undefined);
  return `{${members.sort().map((name) => `${JSON.stringify(name)}:${canonicalJson(object[name] as Json)}`)}}`;
}

export function isObject(value: unknown): value is { readonly [name: string]: Json } {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
