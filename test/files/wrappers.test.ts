import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { FileInfo, Files } from "../../src/files/files.ts";
import { createMemoryFiles } from "../../src/files/memory.ts";
import { readWithInfo } from "../../src/files/read-with-info.ts";
import { withCoalescing } from "../../src/files/with-coalescing.ts";
import { withCounting } from "../../src/files/with-counting.ts";
import { withLatency } from "../../src/files/with-latency.ts";
import { withPageCache } from "../../src/files/with-page-cache.ts";
import { withPinning } from "../../src/files/with-pinning.ts";
import { ManualClock } from "./clock.ts";
import { rejects } from "./rejects.ts";

const BYTES = Uint8Array.from({ length: 1000 }, (_, i) => i % 251);
const X = new URL("memory://s/x");
const Y = new URL("memory://s/y");

function make() {
  const memory = createMemoryFiles([
    [X.href, BYTES],
    [Y.href, BYTES],
  ]);
  return { memory, counting: withCounting(memory) };
}

/** The same, of files that say in one request what they are. */
function telling() {
  const { memory } = make();
  const files: Files = { ...memory, readWithInfo: (url, range) => readWithInfo(memory, url, range) };
  return { memory, counting: withCounting(files) };
}

async function tagOf(files: Files): Promise<string> {
  return (await files.head(X))?.etag ?? "";
}

/** Files whose answers wait until the clock has moved on by a second. */
function slow(files: Files): { readonly files: Files; readonly clock: ManualClock } {
  const clock = new ManualClock();
  return { files: withLatency(files, { ms: 1000, wait: (ms, signal) => clock.wait(ms, signal) }), clock };
}

describe("page cache", () => {
  const options = { pageBytes: 100, maxBytes: 1600 };

  test("reads a page once, and missing neighbours together", async () => {
    const { counting } = make();
    const ifMatch = await tagOf(counting);
    const files = withPageCache(counting, options);
    const read = async (offset: number, length: number): Promise<void> => {
      const bytes = await files.read(X, { offset, length }, { ifMatch });
      assert.deepEqual(bytes, BYTES.slice(offset, offset + length));
    };
    await read(210, 20);
    await read(299, 1);
    assert.deepEqual([counting.counts.reads, counting.counts.bytes], [1, 100]);
    await read(150, 200);
    assert.deepEqual([counting.counts.reads, counting.counts.bytes], [3, 300]);
    await read(400, 180);
    assert.deepEqual([counting.counts.reads, counting.counts.bytes], [4, 500]);
    await read(950, 100);
    await read(900, 100);
    assert.deepEqual([counting.counts.reads, counting.counts.bytes], [5, 600]);
    assert.equal(counting.counts.heads, 1);
  });

  test("concurrent readers share one request", async () => {
    const { counting } = make();
    const ifMatch = await tagOf(counting);
    const files = withPageCache(counting, options);
    const parts = await Promise.all([3, 5, 7].map((offset) => files.read(X, { offset, length: 2 }, { ifMatch })));
    assert.deepEqual(parts, [BYTES.slice(3, 5), BYTES.slice(5, 7), BYTES.slice(7, 9)]);
    assert.equal(counting.counts.reads, 1);
  });

  test("keeps so many bytes, those used last", async () => {
    const { counting } = make();
    const ifMatch = await tagOf(counting);
    const files = withPageCache(counting, { pageBytes: 100, maxBytes: 200 });
    const pages = [0, 1, 0, 2, 0, 1];
    const reads = [];
    for (const page of pages) {
      await files.read(X, { offset: page * 100, length: 1 }, { ifMatch });
      reads.push(counting.counts.reads);
    }
    assert.deepEqual(reads, [1, 2, 2, 3, 3, 4]);
  });

  test("large reads go past it", async () => {
    const { counting } = make();
    const ifMatch = await tagOf(counting);
    const files = withPageCache(counting, options);
    for (let i = 0; i < 2; i++) await files.read(X, { offset: 1, length: 300 }, { ifMatch });
    assert.deepEqual([counting.counts.reads, counting.counts.bytes], [2, 600]);
  });

  test("pages of what a file was are not those of what it is", async () => {
    const { memory, counting } = make();
    const files = withPageCache(counting, options);
    const first = async () => (await files.read(X, { offset: 0, length: 1 }, { ifMatch: await tagOf(memory) }))?.[0];
    assert.deepEqual([await first(), await first()], [0, 0]);
    assert.equal(counting.counts.reads, 1);
    await memory.write!(X, Uint8Array.of(9));
    assert.equal(await first(), 9);
  });

  test("without a tag, or an end, nothing is kept and nothing asked besides", async () => {
    const { counting } = make();
    const files = withPageCache(counting, options);
    const ifMatch = await tagOf(counting);
    for (let i = 0; i < 2; i++) {
      assert.equal((await files.read(X, { offset: 0, length: 1 }))?.byteLength, 1);
      assert.equal((await files.read(X, { suffix: 2 }, { ifMatch }))?.byteLength, 2);
      assert.equal((await files.read(X, undefined, { ifMatch }))?.byteLength, 1000);
    }
    assert.deepEqual([counting.counts.reads, counting.counts.heads], [6, 1]);
  });

  test("what came with its tag is kept as pages", async () => {
    const { memory, counting } = telling();
    const files = withPageCache(counting, options);
    const found = await files.readWithInfo!(X, { offset: 130, length: 100 });
    assert.deepEqual(found, { bytes: BYTES.subarray(130, 230), info: await memory.head(X) });
    assert.deepEqual([counting.counts.reads, counting.counts.bytes], [1, 200]);
    const ifMatch = found?.info.etag ?? "";
    assert.deepEqual(await files.read(X, { offset: 290, length: 9 }, { ifMatch }), BYTES.slice(290, 299));
    assert.equal(counting.counts.reads, 1);
    assert.deepEqual((await files.readWithInfo!(X, { suffix: 3 }))?.bytes, BYTES.slice(997));
  });

  test("a failure and an absence are not kept", async () => {
    const { memory } = make();
    let broken = true;
    const flaky: Files = {
      ...memory,
      read: (url, range, call) => (broken ? Promise.reject(new Error("broken")) : memory.read(url, range, call)),
    };
    const ifMatch = await tagOf(memory);
    const files = withPageCache(flaky, options);
    await assert.rejects(files.read(X, { offset: 0, length: 1 }, { ifMatch }), /broken/);
    broken = false;
    assert.equal((await files.read(X, { offset: 0, length: 1 }, { ifMatch }))?.byteLength, 1);
    const absent = new URL("memory://s/absent");
    assert.equal(await files.read(absent, { offset: 0, length: 1 }, { ifMatch: '"m3"' }), undefined);
    await memory.write!(absent, BYTES);
    assert.equal((await files.read(absent, { offset: 0, length: 1 }, { ifMatch: '"m3"' }))?.byteLength, 1);
  });

  test("one reader's abort is not another's", async () => {
    const { memory, counting } = make();
    const ifMatch = await tagOf(memory);
    const { files: waiting, clock } = slow(counting);
    const files = withPageCache(waiting, options);
    const read = (signal?: AbortSignal) =>
      files.read(X, { offset: 0, length: 1 }, { ifMatch, ...(signal && { signal }) });
    const [one, two] = [new AbortController(), new AbortController()];
    const first = assert.rejects(read(one.signal), /first/);
    const second = read(two.signal);
    one.abort(new Error("first"));
    await first;
    clock.advance(1000);
    assert.equal((await second)?.byteLength, 1);
    assert.equal(counting.counts.reads, 1);
  });

  test("when all give up the request stops, and the next reader starts anew", async () => {
    const { memory, counting } = make();
    const ifMatch = await tagOf(memory);
    const { files: waiting, clock } = slow(counting);
    const files = withPageCache(waiting, options);
    const controller = new AbortController();
    const call = { ifMatch, signal: controller.signal };
    const all = [10, 20].map((offset) => assert.rejects(files.read(X, { offset, length: 150 }, call), /enough/));
    controller.abort(new Error("enough"));
    const next = files.read(X, { offset: 0, length: 1 }, { ifMatch });
    await Promise.all(all);
    clock.advance(1000);
    assert.equal((await next)?.byteLength, 1);
    assert.equal(counting.counts.reads, 1);
  });
});

describe("coalescing", () => {
  const read = (files: Files, ranges: readonly (readonly [number, number])[], url = X) =>
    Promise.all(ranges.map(([offset, length]) => files.read(url, { offset, length })));

  test("merges near reads of one turn, in any order", async () => {
    const { counting } = make();
    const files = withCoalescing(counting, { maxGap: 10, maxBytes: 100 });
    const parts = await read(files, [
      [40, 10],
      [0, 10],
      [20, 10],
      [5, 10],
    ]);
    assert.deepEqual(parts, [BYTES.slice(40, 50), BYTES.slice(0, 10), BYTES.slice(20, 30), BYTES.slice(5, 15)]);
    assert.deepEqual([counting.counts.reads, counting.counts.bytes], [1, 50]);
  });

  test("keeps apart what is far, large, of another file or of another version", async () => {
    const { counting } = make();
    const files = withCoalescing(counting, { maxGap: 10, maxBytes: 100 });
    const ifMatch = await tagOf(counting);
    await Promise.all([
      read(files, [
        [0, 10],
        [21, 10],
        [500, 60],
        [560, 60],
      ]),
      read(files, [[10, 10]], Y),
      files.read(X, { offset: 10, length: 5 }, { ifMatch }),
    ]);
    assert.equal(counting.counts.reads, 6);
    await read(files, [[0, 200]]);
    await read(files, [[200, 10]]);
    assert.equal(counting.counts.reads, 8);
  });

  test("pieces at the end and beyond it are short", async () => {
    const { counting } = make();
    const files = withCoalescing(counting, { maxGap: 100 });
    const parts = await read(files, [
      [990, 20],
      [1005, 5],
      [980, 5],
    ]);
    assert.deepEqual(
      parts.map((part) => part?.byteLength),
      [10, 0, 5],
    );
    assert.equal(counting.counts.reads, 1);
    assert.deepEqual(
      await read(
        files,
        [
          [0, 1],
          [2, 1],
        ],
        new URL("memory://s/absent"),
      ),
      [undefined, undefined],
    );
  });

  test("one piece's abort leaves the others", async () => {
    const { counting } = make();
    const { files: waiting, clock } = slow(counting);
    const files = withCoalescing(waiting);
    const controller = new AbortController();
    const asked = clock.nextWait(() => true);
    const first = assert.rejects(files.read(X, { offset: 0, length: 1 }, controller), /enough/);
    const second = files.read(X, { offset: 1, length: 1 }, { signal: new AbortController().signal });
    await asked;
    controller.abort(new Error("enough"));
    await first;
    clock.advance(1000);
    assert.deepEqual(await second, BYTES.slice(1, 2));
  });

  test("a failure reaches every piece", async () => {
    const { memory } = make();
    const files = withCoalescing(memory);
    const calls = [0, 2].map((offset) => files.read(X, { offset, length: 1 }, { ifMatch: '"old"' }));
    await Promise.all(calls.map((call) => rejects(call, "Conflict")));
  });
});

describe("pinning", () => {
  test("holds a file to its first version, with one look", async () => {
    const { memory, counting } = make();
    const files = withPinning(counting);
    await Promise.all([
      files.read(X, { offset: 0, length: 1 }),
      files.read(X, { offset: 1, length: 1 }),
      files.head(X),
    ]);
    assert.deepEqual([counting.counts.heads, counting.counts.reads], [1, 2]);
    await memory.write!(X, BYTES);
    await rejects(files.read(X, { offset: 0, length: 1 }), "Conflict");
    assert.equal((await files.read(Y))?.byteLength, 1000);
    assert.equal((await withPinning(counting).read(X))?.byteLength, 1000);
  });

  test("is told what a file is by its first read, and holds it to that", async () => {
    const { memory, counting } = telling();
    const files = withPinning(counting);
    await Promise.all([
      files.read(X, { offset: 0, length: 1 }),
      files.read(X, { offset: 1, length: 1 }),
      files.head(X),
    ]);
    assert.deepEqual([counting.counts.heads, counting.counts.reads], [0, 2]);
    await memory.write!(X, BYTES);
    await rejects(files.read(X, { offset: 0, length: 1 }), "Conflict");
    files.release();
    assert.equal((await files.read(X))?.byteLength, 1000);
  });

  test("holds a file to what it is known to be", async () => {
    const { memory, counting } = make();
    const info = await memory.head(X);
    const known: [URL, FileInfo][] = info === undefined ? [] : [[X, info]];
    assert.equal((await withPinning(counting, known).read(X))?.byteLength, 1000);
    assert.equal(counting.counts.heads, 0);
    await memory.write!(X, BYTES);
    await rejects(withPinning(counting, known).read(X), "Conflict");
  });

  test("lets a page cache work without asking each time", async () => {
    const { counting } = make();
    const files = withPinning(withPageCache(counting, { pageBytes: 100 }));
    for (let offset = 0; offset < 300; offset += 7) await files.read(X, { offset, length: 5 });
    assert.deepEqual([counting.counts.heads, counting.counts.reads, counting.counts.bytes], [1, 3, 300]);
  });
});

test("wrappers keep what their files can do, and add nothing", async () => {
  const { read, head } = createMemoryFiles();
  const wrappers = [withPageCache, withCoalescing, withPinning, withCounting, (f: Files) => withLatency(f, { ms: 0 })];
  for (const wrap of wrappers) {
    const poor = wrap({ read, head });
    assert.deepEqual([poor.list, poor.write, poor.delete, poor.close], [undefined, undefined, undefined, undefined]);
    const rich = wrap(createMemoryFiles());
    assert.ok(rich.list && rich.write && rich.delete);
  }
});
