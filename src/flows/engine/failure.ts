import { type ErrorTag, GyreError, HTTP_STATUS, isGyreError } from "../../errors.ts";
import type { Failure } from "../flow.ts";
import { storableText } from "./json.ts";

/** Longer messages of errors are cut: they may quote what a client or a file said. */
const LONGEST_MESSAGE = 4_000;
/** Trouble that may be gone at the next try. */
const PASSING: readonly ErrorTag[] = ["Busy", "BadSource", "Conflict"];

/** An error as it is stored and shown. */
export function failureOf(error: unknown): Failure {
  const message = storableText((error instanceof Error ? error.message : String(error)).slice(0, LONGEST_MESSAGE));
  return isGyreError(error) ? { message, tag: error.tag } : { message };
}

/** The error that a failure was. */
export function errorOf({ message, tag }: Failure): Error {
  return isTag(tag) ? new GyreError(tag, message) : new Error(message);
}

/** Whether the same again would only fail again. */
export function isFinal(error: unknown): boolean {
  return isGyreError(error) && !PASSING.includes(error.tag);
}

function isTag(tag: string | undefined): tag is ErrorTag {
  return tag !== undefined && Object.hasOwn(HTTP_STATUS, tag);
}
