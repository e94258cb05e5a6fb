import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import type { Dataset } from "../../../src/core/array.ts";
import { GyreError, isGyreError } from "../../../src/errors.ts";
import type { Files } from "../../../src/files/files.ts";
import { createLocalFiles } from "../../../src/files/local.ts";
import { createMemoryFiles } from "../../../src/files/memory.ts";
import { openZip } from "../../../src/files/zip.ts";
import { zarr } from "../../../src/formats/zarr/zarr.ts";
import { toZarrV2 } from "../../../src/write/zarr-v2.ts";
import { toZarrV3 } from "../../../src/write/zarr-v3.ts";
import { damaged, randomFrom } from "../fuzz.ts";
import { openWith, plain, readAll } from "../values.ts";

const fixtures = new URL("../../fixtures/zarr/", import.meta.url);
const local = createLocalFiles();
const root = new URL("memory:///store.zarr/");

interface Expected {
  readonly [version: string]: { readonly [name: string]: { shape: number[]; values: unknown } };
}
const expected = JSON.parse(readFileSync(new URL("expected.json", fixtures), "utf8")) as Expected;

/** The members of fixture archives, later ones over earlier ones, as a folder in memory. */
async function unpacked(...names: string[]): Promise<Map<string, Uint8Array>> {
  const members = new Map<string, Uint8Array>();
  for (const name of names) {
    const zip = await openZip(local, new URL(name, fixtures));
    for await (const { url } of zip.list(zip.root, { recursive: true })) {
      const bytes = await zip.read(url);
      assert.ok(bytes);
      members.set(root.href + url.pathname.slice(1), bytes);
    }
  }
  return members;
}

function withoutListing(files: Files): Files {
  const { list: _, ...rest } = files;
  return rest;
}

const sources: { readonly [how: string]: (version: string) => Promise<{ files: Files; url: URL }> } = {
  "a ZIP archive": async (v) => ({ files: local, url: new URL(`${v}.zarr.zip`, fixtures) }),
  "a folder that is listed": async (v) => ({ files: createMemoryFiles(await unpacked(`${v}.zarr.zip`)), url: root }),
  "consolidated metadata alone": async (v) => {
    const members = await unpacked(`${v}.zarr.zip`, `${v}-consolidated.zarr.zip`);
    for (const key of members.keys()) {
      if (/\/(\.z(array|group|attrs)|zarr\.json)$/.test(key.slice(root.href.length - 1)) && !isRootDocument(key))
        members.delete(key);
    }
    return { files: withoutListing(createMemoryFiles(members)), url: root };
  },
};

function isRootDocument(key: string): boolean {
  return !key.slice(root.href.length).includes("/");
}

for (const version of ["v2", "v3"]) {
  for (const [how, source] of Object.entries(sources)) {
    test(`${version} from ${how} reads as zarr-python reads it`, async () => {
      const { files, url } = await source(version);
      const dataset = await openWith(zarr, url, files);
      assert.equal(dataset.problems, undefined);
      assert.deepEqual([...dataset.groups.keys()], ["deep", "deep/er"]);
      assert.deepEqual(dataset.attrs.get("title"), { dtype: "string", value: version });
      assert.deepEqual([...dataset.variables.keys()].sort(), Object.keys(expected[version]!).sort());
      for (const [name, { shape, values }] of Object.entries(expected[version]!)) {
        const variable = dataset.variables.get(name)!;
        assert.deepEqual(variable.spec.shape, shape, name);
        assert.deepEqual(plain(await readAll(variable, files)), values, name);
      }
    });
  }
}

const open = (name: string): Promise<Dataset> => openWith(zarr, new URL(name, fixtures), local);

test("v2: order F is a transposition before the filters, bytes stand before the compressors", async () => {
  const { variables } = await open("v2.zarr.zip");
  assert.deepEqual(
    variables.get("fortran")?.spec.codecs.map(({ name }) => name),
    ["transpose", "delta", "bytes", "gzip"],
  );
  assert.deepEqual(
    variables.get("packed")?.spec.codecs.map(({ name }) => name),
    ["delta", "bytes", "shuffle", "zlib"],
  );
  assert.deepEqual(
    variables
      .get("text")
      ?.spec.codecs.map(({ name }) => name)
      .slice(0, 1),
    ["vlen-utf8"],
  );
});

test("v2: the fill value of an array with named dimensions is its _FillValue", async () => {
  const { variables, dimensions } = await open("v2.zarr.zip");
  const { attrs, dims } = variables.get("fortran")!.spec;
  assert.deepEqual([...attrs.keys()].sort(), ["_FillValue", "units"]);
  assert.deepEqual(dims, ["y", "x"]);
  assert.deepEqual(dimensions.get("y"), { size: 5, unlimited: false });
  assert.equal(variables.get("packed")?.spec.attrs.has("_FillValue"), false);
  assert.deepEqual(variables.get("packed")?.spec.dims, ["packed_dim_0"]);
});

test("fill values keep 64 bits", async () => {
  const { variables } = await open("v2.zarr.zip");
  assert.equal(variables.get("fill64")?.spec.fill, 9223372036854775807n);
});

test("stored chunks of an archive are byte ranges of the archive", async () => {
  const url = new URL("v2.zarr.zip", fixtures);
  const { variables } = await openWith(zarr, url, local);
  const ref = await variables.get("slashes")?.locate([1, 2]);
  assert.ok(ref && "url" in ref);
  assert.equal(ref.url.href, url.href);
  assert.equal(ref.length, 24);
});

test("a sharded array shows its inner chunks, each a byte range of its shard", async () => {
  const { variables } = await open("v3.zarr.zip");
  for (const where of ["start", "end"]) {
    const variable = variables.get(`sharded_${where}`)!;
    assert.deepEqual(variable.spec.chunks, [2, 2]);
    assert.deepEqual(
      variable.spec.codecs.map(({ name }) => name),
      ["bytes", "gzip"],
    );
    assert.equal(await variable.locate([1, 0]), undefined, "an inner chunk never written");
    assert.equal(await variable.locate([0, 2]), undefined, "a shard never written");
    const ref = await variable.locate([2, 3]);
    assert.ok(ref && "url" in ref && ref.length > 20 && ref.length < 60);
  }
  assert.deepEqual(variables.get("nested")?.spec.chunks, [2, 2]);
  assert.deepEqual(
    variables.get("nested")?.spec.codecs.map(({ name }) => name),
    ["sharding_indexed"],
  );
  assert.deepEqual(variables.get("outer")?.spec.chunks, [4, 4], "shards that are compressed are read whole");
});

test("the index of a shard is read once, by all who ask at once", async () => {
  const reads: string[] = [];
  const url = new URL("v3.zarr.zip", fixtures);
  const counting: Files = {
    ...local,
    read: (file, range, options) => {
      reads.push(JSON.stringify(range));
      return local.read(file, range, options);
    },
  };
  const variable = (await openWith(zarr, url, counting)).variables.get("sharded_end")!;
  reads.length = 0;
  await Promise.all([variable.locate([0, 0]), variable.locate([0, 1]), variable.locate([0, 0])]);
  await variable.locate([0, 0]);
  const indexes = reads.filter((range) => range.endsWith('"length":68}'));
  assert.equal(indexes.length, 1);
});

test("an index that leads out of its shard is refused", async () => {
  const bytes = [{ name: "bytes", configuration: { endian: "little" } }];
  const sharding = { chunk_shape: [2], codecs: [{ name: "bytes" }], index_codecs: bytes };
  const document = {
    zarr_format: 3,
    node_type: "array",
    shape: [4],
    data_type: "uint8",
    chunk_grid: { name: "regular", configuration: { chunk_shape: [4] } },
    chunk_key_encoding: { name: "default" },
    codecs: [{ name: "sharding_indexed", configuration: sharding }],
    fill_value: 0,
  };
  const index = new Uint8Array(new BigUint64Array([0n, 2n, 33n, 2n]).buffer);
  const files = createMemoryFiles([
    [`${root}zarr.json`, Buffer.from(JSON.stringify(document))],
    [`${root}c/0`, Buffer.concat([Buffer.of(1, 2), index])],
  ]);
  const variable = (await openWith(zarr, root, files)).variables.get("store")!;
  assert.equal(((await variable.locate([0])) as { length: number }).length, 2);
  await assert.rejects(variable.locate([1]), /chunk 1 has 2 bytes at 33, in a shard of 34/);
});

test("v2: numbers are stored in the byte order of the last filter's type", async () => {
  const filters = [{ id: "astype", encode_dtype: ">i2", decode_dtype: "<f4" }];
  const zarray = { shape: [2], chunks: [2], dtype: "<f4", filters, compressor: null, fill_value: 0, order: "C" };
  const files = createMemoryFiles([
    [`${root}.zarray`, Buffer.from(JSON.stringify({ zarr_format: 2, ...zarray }))],
    [`${root}0`, Buffer.of(0, 1, 1, 0)],
  ]);
  const variable = (await openWith(zarr, root, files)).variables.get("store")!;
  assert.deepEqual(plain(await readAll(variable, files)), [1, 256]);
});

test("metadata written again says what zarr-python wrote", async () => {
  for (const version of ["v2", "v3"] as const) {
    const members = await unpacked(`${version}.zarr.zip`);
    const { variables } = await openWith(zarr, root, createMemoryFiles(members));
    const leaf = version === "v2" ? ".zarray" : "zarr.json";
    for (const [name, { spec }] of variables) {
      if (/^(sharded|nested|outer|keys|slashes)/.test(name)) continue;
      const text = Buffer.from(members.get(`${root.href}${name}/${leaf}`)!).toString();
      const original = JSON.parse(text) as { [member: string]: unknown };
      const ours = version === "v2" ? toZarrV2(spec, { fill: "exact" }).zarray : toZarrV3(spec);
      const written = JSON.parse(JSON.stringify(ours)) as { [member: string]: unknown };
      // Nameless dimensions get names, and a filter list of one is not told from a compressor.
      for (const member of [
        "dimension_names",
        "attributes",
        "codecs",
        "compressor",
        "filters",
        "dimension_separator",
      ]) {
        delete original[member];
        delete written[member];
      }
      assert.deepEqual(written, original, `${version} ${name}`);
    }
  }
});

function store(documents: { [key: string]: unknown }): Files {
  return createMemoryFiles(
    Object.entries(documents).map(([key, value]) => [
      root.href + key,
      Buffer.from(typeof value === "string" ? value : JSON.stringify(value)),
    ]),
  );
}

const ARRAY = {
  zarr_format: 2,
  shape: [4],
  chunks: [2],
  dtype: "<i2",
  compressor: null,
  filters: null,
  fill_value: 0,
  order: "C",
};
const ARRAY3 = {
  zarr_format: 3,
  node_type: "array",
  shape: [4],
  data_type: "int16",
  chunk_grid: { name: "regular", configuration: { chunk_shape: [2] } },
  chunk_key_encoding: { name: "default" },
  fill_value: 0,
  codecs: [{ name: "bytes", configuration: { endian: "little" } }],
};

test("names that would leave the store are left out", async () => {
  const metadata = {
    ".zgroup": { zarr_format: 2 },
    "../secret/.zarray": ARRAY,
    "a/../../b/.zarray": ARRAY,
    "/etc/.zarray": ARRAY,
    "ok/.zarray": ARRAY,
  };
  const dataset = await openWith(zarr, root, store({ ".zgroup": { zarr_format: 2 }, ".zmetadata": { metadata } }));
  assert.deepEqual([...dataset.variables.keys()], ["ok"]);
  assert.equal(dataset.problems?.length, 3);
});

test("what cannot be described is left out with its reason", async () => {
  const metadata = {
    "a/.zarray": { ...ARRAY, dtype: "<z9" },
    "b/.zarray": { ...ARRAY, chunks: [0] },
    "c/.zarray": { ...ARRAY, shape: [-1] },
    "d/.zarray": {
      ...ARRAY,
      dtype: [
        ["x", "<i4"],
        ["y", ">i4"],
      ],
    },
    "e/.zarray": { ...ARRAY, dtype: "|O" },
    "f/.zarray": { ...ARRAY, compressor: { id: "strange" } },
  };
  const dataset = await openWith(zarr, root, store({ ".zgroup": { zarr_format: 2 }, ".zmetadata": { metadata } }));
  assert.deepEqual([...dataset.variables.keys()], ["f"], "an unknown codec is no reason");
  assert.deepEqual(
    dataset.problems?.map((text) => text[0]),
    ["a", "b", "c", "d", "e"],
  );
});

test("an array that cannot be reached now is no array that is left out", async () => {
  const files = createMemoryFiles([
    [`${root}.zgroup`, Buffer.from('{"zarr_format":2}')],
    [`${root}a/.zarray`, Buffer.from("{}")],
  ]);
  const flaky: Files = {
    ...files,
    async read(url, range, options) {
      if (url.pathname.endsWith("/a/.zarray")) throw new GyreError("Busy", "503");
      return files.read(url, range, options);
    },
  };
  await assert.rejects(openWith(zarr, root, flaky), (error) => isGyreError(error, "Busy"));
  assert.equal((await openWith(zarr, root, files)).problems?.length, 1);
});

test("v3: extensions are refused by name, unless they need not be understood", async () => {
  const refused = async (change: object, reason: RegExp): Promise<void> => {
    await assert.rejects(openWith(zarr, root, store({ "zarr.json": { ...ARRAY3, ...change } })), reason);
  };
  await refused({ storage_transformers: [{ name: "upside-down" }] }, /upside-down/);
  await refused({ strange: { name: "x" } }, /strange/);
  await refused({ chunk_grid: { name: "rectilinear", configuration: {} } }, /rectilinear/);
  await refused({ chunk_key_encoding: { name: "fancy" } }, /fancy/);
  const files = store({ "zarr.json": { ...ARRAY3, strange: { must_understand: false } } });
  assert.deepEqual([...(await openWith(zarr, root, files)).variables.keys()], ["store"]);
});

test("Python's bare NaN and NCZarr's attributes are understood", async () => {
  const files = store({
    ".zgroup": { zarr_format: 2 },
    ".zattrs": '{"_nczarr_group": {}, "limit": NaN, "top": -Infinity, "text": "NaN \\" Infinity"}',
    "v/.zarray": { ...ARRAY },
    "v/.zattrs": { _nczarr_array: { dimension_references: ["/time"] }, _NCZARR_ATTR: {} },
  });
  const { attrs, variables } = await openWith(zarr, root, files);
  assert.deepEqual([...attrs.keys()], ["limit", "top", "text"]);
  assert.ok(Number.isNaN(attrs.get("limit")?.value));
  assert.equal(attrs.get("top")?.value, Number.NEGATIVE_INFINITY);
  assert.equal(attrs.get("text")?.value, 'NaN " Infinity');
  assert.deepEqual(variables.get("v")?.spec.dims, ["time"]);
});

test("dimensions of one name and two sizes are two dimensions", async () => {
  const files = store({
    ".zgroup": { zarr_format: 2 },
    "a/.zarray": ARRAY,
    "a/.zattrs": { _ARRAY_DIMENSIONS: ["x"] },
    "b/.zarray": { ...ARRAY, shape: [5] },
    "b/.zattrs": { _ARRAY_DIMENSIONS: ["x"] },
  });
  const { dimensions, variables, problems } = await openWith(zarr, root, files);
  assert.deepEqual([...dimensions.keys()], ["x", "b_x_5"]);
  assert.deepEqual(variables.get("b")?.spec.dims, ["b_x_5"]);
  assert.equal(problems?.length, 1);
});

test("a store that cannot list and is not consolidated says so", async () => {
  const files = withoutListing(store({ ".zgroup": { zarr_format: 2 } }));
  await assert.rejects(openWith(zarr, root, files), /cannot list/);
});

test("the version is that of the metadata", async () => {
  const version = async (shape: number): Promise<string> =>
    (await openWith(zarr, root, store({ "zarr.json": { ...ARRAY3, shape: [shape] } }))).version;
  assert.equal(await version(4), await version(4));
  assert.notEqual(await version(4), await version(5));
});

test("recognised by content", () => {
  const hint = { url: root, head: new Uint8Array(0) };
  assert.ok(zarr.sniff({ ...hint, entries: new Set(["zarr.json"]) }));
  assert.ok(zarr.sniff({ ...hint, entries: new Set([".zgroup", ".zmetadata"]) }));
  assert.ok(!zarr.sniff({ ...hint, entries: new Set([".zmetadata"]) }), "may be references in Parquet");
  assert.ok(zarr.sniff({ url: root, head: Buffer.from("PK\x03\x04") }));
});

test("fuzz: damaged metadata and archives open or fail as broken sources", async () => {
  const random = randomFrom(7);
  const archive = new Uint8Array(readFileSync(new URL("v3.zarr.zip", fixtures)));
  const members = await unpacked("v2.zarr.zip", "v2-consolidated.zarr.zip");
  const zmetadata = `${root.href}.zmetadata`;
  const url = new URL("memory:///a.zip");
  for (let i = 0; i < 150; i++) {
    const damage = (bytes: Uint8Array): Uint8Array => damaged(bytes, random);
    const [target, files] =
      i % 2 === 0
        ? [url, createMemoryFiles([[url.href, damage(archive)]])]
        : [root, createMemoryFiles([...members].map(([k, v]) => [k, k === zmetadata ? damage(v) : v]))];
    try {
      const dataset = await openWith(zarr, target, files);
      for (const variable of dataset.variables.values()) {
        await variable.locate(variable.spec.shape.map(() => 0)).catch(broken);
      }
    } catch (error) {
      broken(error);
    }
  }
});

function broken(error: unknown): void {
  assert.ok(isGyreError(error, "BadSource", "Unsupported"), String((error as Error).stack));
}
