import assert from "node:assert/strict";
import { after, suite, test } from "node:test";
import type { Decoder } from "../../src/codecs/pool.ts";
import { createDecoder } from "../../src/codecs/pool.ts";
import { createCodecRegistry } from "../../src/codecs/registry.ts";
import { Loan } from "../../src/codecs/shared-memory.ts";
import type { CodecSpec } from "../../src/core/array.ts";
import type { TypedArray } from "../../src/core/dtype.ts";
import { NUMERIC_TYPES } from "../../src/core/dtype.ts";
import { isGyreError } from "../../src/errors.ts";
import { smoothValues } from "../contract/codec.ts";
import { codecs as plugged } from "../fixtures/codecs/plugin.ts";

const registry = createCodecRegistry(plugged);
const plugins = [new URL("../fixtures/codecs/plugin.ts", import.meta.url).href];
const little: CodecSpec = { name: "bytes", configuration: { endian: "little" } };
const zlib = [little, { name: "zlib" }];
const meta = { dtype: "float32", shape: [30, 10] } as const;
const values = smoothValues("float32", 300);

function decoder(options: Partial<Parameters<typeof createDecoder>[0]> = {}): Decoder {
  const made = createDecoder({ registry, plugins, workers: 2, threshold: 0, ...options });
  after(() => made.close());
  return made;
}

suite("decoder", () => {
  test("gives the same values and bytes in a thread as in this one, for every type", async () => {
    const threads = decoder();
    const local = decoder({ workers: 0 });
    for (const dtype of NUMERIC_TYPES) {
      const typed = { dtype, shape: [40] };
      const source = smoothValues(dtype, 40);
      const stored = await local.encode(zlib, typed, source);
      assert.deepEqual(await threads.encode(zlib, typed, source), stored, dtype);
      const decoded = await threads.decode(zlib, typed, stored);
      assert.deepEqual(decoded, await local.decode(zlib, typed, stored), dtype);
      assert.equal(decoded.constructor, source.constructor);
    }
  });

  test("carries texts and ragged arrays", async () => {
    const threads = decoder();
    const texts = ["", "a", "日本"];
    const codecs = [{ name: "vlen-utf8" }, { name: "zstd" }];
    const text = { dtype: "string", shape: [3] } as const;
    assert.deepEqual(await threads.decode(codecs, text, await threads.encode(codecs, text, texts)), texts);
  });

  test("carries pixels that a native library keeps in memory of its own", async () => {
    const threads = decoder();
    const image = { dtype: "uint8", shape: [32, 32, 3] } as const;
    const pixels = smoothValues("uint8", 32 * 32 * 3);
    for (const name of ["imagecodecs_jpeg", "imagecodecs_webp"]) {
      const stored = await threads.encode([{ name }], image, pixels);
      const local = await decoder({ workers: 0 }).decode([{ name }], image, stored);
      assert.deepEqual(await threads.decode([{ name }], image, stored), Uint8Array.from(local as Uint8Array), name);
    }
  });

  test("recodes into what decoding and encoding would give, in a thread as in this one", async () => {
    const local = decoder({ workers: 0 });
    const zstd = [little, { name: "zstd", configuration: { level: 1 } }];
    const stored = await local.encode(zlib, meta, values);
    const expected = await local.encode(zstd, meta, values);
    for (const recoder of [local, decoder()]) {
      assert.deepEqual(await recoder.recode(zlib, zstd, meta, stored), expected);
      await assert.rejects(recoder.recode(zlib, zstd, meta, stored.subarray(9)), (error) =>
        isGyreError(error, "BadSource"),
      );
      await assert.rejects(recoder.recode(zlib, [little, { name: "no" }], meta, stored), (error) =>
        isGyreError(error, "Unsupported"),
      );
    }
  });

  test("recodes into memory that it is given, from memory of a thread as from any other", async () => {
    const threads = decoder();
    const zstd = [little, { name: "zstd", configuration: { level: 1 } }];
    const stored = await threads.encode(zlib, meta, values);
    const expected = await threads.recode(zlib, zstd, meta, stored);
    const shared = new Loan(threads.memory).hold(stored);
    const room = new Uint8Array(4096);
    for (const bytes of [stored, shared]) {
      const answer = await threads.recode(zlib, zstd, meta, bytes, { into: () => room.fill(0) });
      assert.equal(answer.buffer, room.buffer);
      assert.deepEqual(answer, expected);
    }
    const local = decoder({ workers: 0 });
    const plain = new Loan(local.memory).hold(await local.encode([little], meta, values));
    const copied = await local.recode([little], [little], meta, plain);
    assert.notEqual(copied.buffer, plain.buffer);
  });

  test("decodes many chunks into the places given, and refuses one of another size", async () => {
    const all = [values, smoothValues("float32", 100)];
    for (const made of [decoder(), decoder({ workers: 0 })]) {
      const out = made.memory.take(1600);
      const [whole, cut] = [out.subarray(0, 1200), out.subarray(1200)];
      const [first, second] = [
        await made.encode(zlib, meta, all[0]!),
        await made.encode(zlib, meta, all[1]!, [10, 10]),
      ];
      await made.decodeAll(zlib, meta, [
        { bytes: first, into: whole },
        { bytes: second, shape: [10, 10], into: cut },
      ]);
      assert.deepEqual(
        new Float32Array(Uint8Array.from(out).buffer),
        Float32Array.of(...all.flatMap((v) => [...(v as Float32Array)])),
      );
      await assert.rejects(made.decodeAll(zlib, meta, [{ bytes: first, into: cut }]), (error) =>
        isGyreError(error, "BadSource"),
      );
    }
  });

  test("leaves the caller's bytes and values alone", async () => {
    const threads = decoder();
    const page = Buffer.alloc(4096);
    const stored = await threads.encode(zlib, meta, values);
    assert.equal(values.length, 300);
    page.set(stored, 100);
    const view = page.subarray(100, 100 + stored.length);
    assert.deepEqual(await threads.decode(zlib, meta, view), values);
    assert.equal(page.length, 4096);
    assert.deepEqual(Uint8Array.from(view), stored);
  });

  test("decodes cut chunks in a thread", async () => {
    const threads = decoder();
    const cut = values.subarray(0, 200) as TypedArray;
    const stored = await threads.encode(zlib, meta, cut, [20, 10]);
    assert.deepEqual(await threads.decode(zlib, meta, stored, [20, 10]), cut);
  });

  test("runs codecs of plugins, and those the threads do not know in this one", async () => {
    const codecs = [little, { name: "xor" }];
    for (const made of [decoder(), decoder({ plugins: [] })]) {
      assert.deepEqual(await made.decode(codecs, meta, await made.encode(codecs, meta, values)), values);
    }
  });

  test("passes errors on with tag and subject", async () => {
    const threads = decoder();
    await assert.rejects(threads.decode(zlib, meta, Uint8Array.of(1, 2, 3)), (error) => {
      return isGyreError(error, "BadSource") && error.details.subject === "zlib";
    });
    await assert.rejects(threads.decode([little, { name: "nonesuch" }], meta, new Uint8Array(1)), (error) => {
      return isGyreError(error, "Unsupported") && error.details.subject === "nonesuch";
    });
  });

  test("replaces a thread that died, and fails only its job", async () => {
    const threads = decoder({ workers: 1 });
    const stored = await threads.encode(zlib, meta, values);
    const died = threads.decode([little, { name: "abort" }], meta, new Uint8Array(1200));
    const queued = threads.decode(zlib, meta, stored);
    await assert.rejects(died, (error) => isGyreError(error, "BadSource"));
    assert.deepEqual(await queued, values);
  });

  test("gives up when aborted, before, in the queue and while it runs", async () => {
    const threads = decoder({ workers: 1 });
    const stored = await threads.encode(zlib, meta, values);
    await assert.rejects(
      threads.decode(zlib, meta, stored, undefined, { signal: AbortSignal.abort("early") }),
      /early/,
    );
    const controller = new AbortController();
    const call = { signal: controller.signal };
    const never = [little, { name: "never" }];
    const jobs = [1, 2].map(() => threads.decode(never, meta, stored, undefined, call));
    const refused = Promise.all(jobs.map((job) => assert.rejects(job, (reason) => reason === "stop")));
    setImmediate(() => controller.abort("stop"));
    await refused;
  });

  test("fails what is under way when it is closed", async () => {
    const threads = createDecoder({ registry, workers: 1, threshold: 0 });
    const stored = await createDecoder({ registry, workers: 0 }).encode(zlib, meta, values);
    const jobs = Promise.allSettled([threads.decode(zlib, meta, stored), threads.decode(zlib, meta, stored)]);
    await threads.close();
    for (const job of await jobs) assert.ok(job.status === "fulfilled" || isGyreError(job.reason, "Busy"));
    await threads.close();
  });

  test("counts the effort of codecs, so that little of a slow one goes to a thread too", async () => {
    const plugins = ["file:///nowhere.ts"];
    const inflating = decoder({ threshold: 2000, plugins });
    const stored = await decoder({ workers: 0 }).encode(zlib, meta, values);
    assert.deepEqual(await inflating.decode(zlib, meta, stored), values);
    // Deflating the same goes to a thread, which cannot start with this plugin.
    await assert.rejects(inflating.encode(zlib, meta, values));
  });

  test("stays in this thread below the threshold", async () => {
    // Modules of plugins are loaded only when a thread starts: a wrong address does no harm before that.
    const local = decoder({ threshold: 1 << 20, plugins: ["file:///nowhere.ts"] });
    assert.deepEqual(await local.decode(zlib, meta, await local.encode(zlib, meta, values)), values);
  });
});
