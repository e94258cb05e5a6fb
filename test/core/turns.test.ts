import assert from "node:assert/strict";
import { test } from "node:test";
import { Turns, type TurnsOptions } from "../../src/core/turns.ts";

/** Turns that end when a test says so. */
function gated(options: Partial<TurnsOptions<string>> = {}) {
  const groups: (readonly string[])[] = [];
  const gate = Promise.withResolvers<void>();
  const begun = Promise.withResolvers<void>();
  const turns = new Turns<string>({
    async work(calls) {
      groups.push(calls);
      begun.resolve();
      await gate.promise;
    },
    ...options,
  });
  return {
    turns,
    groups,
    begun: () => begun.promise,
    open: () => gate.resolve(),
  };
}

test("calls that come together share a turn, and those that come meanwhile the next", async () => {
  const { turns, groups, begun, open } = gated();
  for (const call of ["a", "b"]) turns.add(call);
  await begun();
  for (const call of ["c", "d", "e"]) turns.add(call);
  assert.deepEqual(groups, [["a", "b"]]);
  open();
  await turns.settled();
  assert.deepEqual(groups, [
    ["a", "b"],
    ["c", "d", "e"],
  ]);
  turns.add("f");
  await turns.settled();
  assert.deepEqual(groups[2], ["f"], "it begins again after a rest");
});

test("a turn takes as many as it is told, in the order of the calls", async () => {
  const { turns, groups, open } = gated({ take: (waiting) => (waiting[0] === "alone" ? 1 : 2) });
  open();
  for (const call of ["a", "b", "alone", "c", "d", "e"]) turns.add(call);
  await turns.settled();
  assert.deepEqual(groups, [["a", "b"], ["alone"], ["c", "d"], ["e"]]);
});

test("the first turn waits for what gathers", async () => {
  const gathering = Promise.withResolvers<void>();
  const { turns, groups, open } = gated({ gathered: () => gathering.promise });
  open();
  turns.add("a");
  await new Promise(setImmediate);
  turns.add("b");
  assert.deepEqual(groups, []);
  gathering.resolve();
  await turns.settled();
  assert.deepEqual(groups, [["a", "b"]]);
});

test("a call can be taken back until it has its turn", async () => {
  const { turns, groups, begun, open } = gated();
  turns.add("a");
  turns.add("b");
  assert.equal(turns.withdraw("b"), true);
  assert.equal(turns.withdraw("b"), false);
  await begun();
  assert.equal(turns.withdraw("a"), false);
  open();
  await turns.settled();
  assert.deepEqual(groups, [["a"]]);
});
