import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { CodecSpec, Dataset, Variable } from "../../src/core/array.ts";
import { allocate } from "../../src/core/dtype.ts";
import { createRandom } from "../../src/core/random.ts";
import { all, slice } from "../../src/core/selection.ts";
import { FORMATS } from "../../src/engine.ts";
import type { Files } from "../../src/files/files.ts";
import { createMemoryFiles } from "../../src/files/memory.ts";
import { readWithInfo } from "../../src/files/read-with-info.ts";
import { withCounting } from "../../src/files/with-counting.ts";
import { withLatency } from "../../src/files/with-latency.ts";
import { withRemoteCaches } from "../../src/files/with-remote-caches.ts";
import { createFormatRegistry } from "../../src/formats/registry.ts";
import { decodedChunk, rawChunk } from "../../src/read/chunk.ts";
import { selectFrom } from "../../src/read/select.ts";
import { writeCog } from "../../src/write/cog.ts";
import { writeNetcdf3 } from "../../src/write/netcdf3.ts";
import { deflated } from "../../src/write/netcdf4/filters.ts";
import { writeNetcdf4 } from "../../src/write/netcdf4/write.ts";
import { inMemory, type Source } from "../../src/write/source.ts";
import { writeZarr } from "../../src/write/zarr.ts";
import { codecs } from "../formats/values.ts";
import { encoder, LITTLE, sourceOf } from "../write/sample.ts";

const python = fileURLToPath(new URL("../../.peers/py/bin/python", import.meta.url));
const FILE = new URL("far://store/file");
const FOLDER = new URL("far://store/folder/");
const PAGE = 64 * 1024;

/** A store behind a network: every request is counted, and those that go out together wait together. */
function far() {
  const memory = createMemoryFiles();
  const counting = withCounting({ ...memory, readWithInfo: (url, range) => readWithInfo(memory, url, range) });
  let rounds = 0;
  let round: Promise<void> | undefined;
  const wait = (): Promise<void> => {
    round ??= (async () => {
      rounds++;
      for (let i = 0; i < 5; i++) await turn();
      round = undefined;
    })();
    return round;
  };
  const files = withRemoteCaches(withLatency(counting, { ms: 50, wait }));
  return {
    memory,
    files,
    /** What was asked for by `work`, and how many times somebody had to wait for an answer. */
    async cost<T>(work: () => Promise<T>) {
      counting.reset();
      rounds = 0;
      const result = await work();
      const { reads, heads, lists, bytes } = counting.counts;
      return { result, requests: reads + heads + lists, bytes, rounds };
    },
    open: (url: URL): Promise<Dataset> => createFormatRegistry(FORMATS, files, codecs).open(url),
  };
}

type Far = ReturnType<typeof far>;

/** 64 x 512 x 512 values of which no two rows are equal, in 64 chunks. */
function field(chunks: readonly number[], own: readonly CodecSpec[]): Source {
  const shape = [64, 512, 512];
  const data = allocate("float32", 64 * 512 * 512) as Float32Array;
  for (let i = 0; i < data.length; i++) data[i] = (i * 2_654_435_761) % 1_000_003;
  const spec = { dtype: "float32", dims: ["time", "y", "x"], shape, chunks, codecs: own, fill: 0, attrs: new Map() };
  return sourceOf([inMemory("tas", { ...spec, dtype: "float32" }, data)]);
}

async function put(files: Files, parts: AsyncIterable<Uint8Array>): Promise<URL> {
  await files.write!(FILE, Buffer.concat(await Array.fromAsync(parts)));
  return FILE;
}

const SHARDED: readonly CodecSpec[] = [
  {
    name: "sharding_indexed",
    configuration: {
      chunk_shape: [1, 256, 256],
      codecs: [{ name: "bytes", configuration: { endian: "little" } }],
      index_codecs: [{ name: "bytes", configuration: { endian: "little" } }, { name: "crc32c" }],
      index_location: "end",
    },
  },
];

interface Budget {
  make(files: Files): Promise<URL>;
  /** Variable, and one of its chunks in the middle. */
  readonly chunk: readonly [string, readonly number[]];
  readonly open: { readonly requests: number; readonly bytes: number };
  /** Requests for a first chunk, and for a second one elsewhere. */
  readonly first: number;
  readonly next: number;
}

const BUDGETS: Readonly<Record<string, Budget>> = {
  // All metadata lie in front: the page that is sniffed at has them, and the table of chunks too.
  "NetCDF-4, metadata in front": {
    make: (files) => put(files, writeNetcdf4(field([1, 512, 512], deflated(4)), { encoder })),
    chunk: ["tas", [40, 0, 0]],
    open: { requests: 1, bytes: PAGE },
    first: 1,
    next: 1,
  },
  // The header is all there is.
  "NetCDF-3": {
    make: (files) => put(files, writeNetcdf3(field([64, 512, 512], LITTLE))),
    chunk: ["tas", [3, 0, 0]],
    open: { requests: 1, bytes: PAGE },
    first: 1,
    next: 1,
  },
  // Directories of all levels are in front, tiles behind.
  COG: {
    async make(files) {
      const plane = Float32Array.from({ length: 2048 * 2048 }, (_, i) => (i * 2_654_435_761) % 1_000_003);
      const rows = async (first: number, count: number) => [plane.slice(first * 2048, (first + count) * 2048)];
      return put(
        files,
        writeCog({ dtype: "float32", width: 2048, height: 2048, bands: 1, rows }, { encoder, tile: 256 }),
      );
    },
    chunk: ["band_data", [3, 3]],
    open: { requests: 1, bytes: PAGE },
    first: 1,
    next: 1,
  },
  // Four looks at once for what kind of folder it is, and the one document.
  "Zarr v3, consolidated": {
    make: (files) => folder(files, field([1, 512, 512], LITTLE), 3),
    chunk: ["tas", [40, 0, 0]],
    open: { requests: 5, bytes: 16 * 1024 },
    first: 1,
    next: 1,
  },
  // The same, and asked for zarr.json first, which is not there.
  "Zarr v2, consolidated": {
    make: (files) => folder(files, field([1, 512, 512], LITTLE), 2),
    chunk: ["tas", [40, 0, 0]],
    open: { requests: 6, bytes: 16 * 1024 },
    first: 1,
    next: 1,
  },
  // A shard's index comes with its file's size and tag; it serves all other chunks of that shard.
  "Zarr v3, sharded": {
    make: (files) => folder(files, field([16, 512, 512], SHARDED), 3),
    chunk: ["tas", [40, 1, 0]],
    open: { requests: 5, bytes: 16 * 1024 },
    first: 2,
    next: 1,
  },
};

async function folder(files: Files, source: Source, version: 2 | 3): Promise<URL> {
  await writeZarr(source, FOLDER, { files, encoder, version });
  return FOLDER;
}

async function expectWithin(store: Far, url: URL, { chunk: [name, index], open, first, next }: Budget): Promise<void> {
  const opened = await store.cost(() => store.open(url));
  assert.ok(opened.requests <= open.requests, `opening took ${opened.requests} requests`);
  assert.ok(opened.bytes <= open.bytes, `opening took ${opened.bytes} bytes`);
  const variable = opened.result.variables.get(name) as Variable;
  const reader = { files: store.files, decoder: encoder };
  for (const [wanted, limit] of [
    [index, first],
    [index.map((n, i) => (i === 0 ? n - 1 : n)), next],
  ] as const) {
    const read = await store.cost(() => rawChunk(reader, variable, wanted));
    const size = read.result?.bytes.byteLength ?? 0;
    assert.ok(size > 0, "there is such a chunk");
    assert.ok(read.requests <= limit, `chunk ${wanted} took ${read.requests} requests`);
    // Whole pages, and the one that both ends may share with a neighbour.
    assert.ok(read.bytes <= size + 2 * PAGE, `chunk ${wanted} of ${size} bytes took ${read.bytes}`);
  }
}

describe("read budgets of files far away", () => {
  for (const [name, budget] of Object.entries(BUDGETS)) {
    test(name, async () => {
      const store = far();
      await expectWithin(store, await budget.make(store.memory), budget);
    });
  }

  test("NetCDF-4, metadata scattered by the C library", { skip: !existsSync(python) && "no .peers/py" }, async () => {
    const path = mkdtempSync(join(tmpdir(), "gyre-budgets-"));
    const store = far();
    execFileSync(python, ["-c", SCATTERED, join(path, "x.nc")]);
    await store.memory.write!(FILE, readFileSync(join(path, "x.nc")));
    rmSync(path, { recursive: true });
    // Twelve variables, each defined and filled before the next: a header in another page each time. Pages are fetched
    // two, four, eight at once while a walk goes straight on.
    await expectWithin(store, FILE, {
      make: async () => FILE,
      chunk: ["v9", [3, 0]],
      open: { requests: 16, bytes: 26 * PAGE },
      first: 2,
      next: 1,
    });
  });

  test("near chunks come in one request, and far ones wait side by side", async () => {
    const store = far();
    const read = (variable: Variable) => (chunk: readonly number[]) =>
      decodedChunk({ files: store.files, decoder: encoder }, variable, chunk);
    const contiguous = (await store.open(await put(store.memory, writeNetcdf3(field([64, 512, 512], LITTLE)))))
      .variables;
    const tas = contiguous.get("tas") as Variable;
    const region = [slice(0, 64), slice(0, 4), slice(0, 512)];
    const whole = await store.cost(() => selectFrom(tas, region, read(tas)));
    // Eight virtual chunks of 8 MiB: as many requests as the largest merged read allows.
    assert.ok(whole.requests <= 9, `${whole.requests} requests`);
    assert.ok(whole.rounds <= 2, `${whole.rounds} rounds`);

    const random = createRandom(1);
    const values = Int16Array.from({ length: 2_000_000 }, () => Math.floor(random() * 65_536) - 32_768);
    const spec = { dims: ["n"], shape: [2_000_000], chunks: [20_000], codecs: deflated(2), fill: 0, attrs: new Map() };
    const small = sourceOf([inMemory("v", { ...spec, dtype: "int16" }, values)]);
    const v4 = (await store.open(await put(store.memory, writeNetcdf4(small, { encoder })))).variables.get("v")!;
    const near = await store.cost(() => selectFrom(v4, all([2_000_000]), read(v4)));
    assert.deepEqual(near.result.data, values);
    assert.ok(near.requests > 0 && near.requests <= 4, `${near.requests} requests for 100 chunks beside each other`);

    const v3 = (await store.open(await folder(store.memory, small, 3))).variables.get("v")!;
    const apart = await store.cost(() => selectFrom(v3, all([2_000_000]), read(v3)));
    assert.deepEqual(apart.result.data, near.result.data);
    assert.equal(apart.requests, 100);
    assert.ok(apart.rounds <= 5, `${apart.rounds} rounds for 100 files`);
  });
});

const SCATTERED = `
import sys, numpy as np, netCDF4
with netCDF4.Dataset(sys.argv[1], "w") as ds:
    ds.createDimension("x", 64)
    ds.createDimension("y", 20000)
    for i in range(12):
        v = ds.createVariable(f"v{i}", "f8", ("x", "y"), chunksizes=(4, 20000))
        v[:16] = np.random.default_rng(i).random((16, 20000))
        v.units = "K"
        ds.sync()
`;
