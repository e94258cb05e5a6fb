import type { z } from "zod";
import { type Fault, GyreError } from "../../errors.ts";

/** Bytes of a run's or step's input: a detailed outline of a country fits. */
export const MOST_INPUT = 16 * 1024 * 1024;
/** Bytes of a result, which is addresses and numbers. */
export const MOST_OUTPUT = 1024 * 1024;

/** A value as `jsonb` keeps it: that has neither NUL nor halves of characters. */
export function storable(value: unknown): string {
  return JSON.stringify(value ?? null, (_key, it: unknown) => {
    if (typeof it === "string") return storableText(it);
    if (typeof it !== "object" || it === null || Array.isArray(it)) return it;
    const entries = Object.entries(it);
    const isGood = entries.every(([key]) => key === storableText(key));
    return isGood ? it : Object.fromEntries(entries.map(([key, member]) => [storableText(key), member]));
  });
}

/** The same of a text. */
export function storableText(text: string): string {
  return text.toWellFormed().replaceAll("\0", "\u{fffd}");
}

/** A value as the database keeps it. Throws TooLarge. */
export function jsonText(value: unknown, most: number, what: string): string {
  const text = storable(value);
  if (Buffer.byteLength(text) > most) throw new GyreError("TooLarge", `${what} has more than ${most} bytes`);
  return text;
}

/** Checks a value by a schema. Throws Invalid, with a pointer to each fault. */
export function parse<T>(schema: z.ZodType<T>, value: unknown, what: string): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const faults: Fault[] = result.error.issues.map(({ path, message }) => ({
    pointer: path.map((key) => `/${String(key).replaceAll("~", "~0").replaceAll("/", "~1")}`).join(""),
    detail: message,
  }));
  const [first] = faults;
  throw new GyreError("Invalid", `${what}: ${first?.pointer || "/"}: ${first?.detail}`, { faults });
}
