import assert from "node:assert/strict";
import { test } from "node:test";
import { GyreError } from "../../src/errors.ts";
import type { Files } from "../../src/files/files.ts";
import { createMemoryFiles } from "../../src/files/memory.ts";
import { withRetries } from "../../src/files/with-retries.ts";
import { wrapFiles } from "../../src/files/wrap.ts";
import { rejects } from "./rejects.ts";

const URL_A = new URL("memory://store/a");
const BYTES = new TextEncoder().encode("bytes");

/** Files that are busy for the first calls. */
function busyFor(calls: number): Files & { readonly asked: () => number } {
  const files = createMemoryFiles([[URL_A.href, BYTES]]);
  let asked = 0;
  const gate = async <T>(work: () => Promise<T>): Promise<T> => {
    if (++asked <= calls) throw new GyreError("Busy", "503");
    return work();
  };
  return {
    ...wrapFiles(files, {
      read: (url, range, options) => gate(() => files.read(url, range, options)),
      head: (url, call) => gate(() => files.head(url, call)),
      write: (url, body, options) => gate(() => files.write!(url, body, options)),
      delete: (url, call) => gate(() => files.delete!(url, call)),
    }),
    asked: () => asked,
  };
}

test("what a busy store may be asked again is asked again, and not for ever", async () => {
  const calls: readonly ((files: Files) => Promise<unknown>)[] = [
    (files) => files.read(URL_A),
    (files) => files.head(URL_A),
    (files) => files.write!(URL_A, BYTES),
    (files) => files.delete!(URL_A),
  ];
  for (const call of calls) {
    const passing = busyFor(2);
    await call(withRetries(passing));
    assert.equal(passing.asked(), 3);
    await rejects(call(withRetries(busyFor(3))), "Busy");
  }
});

test("what may have been done already is not asked again", async () => {
  for (const options of [{ ifMatch: '"x"' }, { ifNoneMatch: "*" as const }]) {
    const files = busyFor(1);
    await rejects(withRetries(files).write!(URL_A, BYTES, options), "Busy");
    assert.equal(files.asked(), 1);
  }
  const files = busyFor(1);
  await rejects(withRetries(files).write!(URL_A, ReadableStream.from([BYTES])), "Busy");
  assert.equal(files.asked(), 1);
});

test("other errors go through at once", async () => {
  const files = withRetries(createMemoryFiles([[URL_A.href, BYTES]]));
  await rejects(files.read(URL_A, undefined, { ifMatch: '"other"' }), "Conflict");
});
