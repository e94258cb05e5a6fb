import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { deflateSync, gzipSync } from "node:zlib";
import type { CodecRegistry } from "../../src/codecs/codec.ts";
import { createPipeline } from "../../src/codecs/pipeline.ts";
import { createCodecRegistry } from "../../src/codecs/registry.ts";
import { readShardIndex, shardLayout } from "../../src/codecs/shard-index.ts";
import type { CodecSpec } from "../../src/core/array.ts";
import { isGyreError } from "../../src/errors.ts";
import { smoothValues } from "../contract/codec.ts";

const registry = createCodecRegistry();
const little: CodecSpec = { name: "bytes", configuration: { endian: "little" } };
const meta = { dtype: "int32", shape: [4, 6] } as const;
const values = smoothValues("int32", 24);

function rejected(tag: "BadSource" | "Unsupported" | "TooLarge", subject?: string) {
  return (error: unknown): boolean =>
    isGyreError(error, tag) && (subject === undefined || error.details.subject === subject);
}

suite("pipeline", () => {
  test("runs a chain of every kind backwards", async () => {
    const codecs: CodecSpec[] = [
      { name: "transpose", configuration: { order: [1, 0] } },
      { name: "delta", configuration: { dtype: ">i4", astype: ">i2" } },
      { name: "bytes", configuration: { endian: "big" } },
      { name: "shuffle", configuration: { elementsize: 2 } },
      { name: "numcodecs.zlib", configuration: { level: 1 } },
      { name: "fletcher32" },
    ];
    const pipeline = await createPipeline(codecs, meta, registry);
    assert.deepEqual(await pipeline.decode(await pipeline.encode(values)), values);
  });

  test("names a codec that is not known", async () => {
    const codecs = [little, { name: "hdf5:32026" }];
    await assert.rejects(createPipeline(codecs, meta, registry), rejected("Unsupported", "hdf5:32026"));
  });

  test("refuses a wrong order and a missing layout", async () => {
    for (const names of [["zlib", "bytes"], ["bytes", "delta"], ["bytes", "bytes"], ["delta"], []]) {
      const codecs = names.map((name) => ({ name, configuration: { dtype: "<i4" } }));
      await assert.rejects(createPipeline(codecs, meta, registry), rejected("BadSource"), names.join());
    }
  });

  test("decodes a chunk stored cut at the edge, and one that was padded all the same", async () => {
    const pipeline = await createPipeline([little, { name: "zlib" }], meta, registry);
    const cut = values.subarray(0, 18);
    assert.deepEqual(await pipeline.decode(await pipeline.encode(cut, [3, 6]), [3, 6]), cut);
    assert.deepEqual(await pipeline.decode(await pipeline.encode(values), [3, 6]), cut);
    await assert.rejects(pipeline.decode(new Uint8Array(96), [5, 6]), rejected("BadSource"));
  });

  test("stops bombs at the size of the chunk", async () => {
    const zeros = new Uint8Array(1 << 24);
    const bombs: readonly (readonly [string, Uint8Array])[] = [
      ["zlib", deflateSync(zeros)],
      ["gzip", gzipSync(zeros)],
      ["zstd", await encoded("zstd", zeros)],
      ["lz4", await encoded("lz4", zeros)],
      ["blosc", await encoded("blosc", zeros)],
      ["imagecodecs_lzw", await encoded("imagecodecs_lzw", zeros)],
      ["imagecodecs_packbits", await encoded("imagecodecs_packbits", zeros)],
    ];
    for (const [name, bytes] of bombs) {
      const pipeline = await createPipeline([little, { name }], meta, registry);
      await assert.rejects(pipeline.decode(bytes), rejected("BadSource", name), name);
    }
  });

  test("refuses chunks that no machine could hold", async () => {
    const huge = { dtype: "float64", shape: [2 ** 30, 2 ** 30] } as const;
    await assert.rejects(createPipeline([little], huge, registry), rejected("TooLarge"));
  });

  test("decodes without a copy where bytes are aligned, and from a misaligned Buffer with one", async () => {
    const pipeline = await createPipeline([little], meta, registry);
    const stored = await pipeline.encode(values);
    const decoded = await pipeline.decode(stored);
    assert.ok(ArrayBuffer.isView(decoded) && decoded.buffer === stored.buffer);
    const shifted = Buffer.alloc(97);
    shifted.set(stored, 1);
    assert.deepEqual(await pipeline.decode(shifted.subarray(1)), values);
  });

  test("an extra entry wins over a built-in one", () => {
    const entry = { ...registry.get("zlib")!, summary: "mine" };
    const own: CodecRegistry = createCodecRegistry([entry]);
    assert.equal(own.get("hdf5:1"), entry);
    assert.equal(own.entries().length, registry.entries().length);
  });

  test("swaps the members of structures", async () => {
    const struct = {
      kind: "struct",
      size: 9,
      fields: [
        { name: "a", dtype: "int16", offset: 0, shape: [2] },
        { name: "b", dtype: "uint8", offset: 4, shape: [] },
        { name: "c", dtype: "float32", offset: 5, shape: [] },
      ],
    } as const;
    const big = [{ name: "bytes", configuration: { endian: "big" } }];
    const pipeline = await createPipeline(big, { dtype: struct, shape: [2] }, registry);
    const stored = Uint8Array.from({ length: 18 }, (_, i) => i);
    const expected = [1, 0, 3, 2, 4, 8, 7, 6, 5];
    assert.deepEqual(await pipeline.decode(stored), Uint8Array.from([...expected, ...expected.map((v) => v + 9)]));
  });
});

suite("shard index", () => {
  test("tells where inner chunks lie, so that one can be read alone", async () => {
    const configuration = { chunk_shape: [2, 3], codecs: [{ name: "bytes" }, { name: "gzip" }] };
    const shards = await createPipeline([{ name: "sharding_indexed", configuration }], meta, registry);
    const shard = await shards.encode(values);
    const layout = await shardLayout(configuration, meta, registry);
    assert.equal(layout.indexBytes, 4 * 16 + 4);
    const index = await readShardIndex(layout, shard.subarray(shard.length - layout.indexBytes));
    const entry = index.at(1)!;
    const inner = await createPipeline(layout.codecs, { ...meta, shape: layout.chunkShape }, registry);
    const decoded = await inner.decode(shard.subarray(entry.offset, entry.offset + entry.length));
    assert.deepEqual(
      [...(decoded as Int32Array)],
      [3, 4, 5, 9, 10, 11].map((i) => values[i]),
    );
  });

  test("reads chunks that were never written as fill", async () => {
    const configuration = { chunk_shape: [2, 6], codecs: [{ name: "bytes" }], index_codecs: [{ name: "bytes" }] };
    const specs = [{ name: "sharding_indexed", configuration }];
    const shards = await createPipeline(specs, { ...meta, fill: -7 }, registry);
    const shard = (await shards.encode(values)).slice();
    shard.fill(255, shard.length - 16);
    const decoded = await shards.decode(shard);
    assert.deepEqual([...(decoded as Int32Array)], [...values.subarray(0, 12), ...new Array<number>(12).fill(-7)]);
    new DataView(shard.buffer).setBigUint64(shard.length - 24, 2n ** 40n, true);
    await assert.rejects(shards.decode(shard), rejected("BadSource"));
  });

  test("refuses inner chunks that do not tile the shard", async () => {
    for (const chunk_shape of [[3, 6], [4], [0, 6]]) {
      const configuration = { chunk_shape, codecs: [{ name: "bytes" }] };
      await assert.rejects(shardLayout(configuration, meta, registry), rejected("BadSource"));
    }
  });
});

async function encoded(name: string, bytes: Uint8Array): Promise<Uint8Array> {
  const pipeline = await createPipeline([little, { name }], { dtype: "uint8", shape: [bytes.length] }, registry);
  return pipeline.encode(bytes);
}
