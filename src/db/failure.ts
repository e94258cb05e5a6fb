import { DatabaseError } from "pg";
import { GyreError } from "../errors.ts";

/** Conditions of the server that pass: it starts or stops (57P), its disk, memory or connections are used up (53). */
const PASSING = /^(57P|53)/;
/** A serialization failure and a deadlock: the same transaction may succeed when it is run again. */
const REPEATABLE = new Set(["40001", "40P01"]);

/** The SQLSTATE of an error that the server itself raised. */
export function sqlState(error: unknown): string | undefined {
  return error instanceof DatabaseError ? error.code : undefined;
}

/** A serialization failure or a deadlock, after which the same transaction can be run again. */
export function isRepeatable(error: unknown): boolean {
  return REPEATABLE.has(sqlState(error) ?? "");
}

/** Whether the server said that it cannot serve now. */
export function isPassing(error: unknown): boolean {
  return PASSING.test(sqlState(error) ?? "");
}

/** A server that cannot be reached, or cannot serve now. */
export function busy(error: unknown, server: string): GyreError {
  const { message, code } = error as Error & { code?: string };
  return new GyreError("Busy", `The database at ${server} does not answer: ${message || code}`, {
    source: server,
    retryAfter: 1,
    cause: error,
  });
}
