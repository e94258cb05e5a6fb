import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { deflateRawSync, deflateSync, gzipSync, zstdCompressSync } from "node:zlib";
import { type CodecSpec, chunkGrid, type Dataset, product } from "../../src/core/array.ts";
import type { DType } from "../../src/core/dtype.ts";
import { FORMATS } from "../../src/engine.ts";
import { isGyreError } from "../../src/errors.ts";
import { createMemoryFiles } from "../../src/files/memory.ts";
import { openZip } from "../../src/files/zip.ts";
import { expandSource } from "../../src/formats/catalogs/expand.ts";
import { createFormatRegistry } from "../../src/formats/registry.ts";
import { single } from "./bases.ts";
import { failureOf } from "./cases.ts";
import { codecs, decoder, filesOf, mainOf, readSome } from "./exercise.ts";
import type { Input } from "./target.ts";
import { targetOf } from "./targets.ts";

/** What never ends is a failure; a machine with much else to do is none. */
const SOON = { timeout: 600_000 };
const served = targetOf("served");

function text(content: unknown): Uint8Array {
  return new Uint8Array(Buffer.from(typeof content === "string" ? content : JSON.stringify(content)));
}

function open(input: Input): Promise<Dataset> {
  return createFormatRegistry(FORMATS, filesOf(input), codecs).open(mainOf(input));
}

/** Opens, or is refused, and answers every protocol without an internal error. */
async function survives(input: Input): Promise<void> {
  assert.equal(await failureOf(served, input), undefined);
}

/** Bytes of typed arrays that stay behind: what was allocated, since nothing is collected within a test so short. */
async function allocatedBy(work: () => Promise<unknown>): Promise<number> {
  const before = process.memoryUsage().arrayBuffers;
  await work();
  return process.memoryUsage().arrayBuffers - before;
}

const ZARRAY = {
  zarr_format: 2,
  shape: [4],
  chunks: [2],
  dtype: "<i4",
  compressor: null,
  fill_value: 0,
  order: "C",
  filters: null,
};

function zarrOf(arrays: Readonly<Record<string, object>>, attrs: unknown = {}): Input {
  const metadata: Record<string, unknown> = { ".zgroup": { zarr_format: 2 }, ".zattrs": attrs };
  for (const [name, zarray] of Object.entries(arrays)) metadata[`${name}/.zarray`] = { ...ZARRAY, ...zarray };
  return new Map([[".zmetadata", text({ metadata, zarr_consolidated_format: 1 })]]);
}

const SMALL = single([
  "netcdf3/*.nc",
  "hdf5/{source0,raw,external,masks}.h5",
  "geotiff/{crs-utm,overviews,bigtiff-little,sparse,jpeg-grey}.tif",
  "zarr/v2-consolidated.zarr.zip",
]).filter(({ input }) => [...input.values()][0]!.byteLength < 5000);

test("files cut off anywhere are read as far as they go, or refused", SOON, async () => {
  assert.ok(SMALL.length > 8);
  for (const { name, input } of SMALL) {
    const [[file, bytes] = ["", new Uint8Array(0)]] = input;
    // At every byte of a small file, at every second, third, ... of larger ones.
    for (let length = 0; length < bytes.byteLength; length += 1 + (bytes.byteLength >> 9)) {
      const files = createMemoryFiles([[`memory://fuzz/${file}`, bytes.slice(0, length)]]);
      try {
        const dataset = await createFormatRegistry(FORMATS, files, codecs).open(new URL(`memory://fuzz/${file}`));
        await readSome(dataset, files);
      } catch (error) {
        assert.ok(isGyreError(error), `${name} of ${length} bytes: ${(error as Error).stack}`);
      }
    }
  }
});

test("arrays of 2^60 elements open, answer, and cost nothing", SOON, async () => {
  const side = 2 ** 20;
  const shapes: Record<string, object> = {
    many: { shape: [side, side, side], chunks: [1, 1, 1] },
    whole: { shape: [side, side, side], chunks: [side, side, side] },
    beyond: { shape: [2 ** 53 - 1, 2 ** 53 - 1], chunks: [2 ** 53 - 1, 1] },
  };
  const input = zarrOf(shapes);
  const bytes = await allocatedBy(async () => {
    await survives(input);
    const { variables } = await open(input);
    assert.equal(product(chunkGrid(variables.get("many")!.spec)), 2 ** 60);
    assert.equal(await variables.get("many")!.locate([side - 1, side - 1, side - 1]), undefined);
    const whole = variables.get("whole")!;
    const reply = decoder.decode(whole.spec.codecs, { dtype: "int32", shape: whole.spec.chunks }, new Uint8Array(4));
    await assert.rejects(reply, (error) => isGyreError(error, "TooLarge"));
  });
  assert.ok(bytes < 32 * 1024 * 1024, `${bytes} bytes`);
});

test("a set of references over 2^60 chunks is not begun", SOON, async () => {
  const input = zarrOf({ small: {}, huge: { shape: [2 ** 20, 2 ** 20, 2 ** 20], chunks: [1, 1, 1] } });
  const { kerchunkJson } = await import("../../src/write/kerchunk.ts");
  const omitted: string[] = [];
  const options = { href: () => undefined, onOmitted: (name: string) => omitted.push(name) };
  const parts = await Array.fromAsync(kerchunkJson(await open(input), options));
  assert.deepEqual(omitted, ["huge"]);
  assert.match(Buffer.concat(parts).toString(), /small\/\.zarray/);
});

test("impossible shapes, chunks, types and names are left out, and the rest is served", SOON, async () => {
  const wrong = {
    zero: { chunks: [0] },
    negative: { shape: [-1] },
    fraction: { shape: [1.5] },
    ranks: { chunks: [2, 2] },
    wide: { shape: new Array(100).fill(1), chunks: new Array(100).fill(1) },
    nan: { shape: ["NaN"] },
    type: { dtype: "<i99" },
    element: { dtype: "|V999999999" },
    codec: { compressor: { id: "../../codec" } },
    proto: { compressor: { id: "__proto__" } },
    fill: { fill_value: { deep: [] } },
    "../above": {},
    "a//b": {},
    "nul\0": {},
  };
  const input = zarrOf({ good: {}, "line\nbreak": {}, __proto__: {}, "<script>alert(1)</script>": {}, ...wrong });
  await survives(input);
  const { variables, problems } = await open(input);
  assert.ok(variables.has("good") && variables.has("line\nbreak"));
  for (const name of Object.keys(wrong)) {
    // An unknown codec is told when chunks are asked for: their places and bytes can be had without it.
    if (!["codec", "proto"].includes(name)) assert.ok(!variables.has(name), name);
  }
  assert.ok(problems!.length >= 8);
});

test("attributes called __proto__ are attributes", SOON, async () => {
  const input = zarrOf({ __proto__: {} }, JSON.parse('{"__proto__":{"polluted":1},"constructor":2,"toString":3}'));
  await survives(input);
  const { attrs } = await open(input);
  assert.deepEqual([...attrs.keys()].sort(), ["__proto__", "constructor", "toString"]);
  assert.equal((Object.prototype as { polluted?: unknown }).polluted, undefined);
});

test("documents nested without end are refused", SOON, async () => {
  for (const depth of [300, 5000, 200_000]) {
    const deep = "[".repeat(depth) + "]".repeat(depth);
    const zmetadata = `{"metadata":{".zgroup":{"zarr_format":2},".zattrs":{"x":${deep}}}}`;
    const v3 = `{"zarr_format":3,"node_type":"group","attributes":{"x":${deep}}}`;
    const refs = `{"version":1,"refs":{".zgroup":"{}",".zattrs":${JSON.stringify(`{"x":${deep}}`)}}}`;
    for (const [name, content] of [
      [".zmetadata", zmetadata],
      ["zarr.json", v3],
      ["refs.json", refs],
    ] as const) {
      const input = new Map([[name, text(content)]]);
      await survives(input);
      await assert.rejects(open(input), (error) => isGyreError(error, "BadSource"), `${name} ${depth}`);
    }
    const yaml = createMemoryFiles([["memory:///c.yaml", text(`sources:\n  x: ${deep}`)]]);
    const entries = Array.fromAsync(expandSource(new URL("memory:///c.yaml"), yaml));
    await entries.catch((error) => assert.ok(isGyreError(error), String(error)));
  }
});

test("a million attributes are read", SOON, async () => {
  const count = 1_000_000;
  const bytes = Buffer.alloc(40 + count * 24);
  let at = bytes.write("CDF\x01", 0, "latin1");
  const put = (n: number): void => void (at = bytes.writeUInt32BE(n, at));
  for (const n of [0, 0, 0, 0x0c, count]) put(n);
  for (let i = 0; i < count; i++) {
    put(7);
    at += bytes.write(`${i}`.padStart(7, "a"), at, "latin1") + 1;
    for (const n of [4, 1, i]) put(n);
  }
  for (const n of [0, 0]) put(n);
  const { attrs } = await open(new Map([["many.nc", new Uint8Array(bytes.subarray(0, at))]]));
  assert.equal(attrs.size, count);
  assert.deepEqual(attrs.get("a999999"), { dtype: "int32", value: 999_999 });
});

test("HDF5: groups, links and sources that lead back to themselves end", SOON, async () => {
  const input: Input = new Map([
    ["hostile.h5", new Uint8Array(readFileSync(new URL("fixtures/hostile.h5", import.meta.url)))],
  ]);
  await survives(input);
  const { variables, groups, attrs, problems = [] } = await open(input);
  assert.ok(variables.has("a/b/x") && variables.has("__proto__") && variables.has("line\nbreak"));
  assert.ok(groups.has("a/b") && !groups.has("a/self") && !groups.has("a/up"));
  assert.equal(attrs.get("..")?.value, "..");
  assert.ok([...groups.keys()].every((path) => path.split("/").length <= 128));
  assert.ok(
    problems.some((problem) => /nested too deeply/.test(problem)),
    problems.join("\n"),
  );
  await variables
    .get("mirror")
    ?.locate([0])
    .catch((error) => assert.ok(isGyreError(error), String(error)));
});

const ZEROS = Buffer.alloc(128 * 1024 * 1024);

function lz4Header(size: number): Uint8Array {
  const bytes = Buffer.alloc(64, 0xff);
  bytes.writeUInt32LE(size, 0);
  return bytes;
}

function bloscHeader(size: number): Uint8Array {
  const bytes = Buffer.alloc(64);
  bytes.set([2, 1, 0x33, 4]);
  for (const [i, n] of [size, size, 64].entries()) bytes.writeUInt32LE(n, 4 + 4 * i);
  return bytes;
}

test("what decompresses to more than its chunk is stopped before it does", SOON, async () => {
  const bombs: Record<string, Uint8Array> = {
    zlib: deflateSync(ZEROS),
    gzip: gzipSync(ZEROS),
    zstd: zstdCompressSync(ZEROS),
    lz4: lz4Header(2 ** 31),
    blosc: bloscHeader(2 ** 31 - 1),
    imagecodecs_lzw: Buffer.alloc(1 << 20, 0x5a),
    packbits: Buffer.alloc(1 << 20, 0x81),
    "vlen-utf8": Buffer.from(Uint32Array.of(2 ** 31, 2 ** 31).buffer),
  };
  for (const [name, bytes] of Object.entries(bombs)) {
    const isLayout = codecs.get(name)?.kind === "array-bytes";
    const chain: CodecSpec[] = isLayout
      ? [{ name }]
      : [{ name: "bytes", configuration: { endian: "little" } }, { name }];
    const dtype: DType = isLayout ? "string" : "int32";
    const grown = await allocatedBy(() =>
      assert.rejects(
        decoder.decode(chain, { dtype, shape: [4] }, bytes),
        (error) => isGyreError(error, "BadSource"),
        name,
      ),
    );
    assert.ok(grown < 16 * 1024 * 1024, `${name} took ${grown} bytes`);
  }
});

test("a bomb within bombs stops at the first", SOON, async () => {
  const chain: CodecSpec[] = [{ name: "bytes", configuration: { endian: "little" } }];
  let bytes: Uint8Array = ZEROS;
  for (let i = 0; i < 4; i++) {
    bytes = deflateSync(bytes);
    chain.push({ name: "zlib" });
  }
  const grown = await allocatedBy(() =>
    assert.rejects(decoder.decode(chain, { dtype: "int32", shape: [4] }, bytes), (error) =>
      isGyreError(error, "BadSource"),
    ),
  );
  assert.ok(grown < 16 * 1024 * 1024, `${grown} bytes`);
});

interface ZipMember {
  readonly name: string;
  readonly packed: Uint8Array;
  readonly size: number;
  readonly method?: number;
  /** Where its local header is said to be. */
  readonly offset?: number;
}

/** A ZIP archive that says what it is told to. */
function zipOf(members: readonly ZipMember[]): Uint8Array {
  const local: Buffer[] = [];
  const central: Buffer[] = [];
  let at = 0;
  for (const { name, packed, size, method = 8, offset } of members) {
    const fields = Buffer.alloc(26);
    fields.writeUInt16LE(method, 4);
    fields.writeUInt32LE(packed.byteLength, 14);
    fields.writeUInt32LE(size, 18);
    fields.writeUInt16LE(Buffer.byteLength(name), 22);
    const head = Buffer.concat([Buffer.from("PK\x03\x04", "latin1"), fields, Buffer.from(name)]);
    const entry = Buffer.alloc(46);
    entry.write("PK\x01\x02", "latin1");
    fields.copy(entry, 6);
    entry.writeUInt32LE(offset ?? at, 42);
    central.push(entry, Buffer.from(name));
    local.push(head, Buffer.from(packed));
    at += head.byteLength + packed.byteLength;
  }
  const directory = Buffer.concat(central);
  const end = Buffer.alloc(22);
  end.write("PK\x05\x06", "latin1");
  end.writeUInt16LE(members.length, 8);
  end.writeUInt16LE(members.length, 10);
  end.writeUInt32LE(directory.byteLength, 12);
  end.writeUInt32LE(at, 16);
  return new Uint8Array(Buffer.concat([...local, directory, end]));
}

test("ZIP: bombs, wrong sizes, offsets and names", SOON, async () => {
  const bomb = deflateRawSync(ZEROS);
  const url = new URL("memory://fuzz/a.zip");
  const archive = await openZip(
    createMemoryFiles([
      [
        url.href,
        zipOf([
          { name: "bomb", packed: bomb, size: 100 },
          { name: "huge", packed: bomb, size: 2 ** 31 },
          { name: "behind", packed: text("x"), size: 1, method: 0, offset: 2 ** 31 },
          { name: "longer", packed: text("x"), size: 1000, method: 0 },
          { name: "method", packed: text("x"), size: 1, method: 99 },
          { name: "../above", packed: text("x"), size: 1, method: 0 },
          { name: "a\\b", packed: text("x"), size: 1, method: 0 },
          { name: "nul\0", packed: text("x"), size: 1, method: 0 },
        ]),
      ],
    ]),
    url,
  );
  const listed = await Array.fromAsync(archive.list(archive.root, { recursive: true }));
  assert.deepEqual(listed.map((entry) => entry.url.pathname).sort(), [
    "/behind",
    "/bomb",
    "/huge",
    "/longer",
    "/method",
  ]);
  const grown = await allocatedBy(async () => {
    for (const entry of listed) {
      await assert.rejects(archive.read(entry.url), (error) => isGyreError(error, "BadSource", "Unsupported"));
    }
  });
  assert.ok(grown < 16 * 1024 * 1024, `${grown} bytes`);
});

test("kerchunk: references to itself, loops of templates, endless generators", SOON, async () => {
  const zarray = JSON.stringify({ ...ZARRAY, shape: [2], chunks: [2], dtype: "|u1" });
  const refs = { ".zgroup": '{"zarr_format":2}', "a/.zarray": zarray, "a/0": ["refs.json", 0, 2] };
  const itself: Input = new Map([["refs.json", text({ version: 1, refs })]]);
  await survives(itself);
  const ref = await (await open(itself)).variables.get("a")!.locate([0]);
  assert.deepEqual(ref && "url" in ref && [ref.url.href, ref.offset, ref.length], ["memory://fuzz/refs.json", 0, 2]);
  const hostile: object[] = [
    { templates: { u: "{{v(x=1)}}", v: "{{u(x=1)}}" }, refs: { ...refs, "a/0": ["{{u(x=1)}}"] } },
    { templates: { u: "{{u}}{{u}}" }, refs: { ...refs, "a/0": ["{{u}}"] } },
    { templates: { u: `{{ ${"(".repeat(10_000)} }}` }, refs: { ...refs, "a/0": ["{{u()}}"] } },
    { gen: [{ key: "a/{{i}}", url: "x", dimensions: { i: { stop: 2 ** 40 } } }], refs },
    { gen: [{ key: "a/{{i}}", url: "x", dimensions: { i: { stop: -1, step: -1e-9 } } }], refs },
    { refs: { ...refs, "a/0": ["file:///etc/passwd", -1, 2] } },
    { refs: { ...refs, "a/0": ["refs.json", 2 ** 53, 2 ** 53] } },
    { refs: { ...refs, "a/0": [{ toString: 1 }] } },
  ];
  for (const document of hostile) await survives(new Map([["refs.json", text({ version: 1, ...document })]]));
});

test("TIFF: directories that lead back to themselves end", SOON, async () => {
  for (const { name, input } of single(["geotiff/{crs-utm,overviews,subifds,pages}.tif"])) {
    const [[file, bytes] = ["", new Uint8Array(0)]] = input;
    const first = new DataView(bytes.buffer, bytes.byteOffset).getUint32(4, true);
    for (let at = 8; at + 4 <= bytes.byteLength; at += 2) {
      const changed = bytes.slice();
      new DataView(changed.buffer).setUint32(at, first, true);
      await assert.doesNotReject(
        open(new Map([[file, changed]])).catch((error) => {
          if (!isGyreError(error)) throw error;
        }),
        `${name}: the first directory's address at ${at}`,
      );
    }
  }
});
