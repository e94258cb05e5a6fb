import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { lookup3 } from "../../../src/codecs/jenkins_lookup3.ts";
import { chunkGrid, type Dataset, product, strides, type Variable } from "../../../src/core/array.ts";
import { GyreError, isGyreError } from "../../../src/errors.ts";
import type { Files } from "../../../src/files/files.ts";
import { createMemoryFiles } from "../../../src/files/memory.ts";
import { hdf5 } from "../../../src/formats/hdf5/hdf5.ts";
import { contextOf, fixture, localFiles, openLocal, readAll } from "./reading.ts";

function variable(dataset: Dataset, name: string): Variable {
  const found = dataset.variables.get(name);
  assert.ok(found, `${name} is not among ${[...dataset.variables.keys()]}`);
  return found;
}

async function valuesOf(dataset: Dataset, name: string): Promise<unknown[]> {
  return Array.from((await readAll(variable(dataset, name))) as ArrayLike<unknown>);
}

function attributes(attrs: Dataset["attrs"]): Record<string, unknown> {
  return Object.fromEntries([...attrs].map(([name, { value }]) => [name, value]));
}

test("a NetCDF-4 file has the dimensions, names and types that netCDF gives it", async () => {
  const dataset = await openLocal(fixture("dims.nc"));
  assert.equal(dataset.format, "netcdf4");
  assert.equal(dataset.problems, undefined);
  assert.deepEqual(
    [...dataset.dimensions],
    [
      ["time", { size: 4, unlimited: true }],
      ["x", { size: 3, unlimited: false }],
      ["only", { size: 5, unlimited: false }],
      ["later", { size: 2, unlimited: true }],
    ],
  );
  assert.deepEqual([...dataset.groups.keys()], ["g", "g/deep"]);
  assert.deepEqual([...dataset.groups.get("g")!.dimensions], [["x", { size: 2, unlimited: false }]]);
  const dims = [...dataset.variables].map(([name, { spec }]) => `${name}(${spec.dims})`);
  assert.deepEqual(dims, [
    "time(time)",
    "v(time,x)",
    "x(x)",
    "only(x)",
    "square(x,x)",
    "c(x)",
    "words(x)",
    "clouds(x)",
    "pairs(x)",
    "ragged(x)",
    "g/own(x)",
    "g/above(time,x)",
    "g/both(/x,x)",
    "g/deep/later(later,only)",
  ]);
  assert.deepEqual(attributes(dataset.attrs), { title: "dims", number: 5n, list: [1.5, 2.5] });
  assert.deepEqual(variable(dataset, "clouds").spec.dtype, {
    kind: "enum",
    base: "uint8",
    members: new Map([
      ["clear", 0],
      ["cloudy", 1],
    ]),
    name: "cloud_t",
  });
  const pairs = variable(dataset, "pairs").spec.dtype;
  assert.equal(typeof pairs === "object" && pairs.kind === "struct" && pairs.name, "pair_t");
  assert.deepEqual(variable(dataset, "c").spec.dtype, { kind: "fixed-bytes", length: 1 });
  assert.deepEqual(await valuesOf(dataset, "words"), ["one", "", "drei"]);
  assert.deepEqual(await valuesOf(dataset, "ragged"), [Int32Array.of(1), Int32Array.of(1, 2), new Int32Array(0)]);
});

test("an unlimited dimension is as long as its longest variable, and others read as fill beyond their end", async () => {
  const dataset = await openLocal(fixture("dims.nc"));
  const fill = 9.969209968386869e36;
  assert.deepEqual(await valuesOf(dataset, "time"), [1, 2, fill, fill]);
  assert.deepEqual(variable(dataset, "g/above").spec.shape, [4, 2]);
  assert.deepEqual(await valuesOf(dataset, "g/above"), [1, 2, 3, 4, ...new Array(4).fill(-2147483647)]);
});

test("also where it is not the slowest dimension", async () => {
  const dataset = await openLocal(fixture("longer.nc"));
  const fill = new Array(4).fill(-127);
  assert.deepEqual(await valuesOf(dataset, "short"), [0, 7, 14, ...fill, 21, 28, 35, ...fill, 42, 49, 56, ...fill]);
});

test("dimensions without names are those that netCDF-C invents", async () => {
  // ncdump -h says the same of this file.
  const dataset = await openLocal(fixture("phony.h5"));
  assert.equal(dataset.format, "hdf5");
  assert.deepEqual(variable(dataset, "a").spec.dims, ["phony_dim_1", "phony_dim_2"]);
  assert.deepEqual(variable(dataset, "b").spec.dims, ["phony_dim_1", "phony_dim_3"]);
  assert.deepEqual(variable(dataset, "d").spec.dims, ["phony_dim_4"]);
  assert.deepEqual(variable(dataset, "group/c").spec.dims, ["phony_dim_0"]);
  assert.deepEqual(dataset.dimensions.get("phony_dim_4"), { size: 3, unlimited: true });
  const scales = await openLocal(fixture("scales.h5"));
  assert.deepEqual(variable(scales, "v").spec.dims, ["lat", "lon"]);
  assert.deepEqual(variable(scales, "half").spec.dims, ["lat", "phony_dim_2"]);
  assert.deepEqual(variable(scales, "wrong").spec.dims, ["phony_dim_3"], "a scale of another length is no dimension");
});

for (const name of ["types_earliest.h5", "types_latest.h5"]) {
  test(`${name}: values of every datatype`, async () => {
    const dataset = await openLocal(fixture(name));
    assert.equal(dataset.problems, undefined);
    assert.deepEqual(await valuesOf(dataset, "text"), ["å", "", "three"]);
    assert.deepEqual(await valuesOf(dataset, "text_fill"), ["none", "none", "two"]);
    assert.deepEqual(await valuesOf(dataset, "bits12"), [-5, 0, 7, -2048]);
    assert.deepEqual(await valuesOf(dataset, "bits24"), [1, 70000, 2 ** 24 - 1]);
    assert.deepEqual((await valuesOf(dataset, "bfloat16")).slice(0, 3), [1, -2.5, Number.POSITIVE_INFINITY]);
    assert.deepEqual(await valuesOf(dataset, "vlen"), [
      Float32Array.of(1.5),
      new Float32Array(0),
      Float32Array.of(2, 3, 4),
    ]);
    assert.deepEqual(await valuesOf(dataset, "vlen_big"), [Int32Array.of(1, -1), Int32Array.of(2)]);
    assert.deepEqual(
      (await valuesOf(dataset, "compound_text")).map((text) => JSON.parse(text as string)),
      [
        { name: "first", n: 1, list: [1, 2] },
        { name: "", n: 2, list: [] },
      ],
    );
    assert.deepEqual(variable(dataset, "bool").spec.dtype, "bool");
    assert.deepEqual(await valuesOf(dataset, "bool"), [1, 0, 1]);
    assert.deepEqual(await valuesOf(dataset, "enum_big"), [-2, 7]);
    assert.deepEqual(await valuesOf(dataset, "complex"), [1, 2, 3, -4]);
    const mixed = new DataView(((await readAll(variable(dataset, "compound_mixed"))) as Uint8Array).slice().buffer);
    assert.deepEqual([mixed.getInt16(14, true), mixed.getFloat32(16, true), mixed.getInt32(24, true)], [3, 4.5, 4]);
    const named = variable(dataset, "of_named").spec.dtype;
    assert.equal(typeof named === "object" && named.kind === "struct" && named.name, "named");
    assert.deepEqual(attributes(variable(dataset, "i1").spec.attrs), {
      compound: { a: 7, b: 2.5 },
      empty: [],
      enum: 5,
      fixed: "fixed",
      flag: true,
      list: [1n, 2n, 3n],
      region: "/i1",
      texts: ["a", "bc"],
      to_group: "/group",
    });
  });
}

for (const name of ["groups_earliest.h5", "groups_latest.h5", "groups_latest_untracked.h5"]) {
  test(`${name}: links of every kind, each group once`, async () => {
    const dataset = await openLocal(fixture(name));
    assert.deepEqual([...dataset.groups.keys()].sort(), ["a", "a/b", "a/b/c", "many"]);
    for (const path of ["a/b/c/deep", "a/hard", "soft", "a/relative", "through"]) {
      assert.deepEqual(await valuesOf(dataset, path), [0, 7, 14], path);
    }
    assert.deepEqual(dataset.problems, [
      "/circle: a soft link to /circle, which is not there",
      "/dangling: a soft link to /nowhere, which is not there",
    ]);
    const many = [...dataset.variables.keys()].filter((path) => path.startsWith("many/"));
    const tracked = name === "groups_latest.h5";
    assert.equal(many.length, 40);
    assert.deepEqual([many[0], many.at(-1)], tracked ? ["many/d39", "many/d0"] : ["many/d0", "many/d9"]);
    assert.equal(dataset.attrs.size, 31);
    assert.equal(dataset.attrs.get("attribute_3")?.value, 26n);
    assert.equal([...dataset.attrs.keys()][0], name === "groups_latest_untracked.h5" ? "attribute_0" : "attribute_29");
    assert.equal((dataset.attrs.get("large")!.value as number[])[699], (699 * 7) % 251);
  });
}

test("shared object header messages and their attributes are found", async () => {
  const dataset = await openLocal(fixture("shared.h5"));
  assert.equal(dataset.problems, undefined);
  for (const { spec } of dataset.variables.values()) {
    assert.equal(spec.fill, 5);
    assert.deepEqual(attributes(spec.attrs), { units: "kilogram per square meter" });
  }
});

test("chunks that skipped filters say so, in locate and in the table", async () => {
  const dataset = await openLocal(fixture("masks.h5"));
  const mask = variable(dataset, "mask");
  assert.deepEqual(
    mask.spec.codecs.map(({ name }) => name),
    ["bytes", "shuffle", "zlib"],
  );
  assert.equal((await mask.locate([0]))?.codecs, undefined);
  assert.deepEqual(
    (await mask.locate([1]))?.codecs?.map(({ name }) => name),
    ["bytes"],
  );
  const edges = variable(dataset, "plain_edges");
  assert.equal((await edges.locate([0, 0]))?.codecs, undefined);
  assert.deepEqual(
    (await edges.locate([0, 1]))?.codecs?.map(({ name }) => name),
    ["bytes"],
  );
  const table = await edges.table?.();
  assert.deepEqual([...table!.variants!], [0, 1, 1, 1]);
  assert.deepEqual(
    table!.codecs.map((codecs) => codecs.map(({ name }) => name)),
    [["bytes"]],
  );
});

for (const name of [
  "indexes_earliest.h5",
  "indexes_latest.h5",
  "paged.h5",
  "masks.h5",
  "deep_btree2.h5",
  "filters.h5",
]) {
  test(`${name}: the chunk table says what locate says`, async () => {
    const dataset = await openLocal(fixture(name));
    for (const each of dataset.variables.values()) {
      // Its elements are translated: there is no place in the file that holds them.
      if (each.name === "nbit") continue;
      const table = await each.table?.();
      if (table === undefined) assert.equal(name, "longer.nc", each.name);
      if (table === undefined) continue;
      const grid = chunkGrid(each.spec);
      const steps = strides(grid);
      for (let cell = 0; cell < product(grid); cell++) {
        const ref = await each.locate(steps.map((step, d) => Math.floor(cell / step) % grid[d]!));
        const i: number = table.cells === undefined ? cell : table.cells.indexOf(cell);
        const offset: number = i < 0 ? -1 : table.offsets[i]!;
        const where = ref !== undefined && "url" in ref ? [ref.offset, ref.length] : [-1, 0];
        assert.deepEqual([offset, offset < 0 ? 0 : table.lengths[i]], where, `${each.name} ${cell}`);
      }
    }
  });
}

test("a superblock's extension says how large the nodes of chunk indexes are", async () => {
  const dataset = await openLocal(fixture("ranks.h5"));
  const x = await valuesOf(dataset, "x");
  assert.deepEqual([x.length, x[0], x[89]], [90, 0, (89 * 7) % 251]);
});

test("chunks that were never written are not there, and read as the fill value", async () => {
  const dataset = await openLocal(fixture("indexes_latest.h5"));
  assert.equal(await variable(dataset, "missing").locate([0, 0]), undefined);
  assert.equal(variable(dataset, "missing").spec.fill, -9);
  assert.notEqual(await variable(dataset, "missing").locate([1, 1]), undefined);
  assert.equal(await variable(dataset, "never").locate([0, 0]), undefined);
});

test("external links lead into allowed files; what they do not reach is named", async () => {
  const dataset = await openLocal(fixture("external.h5"));
  const linked = variable(dataset, "linked");
  assert.deepEqual(attributes(linked.spec.attrs), { units: "K" });
  const ref = await linked.locate([0, 0]);
  assert.ok(ref !== undefined && "url" in ref && ref.url.href.endsWith("/target.h5"));
  assert.deepEqual((await valuesOf(dataset, "linked")).slice(0, 3), [0, 7, 14]);
  assert.deepEqual(dataset.problems?.map((text) => text.split(":")[0]).sort(), [
    "/back",
    "/gone",
    "/group",
    "/outside",
  ]);
});

test("the version is that of the files that external links lead to as well", async () => {
  const versionWith = async (tag: string): Promise<string> => {
    const files: Files = {
      read: (url, range) => localFiles.read(url, range),
      async head(url) {
        const info = await localFiles.head(url);
        return info && (url.href === fixture("external.h5").href ? info : { ...info, etag: tag });
      },
    };
    const dataset = await hdf5.open(fixture("external.h5"), contextOf(files));
    assert.equal(dataset.hasOthers, true, "no index is kept of it");
    return dataset.version;
  };
  assert.equal(await versionWith('"1"'), await versionWith('"1"'));
  assert.notEqual(await versionWith('"1"'), await versionWith('"2"'));
  assert.equal((await openLocal(fixture("phony.h5"))).hasOthers, undefined);
});

test("external links and external data outside the allowed prefix are refused", async () => {
  const inside = (url: URL): boolean => /\/(external|raw)\.h5$/.test(url.pathname);
  const check = (url: URL): void => {
    if (!inside(url)) throw new GyreError("Denied", `${url} is not allowed`);
  };
  const files: Files = {
    async read(url, range, options) {
      check(url);
      return localFiles.read(url, range, options);
    },
    async head(url, call) {
      check(url);
      return localFiles.head(url, call);
    },
  };
  const dataset = await hdf5.open(fixture("external.h5"), contextOf(files));
  assert.equal(dataset.variables.size, 0);
  assert.equal(dataset.problems?.length, 5);
  const raw = await hdf5.open(fixture("raw.h5"), contextOf(files));
  await assert.rejects(readAll(variable(raw, "x"), files), (error) => isGyreError(error, "Denied"));
});

test("virtual datasets hand out their sources' chunks where grids agree, and put others together", async () => {
  const dataset = await openLocal(fixture("virtual.h5"));
  assert.equal(dataset.problems, undefined);
  const stack = variable(dataset, "stack");
  assert.deepEqual(stack.spec.chunks, [1, 4]);
  assert.deepEqual(
    stack.spec.codecs.map(({ name }) => name),
    ["bytes", "zlib"],
  );
  const ref = await stack.locate([1, 1]);
  assert.ok(ref !== undefined && "url" in ref && ref.url.href.endsWith("/source1.h5"));
  assert.equal(await stack.locate([3, 0]), undefined, "a source that is not there");
  const odd = await variable(dataset, "odd").locate([0]);
  assert.ok(odd !== undefined && "inline" in odd);
  assert.deepEqual(await valuesOf(dataset, "odd"), [7, 15, 14, 29, 21, 43, 37, 44, 51, 77, 77, 77]);
  assert.deepEqual(await valuesOf(dataset, "of_own"), [21, 28, 35]);
  const numbered = await variable(dataset, "numbered").locate([2, 0]);
  assert.ok(numbered !== undefined && "url" in numbered && numbered.url.href.endsWith("/source2.h5"));
});

test("opening reads few pages and no data", async () => {
  for (const [name, budget] of [
    ["indexes_earliest.h5", 1],
    ["groups_latest.h5", 1],
    ["paged.h5", 1],
  ] as const) {
    let reads = 0;
    const files: Files = {
      head: (url, call) => localFiles.head(url, call),
      read: (url, range, options) => {
        reads++;
        return localFiles.read(url, range, options);
      },
    };
    await hdf5.open(fixture(name), contextOf(files));
    assert.ok(reads <= budget, `${name}: ${reads} reads`);
  }
});

/** A fixture in memory, with changes. */
async function changed(name: string, change: (bytes: Buffer) => void): Promise<Dataset> {
  const bytes = readFileSync(fixture(name));
  change(bytes);
  const url = new URL(`memory://test/${name}`);
  return hdf5.open(url, contextOf(createMemoryFiles([[url.href, bytes]])));
}

function broken(pattern: RegExp): (error: unknown) => boolean {
  return (error) => isGyreError(error, "BadSource") && pattern.test(error.message);
}

test("a file that changes after it was opened is noticed", async () => {
  const url = new URL("memory://test/phony.h5");
  const files = createMemoryFiles([[url.href, readFileSync(fixture("indexes_latest.h5"))]]);
  const dataset = await hdf5.open(url, contextOf(files));
  await files.write!(url, readFileSync(fixture("indexes_earliest.h5")));
  await assert.rejects(variable(dataset, "btree2").locate([0, 0]), (error) => isGyreError(error, "Conflict"));
});

test("broken files say which, where and why", async () => {
  const is = (bytes: Uint8Array): boolean => hdf5.sniff({ url: new URL("memory://x/y"), head: bytes });
  const inUserBlock = readFileSync(fixture("user_block.h5"));
  assert.equal(is(inUserBlock), true);
  for (const size of [1024, 16_384]) {
    assert.equal(is(Buffer.concat([Buffer.alloc(size - 512), inUserBlock])), true, `a user block of ${size} bytes`);
  }
  assert.equal(
    is(Buffer.concat([Buffer.alloc(100), inUserBlock])),
    false,
    "a superblock begins at 512, 1024, 2048, ...",
  );
  assert.equal(is(Buffer.from("CDF\x01 and more")), false);
  await assert.rejects(
    changed("phony.h5", (bytes) => bytes.fill(0, 0, 8)),
    broken(/phony.h5 at byte 0: no HDF5 signature/),
  );
  await assert.rejects(
    changed("phony.h5", (bytes) => bytes.writeUInt8(9, 8)),
    broken(/byte 8: superblock version 9/),
  );
  await assert.rejects(
    changed("paged.h5", (bytes) => bytes.writeUInt8(1, 40)),
    broken(/at byte \d+: the checksum/),
  );
  const url = new URL("memory://test/cut.h5");
  const cut = createMemoryFiles([[url.href, readFileSync(fixture("phony.h5")).subarray(0, 2000)]]);
  await assert.rejects(hdf5.open(url, contextOf(cut)), broken(/byte 2000: truncated/));
});

test("a B-tree that goes round in circles is an error", async () => {
  const dataset = await changed("deep_btree1.h5", (bytes) => {
    // Type 1, level 1: the root of the chunks. Its first child becomes itself.
    const root = bytes.indexOf(Buffer.from("TREE\x01\x01", "latin1"));
    assert.ok(root > 0);
    bytes.writeBigUInt64LE(BigInt(root), root + 24 + 24);
  });
  await assert.rejects(variable(dataset, "x").locate([0]), broken(/circles/));
});

test("one variable of impossible size is left out and named", async () => {
  const shape = Buffer.alloc(16);
  shape.writeBigUInt64LE(3n, 0);
  shape.writeBigUInt64LE(4n, 8);
  const dataset = await changed("phony.h5", (bytes) => bytes.writeBigUInt64LE(1n << 50n, bytes.indexOf(shape)));
  assert.deepEqual([...dataset.variables.keys()], ["b", "d", "group/c"]);
  assert.match(dataset.problems!.join(), /^\/a: .*1125899906842624 x 4 elements are too many/);
});

test("arrays of arrays that must be translated keep every element", async () => {
  const arrays = variable(await openLocal(fixture("nested.h5")), "arrays");
  const bytes = (await readAll(arrays)) as Uint8Array;
  assert.deepEqual([...new Int32Array(bytes.slice().buffer)], [...Array(14).keys()]);
});

test("soft links of soft links are followed as often as HDF5 does, not ten times for each", async () => {
  const { problems = [] } = await openLocal(fixture("nested.h5"));
  assert.equal(problems.length, 11);
  assert.ok(problems.every((problem) => /^\/l\d+: a soft link/.test(problem)));
});

test("ragged arrays that multiply through the heap are refused, not unfolded", async () => {
  const dataset = await openLocal(fixture("hostile/laughs.h5"));
  await assert.rejects(readAll(variable(dataset, "ragged")), (error) => isGyreError(error, "TooLarge"));
  assert.equal((await readAll(variable(dataset, "seed"))).length, 1);
});

test("lengths that no structure has are refused before they are asked for, whatever size a server claims", async () => {
  const bytes = readFileSync(fixture("groups_earliest.h5"));
  const root = Number(bytes.readBigUInt64LE(64));
  bytes.writeUInt32LE(0xffff_ffff, root + 8);
  const endless: Files = {
    head: async () => ({ size: 2 ** 40 }),
    async read(_url, range) {
      const { offset, length } = range as { readonly offset: number; readonly length: number };
      const out = new Uint8Array(length);
      out.set(bytes.subarray(offset, offset + length));
      return out;
    },
  };
  const url = new URL("memory:/long.h5");
  await assert.rejects(hdf5.open(url, contextOf(endless)), /at byte \d+: a structure of 4294967295 bytes/);
});

test("a chunk index with impossible parameters is an error, not an empty one", async () => {
  const bytes = readFileSync(fixture("indexes_latest.h5"));
  for (let at = bytes.indexOf("FAHD"); at >= 0; at = bytes.indexOf("FAHD", at + 4)) {
    bytes[at + 7] = 40;
    bytes.writeUInt32LE(lookup3(bytes.subarray(at, at + 24)), at + 24);
  }
  const url = new URL("memory:/pages.h5");
  const files = createMemoryFiles();
  await files.write!(url, bytes);
  const dataset = await hdf5.open(url, contextOf(files));
  await assert.rejects(variable(dataset, "fixed_array").locate([0, 0]), /pages of 2\^40 elements/);
});

test("links in a filtered heap are found: in its root block, in those below it, and the huge ones", async () => {
  for (const [name, links] of [
    ["filtered_heap_direct.h5", 0],
    ["filtered_heap.h5", 120],
  ] as const) {
    const { variables, problems } = await openLocal(fixture(name));
    assert.equal(problems, undefined);
    assert.equal(variables.size, 2 + links);
    assert.ok(variables.has("g/d") && variables.has("g/huge"));
  }
});
