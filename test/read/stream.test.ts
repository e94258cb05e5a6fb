import assert from "node:assert/strict";
import { test } from "node:test";
import type { Variable } from "../../src/core/array.ts";
import { all, type Selection, selectedIndex, selectionCount, slice } from "../../src/core/selection.ts";
import { pieces } from "../../src/read/stream.ts";

const variable = (shape: readonly number[], chunks: readonly number[]): Variable => ({
  name: "v",
  spec: {
    dtype: "uint8",
    dims: shape.map((_, i) => `d${i}`),
    shape,
    chunks,
    codecs: [{ name: "bytes" }],
    fill: null,
    attrs: new Map(),
  },
  locate: async () => undefined,
});

/** Indices of all elements that a selection takes, in C order. */
function* elements(selection: Selection, head: readonly number[] = []): Generator<string> {
  const own = selection[head.length];
  if (own === undefined) yield head.join(".");
  else for (let i = 0; i < selectionCount(own); i++) yield* elements(selection, [...head, selectedIndex(own, i)]);
}

test("pieces put one behind the other are the selection, none larger than asked for", () => {
  const v = variable([7, 5, 4], [3, 2, 4]);
  const selections: Selection[] = [
    all([7, 5, 4]),
    [3, slice(4, -1, -2), slice(0, 4)],
    [[6, 0, 6], slice(1, 5), [3, 1]],
    [slice(0, 7, 3), 2, 1],
    [slice(2, 2), slice(0, 5), 0],
  ];
  for (const selection of selections) {
    for (const most of [1, 3, 8, 20, 45, 1000]) {
      const parts = [...pieces(v, selection, most)];
      assert.deepEqual(
        parts.flatMap((part) => [...elements(part)]),
        [...elements(selection)],
      );
      for (const part of parts) assert.ok([...elements(part)].length <= most);
    }
  }
});

test("pieces end where chunks do, so that none is decoded twice", () => {
  const rows = [...pieces(variable([10, 4], [3, 4]), all([10, 4]), 16)].map(([rows]) => selectionCount(rows!));
  assert.deepEqual(rows, [3, 3, 3, 1]);
  const later = [...pieces(variable([10, 4], [3, 4]), [slice(2, 10), slice(0, 4)], 16)];
  assert.deepEqual(
    later.map(([rows]) => selectionCount(rows!)),
    [4, 3, 1],
  );
});
