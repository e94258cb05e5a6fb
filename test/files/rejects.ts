import assert from "node:assert/strict";
import { type ErrorTag, type GyreError, isGyreError } from "../../src/errors.ts";

/** Asserts that `work` fails with this tag and message, and gives the error. */
export async function rejects(work: Promise<unknown>, tag: ErrorTag, message = /./): Promise<GyreError> {
  const error: unknown = await work.then(
    () => assert.fail(`nothing failed, ${tag} was expected`),
    (reason: unknown) => reason,
  );
  if (!isGyreError(error, tag)) assert.fail(`${String(error)} is no ${tag}`);
  assert.match(error.message, message);
  return error;
}
