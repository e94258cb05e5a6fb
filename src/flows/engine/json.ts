import type { z } from "zod";
import type { Json } from "../../core/array.ts";
import { type Fault, GyreError } from "../../errors.ts";

/** Bytes of a run's or step's input: a detailed outline of a country fits. */
export const MOST_INPUT = 16 * 1024 * 1024;
/** Bytes of a result, which is addresses and numbers. */
export const MOST_OUTPUT = 1024 * 1024;

/** A value as the database keeps it. Throws TooLarge. */
export function jsonText(value: unknown, most: number, what: string): string {
  const text = JSON.stringify(value ?? null, storable);
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

/** Json as typed code knows it: what the database's own parser has read. */
export function isJson(value: unknown): value is Json {
  return value !== undefined;
}

/** PostgreSQL keeps neither NUL nor halves of characters. */
function storable(_key: string, value: unknown): unknown {
  return typeof value === "string" ? value.toWellFormed().replaceAll("\0", "\u{fffd}") : value;
}
