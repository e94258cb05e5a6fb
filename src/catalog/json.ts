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
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_, member: unknown) =>
    isObject(member) ? Object.fromEntries(Object.entries(member).sort(([a], [b]) => (a < b ? -1 : 1))) : member,
  );
}

export function isObject(value: unknown): value is { readonly [name: string]: Json } {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
