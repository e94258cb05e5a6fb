import assert from "node:assert/strict";
import { test } from "node:test";
import { type Block, chunkExtent, product, type Variable } from "../../src/core/array.ts";
import { type Selection, selectedIndex, selectionCount, slice } from "../../src/core/selection.ts";
import { selectFrom } from "../../src/read/select.ts";
import { pieces } from "../../src/read/stream.ts";

/** An array whose value at (i, j, k) is 10000 i + 100 j + k, in chunks that fit nowhere evenly. */
function counting(
  shape: readonly number[],
  chunks: readonly number[],
): { variable: Variable; read: typeof readChunk; reads: string[] } {
  const reads: string[] = [];
  const spec = {
    dtype: "int32",
    dims: shape.map((_, i) => `d${i}`),
    shape,
    chunks,
    codecs: [],
    fill: null,
    attrs: new Map(),
  } as const;
  const variable: Variable = { name: "v", spec, locate: async () => undefined };
  async function readChunk(chunk: readonly number[]): Promise<Block> {
    reads.push(chunk.join("."));
    const extent = chunkExtent(spec, chunk);
    const data = new Int32Array(product(extent));
    eachIndex(extent, (index, n) => {
      data[n] = valueAt(index.map((v, i) => v + chunk[i]! * chunks[i]!));
    });
    return { dtype: "int32", shape: extent, data };
  }
  return { variable, read: readChunk, reads };
}

const valueAt = (index: readonly number[]): number => index.reduce((sum, v) => sum * 100 + v, 0);

function eachIndex(shape: readonly number[], visit: (index: number[], n: number) => void): void {
  for (let n = 0; n < product(shape); n++) {
    let rest = n;
    const index = shape.map(() => 0);
    for (let i = shape.length - 1; i >= 0; i--) {
      index[i] = rest % shape[i]!;
      rest = Math.floor(rest / shape[i]!);
    }
    visit(index, n);
  }
}

function expected(selection: Selection): number[] {
  const counts = selection.map(selectionCount);
  const out: number[] = [];
  eachIndex(counts, (index) => out.push(valueAt(index.map((v, i) => selectedIndex(selection[i]!, v)))));
  return out;
}

const SELECTIONS: readonly Selection[] = [
  [slice(0, 7), slice(0, 5), slice(0, 11)],
  [slice(1, 6, 2), slice(4, -1, -1), slice(2, 11, 3)],
  [3, slice(1, 4), [10, 0, 0, 5]],
  [[6, 2], 4, slice(10, 4, -2)],
  [0, 0, 0],
  [slice(2, 2), slice(0, 5), slice(0, 11)],
  [slice(0, 7), slice(2, 3), slice(0, 11)],
];

test("selections of slices, strides, lists and indices equal the array", async () => {
  for (const chunks of [
    [2, 3, 4],
    [7, 5, 11],
    [1, 1, 11],
    [3, 5, 11],
  ]) {
    for (const selection of SELECTIONS) {
      const { variable, read } = counting([7, 5, 11], chunks);
      const block = await selectFrom(variable, selection, read);
      assert.deepEqual([...(block.data as Int32Array)], expected(selection), `${chunks} ${JSON.stringify(selection)}`);
      assert.deepEqual(block.shape, selection.filter((s) => typeof s !== "number").map(selectionCount));
    }
  }
});

test("a selection reads each chunk that it touches once, and no other", async () => {
  const { variable, read, reads } = counting([7, 5, 11], [2, 3, 4]);
  await selectFrom(variable, [[6, 0, 6], slice(0, 2), slice(0, 11, 8)], read);
  assert.deepEqual(reads.sort(), ["0.0.0", "0.0.2", "3.0.0", "3.0.2"]);
});

test("pieces of a stream put together are the whole, whatever the size of a piece", async () => {
  for (const bytes of [1, 16, 60, 200, 100_000]) {
    for (const selection of SELECTIONS) {
      const { variable, read } = counting([7, 5, 11], [2, 3, 4]);
      const values: number[] = [];
      for (const piece of pieces(variable, selection, bytes)) {
        const block = await selectFrom(variable, piece, read);
        assert.ok(block.data.length * 4 <= Math.max(bytes, 4), "a piece is larger than allowed");
        values.push(...(block.data as Int32Array));
      }
      assert.deepEqual(values, expected(selection));
    }
  }
});

test("a failure of one chunk fails the selection and stops further reads", async () => {
  const { variable, read, reads } = counting([100, 1, 1], [1, 1, 1]);
  const failing = async (chunk: readonly number[]): Promise<Block> => {
    if (chunk[0] === 3) throw new Error("chunk 3 is broken");
    return read(chunk);
  };
  await assert.rejects(selectFrom(variable, [slice(0, 100), 0, 0], failing), /chunk 3 is broken/);
  assert.ok(reads.length < 50, `${reads.length} chunks were read after the failure`);
});
