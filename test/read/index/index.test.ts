import assert from "node:assert/strict";
import { test } from "node:test";
import type { ArraySpec, ChunkRef, Dataset, Variable } from "../../../src/core/array.ts";
import type { Files } from "../../../src/files/files.ts";
import { createMemoryFiles } from "../../../src/files/memory.ts";
import { fromPortable, toPortable } from "../../../src/read/index/portable.ts";
import { createDatasetIndex } from "../../../src/read/index.ts";

const URL_A = new URL("file:///archive/a.nc");
const URL_B = new URL("file:///archive/b%20c.nc");
const INFO = { size: 1000, etag: '"1-3e8"' };
const OBJECTS = new URL("memory:///objects/");

const spec = (over: Partial<ArraySpec>): ArraySpec => ({
  dtype: "float32",
  dims: ["y", "x"],
  shape: [4, 6],
  chunks: [2, 2],
  codecs: [{ name: "bytes", configuration: { endian: "little" } }, { name: "zlib" }],
  fill: Number.NaN,
  attrs: new Map(),
  ...over,
});

function variable(
  name: string,
  over: Partial<ArraySpec>,
  locate: (chunk: readonly number[]) => ChunkRef | undefined,
): Variable {
  return { name, spec: spec(over), locate: async (chunk) => locate(chunk) };
}

const cell = (chunk: readonly number[]): number => chunk[0]! * 3 + chunk[1]!;

/** One variable for each way in which chunks can lie. */
const VARIABLES: readonly Variable[] = [
  variable("plain", {}, (c) => ({ url: URL_A, offset: 100 * cell(c), length: 90, etag: INFO.etag })),
  variable("missing", {}, (c) => (cell(c) % 2 === 0 ? undefined : { url: URL_A, offset: 5, length: 7 })),
  variable("far", {}, (c) => ({ url: URL_A, offset: 2 ** 45 - cell(c), length: 2 ** 33 })),
  variable("inline", {}, (c) =>
    cell(c) === 2 ? { url: URL_A, offset: 1, length: 1 } : { inline: Uint8Array.of(cell(c)) },
  ),
  variable("filtered", {}, (c) => ({
    url: URL_A,
    offset: 1,
    length: 2,
    ...(cell(c) === 4 ? { codecs: [{ name: "bytes" }] } : {}),
    ...(c[1] === 2 ? { shape: [2, 1] } : {}),
  })),
  variable("scalar", { dims: [], shape: [], chunks: [], dtype: "int64", fill: -9223372036854775808n }, () => ({
    inline: new Uint8Array(8),
  })),
  variable("empty", { shape: [0, 6] }, () => undefined),
  variable(
    "types",
    {
      dims: ["y"],
      shape: [1],
      chunks: [1],
      dtype: {
        kind: "struct",
        size: 9,
        name: "obs",
        fields: [
          {
            name: "__proto__",
            dtype: { kind: "enum", base: "int8", members: new Map([["a", 1]]) },
            offset: 0,
            shape: [],
          },
          { name: "z", dtype: { kind: "datetime64", unit: "ns", scale: 1 }, offset: 1, shape: [1] },
        ],
      },
      fill: Uint8Array.of(1, 2, 3),
      attrs: new Map([
        ["big", { dtype: "uint64", value: [18446744073709551615n] }],
        ["inf", { dtype: "float64", value: [Number.NEGATIVE_INFINITY, -0] }],
        ["__proto__", { dtype: "json", value: JSON.parse('{"$": ["int", "1"], "__proto__": 1, "a": [null, true]}') }],
        ["c", { dtype: "complex64", value: [1, 2] }],
      ]),
    },
    () => ({ url: URL_A, offset: 0, length: 9 }),
  ),
];

const dataset = (variables: readonly Variable[]): Dataset => ({
  format: "hdf5",
  version: "v1",
  attrs: new Map([["title", { dtype: "string", value: "x" }]]),
  dimensions: new Map([["x", { size: 6, unlimited: true }]]),
  groups: new Map([["a/b", { attrs: new Map(), dimensions: new Map([["k", { size: 1, unlimited: false }]]) }]]),
  variables: new Map(variables.map((v) => [v.name, v])),
  problems: ["one variable could not be read"],
});

function* cells(v: Variable): Generator<number[]> {
  const grid = v.spec.shape.map((n, i) => Math.ceil(n / v.spec.chunks[i]!));
  const count = grid.reduce((a, b) => a * b, 1);
  for (let i = 0; i < count; i++) {
    let rest = i;
    yield grid
      .toReversed()
      .map((n) => {
        const at = rest % n;
        rest = (rest - at) / n;
        return at;
      })
      .toReversed();
  }
}

const never = (): Promise<Dataset> => Promise.reject(new Error("the source was opened"));

test("a dataset comes back from its index without its source", async () => {
  const index = createDatasetIndex(createMemoryFiles(), OBJECTS);
  const original = dataset(VARIABLES);
  assert.equal(await index.load({ url: URL_A, info: INFO }, never), undefined);
  await index.save({ url: URL_A, info: INFO }, original);
  const again = await index.load({ url: URL_A, info: INFO }, never);
  assert.ok(again);
  for (const key of ["format", "version", "attrs", "dimensions", "groups", "problems"] as const) {
    assert.deepEqual(again[key], original[key], key);
  }
  assert.deepEqual([...again.variables.keys()], [...original.variables.keys()]);
  let tables = 0;
  for (const own of original.variables.values()) {
    const other: Variable = again.variables.get(own.name)!;
    assert.deepEqual(other.spec, own.spec, own.name);
    assert.equal(other.read, undefined);
    const table = await other.table?.();
    tables += table === undefined ? 0 : 1;
    for (const [i, chunk] of [...cells(own)].entries()) {
      const ref = await own.locate(chunk);
      assert.deepEqual(await other.locate(chunk), ref, `${own.name} ${chunk}`);
      if (table === undefined) continue;
      const entry = table.cells === undefined ? i : table.cells.indexOf(i);
      const [offset, length] = [table.offsets[entry] ?? -1, table.lengths[entry]];
      const stored = ref !== undefined && "url" in ref ? ref : undefined;
      assert.deepEqual(
        offset < 0 ? undefined : [table.url.href, offset, length],
        stored && [stored.url.href, stored.offset, stored.length],
      );
      assert.deepEqual(
        table.codecs[(table.variants?.[entry] ?? 0) - 1],
        stored?.codecs,
        `codecs of ${own.name} ${chunk}`,
      );
    }
    if (own.spec.shape.length > 0) assert.equal(await other.locate(own.spec.shape.map(() => 99)), undefined);
  }
  assert.ok(tables > 0 && tables < original.variables.size, "what lies in one file, and only that, is one table");
});

test("chunks in other files are looked for again: the index is kept by the state of its source alone", async () => {
  const index = createDatasetIndex(createMemoryFiles(), OBJECTS);
  const linked = (etag: string): Dataset =>
    dataset([variable("linked", {}, (c) => ({ url: cell(c) < 3 ? URL_A : URL_B, offset: 0, length: 9, etag }))]);
  await index.save({ url: URL_A, info: INFO }, linked("before"));
  const again = await index.load({ url: URL_A, info: INFO }, async () => linked("after"));
  assert.deepEqual(await again!.variables.get("linked")!.locate([1, 2]), {
    url: URL_B,
    offset: 0,
    length: 9,
    etag: "after",
  });
});

test("another size or tag is another source", async () => {
  const index = createDatasetIndex(createMemoryFiles(), OBJECTS);
  await index.save({ url: URL_A, info: INFO }, dataset(VARIABLES));
  assert.equal(await index.load({ url: URL_A, info: { ...INFO, etag: '"2-3e8"' } }, never), undefined);
  assert.equal(await index.load({ url: URL_B, info: INFO }, never), undefined);
});

test("what the index has not is asked of the source, opened once", async () => {
  const huge = variable("huge", { shape: [2 ** 20, 2 ** 20], chunks: [1, 1] }, () => ({
    url: URL_A,
    offset: 3,
    length: 4,
  }));
  const derived: Variable = {
    ...variable("derived", {}, () => undefined),
    read: async () => ({ dtype: "float32", shape: [1], data: Float32Array.of(7) }),
  };
  const index = createDatasetIndex(createMemoryFiles(), OBJECTS);
  const original = dataset([huge, derived, VARIABLES[0]!]);
  await index.save({ url: URL_A, info: INFO }, original);
  let opened = 0;
  const again = await index.load({ url: URL_A, info: INFO }, async () => {
    opened++;
    return original;
  });
  await again!.variables.get("plain")!.locate([0, 0]);
  assert.equal(opened, 0);
  assert.deepEqual(await again!.variables.get("huge")!.locate([5, 5]), { url: URL_A, offset: 3, length: 4 });
  assert.deepEqual((await again!.variables.get("derived")!.read!([0, 0])).data, Float32Array.of(7));
  assert.equal(opened, 1);
});

test("a damaged index is no index", async () => {
  const files = createMemoryFiles();
  const index = createDatasetIndex(files, OBJECTS);
  await index.save({ url: URL_A, info: INFO }, dataset(VARIABLES));
  const [entry] = await Array.fromAsync(files.list!(OBJECTS, { recursive: true }));
  const bytes = (await files.read(entry!.url))!;
  for (const at of [0, 8, 12, 20, 30, 100]) {
    const broken = bytes.slice();
    broken[at]! ^= 0xff;
    await files.write!(entry!.url, broken);
    assert.equal(await index.load({ url: URL_A, info: INFO }, never), undefined, `byte ${at}`);
  }
  for (const length of [0, 10, 24, 200]) {
    await files.write!(entry!.url, bytes.slice(0, length));
    assert.equal(await index.load({ url: URL_A, info: INFO }, never), undefined, `cut to ${length}`);
  }
  const tail = bytes.slice();
  tail[tail.length - 1]! ^= 0xff;
  await files.write!(entry!.url, tail);
  const original = dataset(VARIABLES);
  const again = await index.load({ url: URL_A, info: INFO }, async () => original);
  const types = await again!.variables.get("types")!.locate([0]);
  assert.deepEqual(types, { url: URL_A, offset: 0, length: 9 }, "a damaged table is read from the source");
});

test("opening costs one small read, a table one more", async () => {
  const memory = createMemoryFiles();
  const reads: number[] = [];
  const files: Files = {
    ...memory,
    read: async (url, range, options) => {
      const bytes = await memory.read(url, range, options);
      reads.push(bytes?.byteLength ?? 0);
      return bytes;
    },
  };
  const big = variable("big", { shape: [300, 200], chunks: [1, 1] }, (c) => ({
    url: URL_A,
    offset: Math.round((c[0]! * 200 + c[1]!) * 1e4 + 5000 * Math.sin(c[0]! * 7 + c[1]! * 13)),
    length: 900 + ((c[0]! * 31 + c[1]! * 17) % 97),
  }));
  const index = createDatasetIndex(files, OBJECTS);
  await index.save({ url: URL_A, info: INFO }, dataset([big]));
  const again = await index.load({ url: URL_A, info: INFO }, never);
  assert.equal(reads.length, 1);
  for (const chunk of [
    [0, 0],
    [299, 199],
    [7, 8],
  ]) {
    assert.deepEqual(await again!.variables.get("big")!.locate(chunk), await big.locate(chunk));
  }
  assert.equal(reads.length, 2);
});

test("portable JSON keeps what JSON loses", () => {
  const value = { a: [1n, Number.NaN, -0, null, "x"], m: new Map([["k", Uint8Array.of(255)]]), $: 1, u: URL_B };
  assert.deepEqual(fromPortable(JSON.parse(JSON.stringify(toPortable(value)))), value);
});
