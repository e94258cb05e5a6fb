import assert from "node:assert/strict";
import { after, suite, test } from "node:test";
import { createDecoder } from "../../src/codecs/pool.ts";
import { createCodecRegistry } from "../../src/codecs/registry.ts";
import {
  type ArraySpec,
  type ChunkRef,
  type CodecSpec,
  chunkGrid,
  product,
  type Variable,
} from "../../src/core/array.ts";
import { type Selection, slice } from "../../src/core/selection.ts";
import { isGyreError } from "../../src/errors.ts";
import type { Files } from "../../src/files/files.ts";
import { createMemoryFiles } from "../../src/files/memory.ts";
import { decodedChunk } from "../../src/read/chunk.ts";
import { gather } from "../../src/read/gather.ts";
import { selectFrom } from "../../src/read/select.ts";

const FILE = new URL("memory:///packed.bin");
const BYTES: CodecSpec = { name: "bytes", configuration: { endian: "little" } };
const PACKED: readonly CodecSpec[] = [
  BYTES,
  { name: "shuffle", configuration: { elementsize: 4 } },
  { name: "zlib", configuration: { level: 1 } },
];
const registry = createCodecRegistry();
const local = createDecoder({ registry, workers: 0 });
const threads = createDecoder({ registry, workers: 2, threshold: 0 });
after(() => threads.close());

interface Stored {
  readonly variable: Variable;
  readonly files: Files;
  readonly refs: Map<string, ChunkRef>;
  readonly bytes: Uint8Array;
}

/** Counts from 0 in chunks that lie backwards in one file, some with gaps between them, and one of each unusual kind. */
async function stored(chunks: readonly number[], shape: readonly number[] = [7, 5, 11]): Promise<Stored> {
  const dims = shape.map((_, i) => `d${i}`);
  const spec: ArraySpec = { dtype: "int32", dims, shape, chunks, codecs: PACKED, fill: -1, attrs: new Map() };
  const refs = new Map<string, ChunkRef>();
  const pages: Uint8Array[] = [];
  const cells = [...cellsOfGrid(chunkGrid(spec))];
  let offset = 0;
  for (const [i, cell] of [...cells.entries()].reverse()) {
    if (i === 2) continue;
    const values = Int32Array.from({ length: product(chunks) }, (_, n) => i * 1000 + n);
    const codecs = i === 3 ? [BYTES] : PACKED;
    const bytes = await local.encode(codecs, { dtype: "int32", shape: chunks }, values);
    const own = i === 3 ? { codecs } : {};
    if (i === 4) refs.set(cell.join(), { inline: bytes });
    else refs.set(cell.join(), { url: FILE, offset, length: bytes.length, ...own });
    const page = new Uint8Array(bytes.length + (i % 5 === 0 ? 40_000 : 1));
    page.set(bytes);
    pages.push(page);
    offset += page.length;
  }
  const bytes = new Uint8Array(Buffer.concat(pages));
  const variable: Variable = { name: "v", spec, locate: async (chunk) => refs.get(chunk.join()) };
  return { variable, files: createMemoryFiles([[FILE.href, bytes]]), refs, bytes };
}

function* cellsOfGrid(grid: readonly number[]): Generator<number[]> {
  for (let n = 0; n < product(grid); n++) {
    const cell: number[] = [];
    for (let i = grid.length - 1, rest = n; i >= 0; i--) {
      cell.unshift(rest % grid[i]!);
      rest = Math.floor(rest / grid[i]!);
    }
    yield cell;
  }
}

const SELECTIONS: readonly Selection[] = [
  [slice(0, 7), slice(0, 5), slice(0, 11)],
  [slice(1, 6, 2), slice(4, -1, -1), slice(2, 11, 3)],
  [3, slice(1, 4), [10, 0, 0, 5]],
  [slice(2, 2), slice(0, 5), slice(0, 11)],
];

suite("gathered selections", () => {
  test("equal those of single chunks, wherever the values go and whoever decodes", async () => {
    for (const chunks of [
      [2, 3, 4],
      [1, 5, 11],
      [3, 5, 11],
      [7, 5, 11],
    ]) {
      const { variable, files } = await stored(chunks);
      for (const selection of SELECTIONS) {
        const alone = (chunk: readonly number[]) => decodedChunk({ files, decoder: local }, variable, chunk);
        const expected = await selectFrom(variable, selection, alone);
        for (const decoder of [local, threads]) {
          for (const shared of [false, true]) {
            const block = await gather({ files, decoder }, variable, selection, { shared });
            assert.deepEqual(
              [block.shape, [...(block.data as Int32Array)]],
              [expected.shape, [...(expected.data as Int32Array)]],
            );
          }
        }
      }
    }
  });

  test("chunks that lie near each other are one read", async () => {
    const { variable, files, refs } = await stored([1, 5, 11], [40, 5, 11]);
    let reads = 0;
    const counting: Files = {
      ...files,
      read: (url, range, options) => {
        reads++;
        return files.read(url, range, options);
      },
    };
    await gather({ files: counting, decoder: threads }, variable, [slice(0, 40), slice(0, 5), slice(0, 11)]);
    const inFile = [...refs.values()].filter((ref) => "url" in ref).length;
    assert.ok(reads > 1 && reads < inFile / 3, `${reads} reads of ${inFile} chunks`);
  });

  test("the broken one of many is named by its place, and a file cut off by what is missing", async () => {
    const { variable, refs, bytes } = await stored([1, 5, 11]);
    const broken = refs.get("5,0,0")!;
    assert.ok("url" in broken);
    const damaged = new Uint8Array(bytes);
    damaged.fill(0xff, broken.offset, broken.offset + 8);
    const read = (content: Uint8Array) => {
      const files = createMemoryFiles([[FILE.href, content]]);
      return gather({ files, decoder: threads }, variable, SELECTIONS[0]!, { shared: true });
    };
    await assert.rejects(read(damaged), (error) => {
      return isGyreError(error, "BadSource") && error.details.offset === broken.offset;
    });
    const last = refs.get("0,0,0")!;
    assert.ok("url" in last);
    await assert.rejects(
      read(bytes.subarray(0, last.offset + 5)),
      /a chunk of \d+ bytes ends after 5: the file is cut off/,
    );
  });

  test("what a thread may still be writing to is not used again after an abort", async () => {
    const { variable, files } = await stored([1, 5, 11], [300, 5, 11]);
    const all: Selection = [slice(0, 300), slice(0, 5), slice(0, 11)];
    const expected = await gather({ files, decoder: threads }, variable, all);
    for (let i = 0; i < 5; i++) {
      const controller = new AbortController();
      const given = gather({ files, decoder: threads }, variable, all, {}, { signal: controller.signal });
      setImmediate(() => controller.abort("enough"));
      await given.catch((reason) => assert.equal(reason, "enough"));
      assert.deepEqual((await gather({ files, decoder: threads }, variable, all)).data, expected.data);
    }
    await assert.rejects(
      gather({ files, decoder: threads }, variable, all, {}, { signal: AbortSignal.abort("early") }),
      /early/,
    );
  });
});
