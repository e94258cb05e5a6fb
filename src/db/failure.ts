import { DatabaseError } from "pg";
import { GyreError, isGyreError } from "../errors.ts";

/** Conditions of the server that pass: starting, stopping, too many connections (classes 57P and 53 of SQLSTATE). */
const PASSING = new Set(["57P01", "57P02", "57P03", "53300", "53400"]);
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

/** Errors of the server as they are, but those which say that it cannot be reached now: these are `Busy`. */
export function ofConnection(error: unknown, server: string): unknown {
  if (isGyreError(error)) return error;
  const state = sqlState(error);
  if (state !== undefined && !PASSING.has(state)) return error;
  const { message, code } = error as Error & { code?: string };
  return new GyreError("Busy", `The database at ${server} does not answer: ${message || code}`, {
    source: server,
    retryAfter: 1,
    cause: error,
  });
}
