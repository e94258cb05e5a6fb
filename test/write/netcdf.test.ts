import assert from "node:assert/strict";
import { test } from "node:test";
import { attrsToJson } from "../../src/core/attrs.ts";
import { isGyreError } from "../../src/errors.ts";
import { createMemoryFiles } from "../../src/files/memory.ts";
import type { Format } from "../../src/formats/format.ts";
import { hdf5 } from "../../src/formats/hdf5/hdf5.ts";
import { netcdf3 } from "../../src/formats/netcdf3/netcdf3.ts";
import { writeNetcdf3 } from "../../src/write/netcdf3.ts";
import { deflated } from "../../src/write/netcdf4/filters.ts";
import { writeNetcdf4 } from "../../src/write/netcdf4/write.ts";
import type { Source, SourceVariable } from "../../src/write/source.ts";
import { openWith, readAll } from "../formats/values.ts";
import { BIG, classicSample, encoder, LITTLE, sourceOf, text, variable } from "./sample.ts";

const url = new URL("memory:/sample.nc");

async function collect(parts: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const all: Uint8Array[] = [];
  for await (const part of parts) all.push(part);
  return new Uint8Array(Buffer.concat(all));
}

const nc4 = (source: Source, keepBytes = 1e9): Promise<Uint8Array> =>
  collect(writeNetcdf4(source, { encoder, keepBytes }));

async function wanted(source: SourceVariable): Promise<unknown[]> {
  const all: unknown[] = [];
  for await (const { data } of source.blocks()) all.push(...(data as Iterable<unknown>));
  return all;
}

/** Reads a file back and compares every variable of the source. */
async function assertSame(format: Format, bytes: Uint8Array, source: Source): Promise<void> {
  const files = createMemoryFiles([[url.href, bytes]]);
  const dataset = await openWith(format, url, files);
  assert.deepEqual(dataset.problems ?? [], []);
  for (const [name, original] of source.variables) {
    const read = dataset.variables.get(name);
    assert.ok(read, `${name} is missing`);
    const isText = original.spec.dtype === "string" && format === netcdf3;
    if (!isText) assert.deepEqual(read.spec.shape, original.spec.shape, name);
    assert.deepEqual(read.spec.dims.slice(0, original.spec.dims.length), original.spec.dims, name);
    const block = await readAll(read, files);
    if (isText) {
      const width = read.spec.shape.at(-1)!;
      const text = Buffer.from((block.data as Uint8Array).buffer, 0, (block.data as Uint8Array).length);
      const rows = Array.from({ length: text.length / width }, (_, i) =>
        text.toString("utf8", i * width, (i + 1) * width),
      );
      assert.deepEqual(
        rows.map((row) => row.replace(/\0+$/, "")),
        await wanted(original),
      );
    } else {
      assert.deepEqual([...(block.data as Iterable<unknown>)], await wanted(original), name);
    }
    for (const [key, value] of Object.entries(attrsToJson(original.spec.attrs))) {
      assert.deepEqual(attrsToJson(read.spec.attrs)[key], value, `${name}:${key}`);
    }
  }
  for (const [name, { size, unlimited }] of source.dimensions) {
    assert.deepEqual(dataset.dimensions.get(name), { size, unlimited }, name);
  }
  assert.equal(attrsToJson(dataset.attrs).title, "a sample, größer als ASCII");
}

for (const version of [undefined, 1, 2, 5] as const) {
  test(`NetCDF classic, version ${version ?? "chosen"}: read back alike`, async () => {
    const source = classicSample();
    const bytes = await collect(writeNetcdf3(source, version === undefined ? {} : { version }));
    assert.equal(bytes[3], version ?? 1);
    await assertSame(netcdf3, bytes, source);
  });
}

test("NetCDF classic: a lone record variable is not padded", async () => {
  const source = sourceOf([variable("odd", "int8", ["time", "three"], [7, 3]), variable("x", "int16", ["x"], [3])]);
  const bytes = await collect(writeNetcdf3(source));
  await assertSame(netcdf3, bytes, source);
  assert.equal(bytes.length % 4, 1);
});

test("NetCDF classic: 64-bit and unsigned types take CDF-5, and only that", async () => {
  const types = ["uint8", "uint16", "uint32", "int64"] as const;
  const source = sourceOf(types.map((type) => variable(type, type, ["time", type], [2, 3])));
  const bytes = await collect(writeNetcdf3(source));
  assert.equal(bytes[3], 5);
  await assertSame(netcdf3, bytes, source);
  await assert.rejects(collect(writeNetcdf3(source, { version: 2 })), (e) => isGyreError(e, "Unsupported"));
});

test("NetCDF classic: refuses what it cannot say", async () => {
  const unsupported = (e: unknown): boolean => isGyreError(e, "Unsupported");
  const group = { attrs: new Map(), dimensions: new Map() };
  const grouped = sourceOf([variable("x", "int8", ["x"], [1])], { groups: new Map([["g", group]]) });
  await assert.rejects(collect(writeNetcdf3(grouped)), unsupported);
  await assert.rejects(collect(writeNetcdf3(sourceOf([variable("h", "float16", ["x"], [2])]))), unsupported);
  await assert.rejects(collect(writeNetcdf3(sourceOf([variable("z", "complex64", ["x"], [2])]))), unsupported);
});

test("NetCDF-4: read back alike", async () => {
  const source = classicSample();
  await assertSame(hdf5, await nc4(source), source);
});

for (const keepBytes of [0, 200, 1e9]) {
  test(`NetCDF-4: chunks with filters, ${keepBytes} bytes kept between measuring and writing`, async () => {
    const dims = ["time", "lat", "lon"];
    const source = sourceOf([
      variable("a", "float32", dims, [150, 3, 5], { chunks: [1, 2, 4], codecs: deflated(4), fill: 7 }),
      variable("b", "int64", ["lat", "lon"], [3, 5], { chunks: [2, 2], codecs: deflated(8, 9) }),
      variable("c", "uint8", ["lon", "lat"], [5, 3], { chunks: [50, 3], codecs: deflated(1) }),
      variable("d", "float64", dims, [150, 3, 5], { chunks: [7, 3, 5], codecs: BIG }),
      variable("e", "int16", ["lat"], [3], { codecs: [...LITTLE, { name: "zstd", configuration: { level: 3 } }] }),
    ]);
    await assertSame(hdf5, await nc4(source, keepBytes), source);
  });
}

test("NetCDF-4: the file is the same whether chunks were kept or not", async () => {
  const make = (): Source => sourceOf([variable("a", "int32", ["time"], [999], { chunks: [10], codecs: deflated(4) })]);
  assert.deepEqual(await nc4(make(), 0), await nc4(make()));
});

test("NetCDF-4: metadata lies in front of the values", async () => {
  const source = sourceOf([
    variable("a", "float64", ["x"], [10_000]),
    variable("b", "int16", ["x"], [10_000], { chunks: [100], codecs: deflated(2) }),
  ]);
  const bytes = await nc4(source);
  const dataset = await openWith(hdf5, url, createMemoryFiles([[url.href, bytes]]));
  const first = await dataset.variables.get("a")!.locate([0]);
  assert.ok(first !== undefined && "offset" in first);
  let stored = 80_000;
  for (let i = 0; i < 100; i++) {
    const chunk = await dataset.variables.get("b")!.locate([i]);
    assert.ok(chunk !== undefined && "offset" in chunk && chunk.offset > first.offset);
    stored += chunk.length;
  }
  assert.equal(bytes.length, first.offset + stored);
});

test("NetCDF-4: groups, dimensions of parents, and a variable called like a dimension", async () => {
  const group = {
    attrs: new Map([["note", text("inner")]]),
    dimensions: new Map([["k", { size: 2, unlimited: false }]]),
  };
  const source = sourceOf(
    [
      variable("x", "int32", ["x"], [3]),
      variable("g/y", "float32", ["x", "k"], [3, 2], { chunks: [2, 2], codecs: deflated(4) }),
      variable("g/k", "int16", ["x"], [3]),
      variable("grid", "int16", ["grid", "x"], [4, 3]),
    ],
    { groups: new Map([["g", group]]) },
  );
  const bytes = await nc4(source);
  await assertSame(hdf5, bytes, source);
  const dataset = await openWith(hdf5, url, createMemoryFiles([[url.href, bytes]]));
  assert.deepEqual(dataset.groups.get("g")?.dimensions.get("k"), { size: 2, unlimited: false });
  assert.equal(attrsToJson(dataset.groups.get("g")!.attrs).note, "inner");
});

test("NetCDF-4: long text, lists of text, and what only other formats have", async () => {
  const long = "ä".repeat(70_000);
  const members = new Map([
    ["sea", 0],
    ["dry land", 1],
  ]);
  const source = sourceOf([
    variable("a", "int32", ["x"], [3], {
      attrs: new Map([
        ["long", text(long)],
        ["list", { dtype: "string", value: ["one", "", "drei"] }],
        ["tree", { dtype: "json", value: { deep: [1, true] } }],
      ]),
    }),
    variable("flag", "bool", ["x"], [3]),
    variable("kind", "uint8", ["x"], [3]),
  ]);
  const kind = source.variables.get("kind")!;
  const enumerated = { ...kind, spec: { ...kind.spec, dtype: { kind: "enum", base: "uint8", members } as const } };
  const when = variable("when", "int64", ["x"], [3]);
  const dated = { ...when, spec: { ...when.spec, dtype: { kind: "datetime64", unit: "s", scale: 1 } as const } };
  const variables = new Map([...source.variables, ["kind", enumerated], ["when", dated]]);
  const files = createMemoryFiles([[url.href, await nc4({ ...source, variables })]]);
  const dataset = await openWith(hdf5, url, files);
  const attrs = (name: string) => attrsToJson(dataset.variables.get(name)!.spec.attrs);
  assert.equal(attrs("a").long, long);
  assert.deepEqual(attrs("a").list, ["one", "", "drei"]);
  assert.equal(attrs("a").tree, '{"deep":[1,true]}');
  assert.equal(attrs("flag").dtype, "bool");
  assert.equal(attrs("kind").flag_meanings, "sea dry_land");
  assert.equal(attrs("when").units, "seconds since 1970-01-01");
});

test("NetCDF-4: empty variables and growing dimensions of length 0", async () => {
  const source = sourceOf([
    variable("time", "float64", ["time"], [0], { chunks: [512] }),
    variable("tas", "float32", ["time", "x"], [0, 3], { chunks: [1, 3], codecs: deflated(4) }),
    variable("none", "int16", ["zero"], [0]),
    variable("words", "string", ["time"], [0], { chunks: [4] }),
    variable("said", "string", ["x"], [3]),
  ]);
  await assertSame(hdf5, await nc4(source), source);
});

test("writers notice a source that gives other values than it announced", async () => {
  const short = variable("a", "int32", ["x"], [3]);
  const lying = { ...short, spec: { ...short.spec, shape: [4], chunks: [4] } };
  const source = sourceOf([lying]);
  const broken = (e: unknown): boolean => isGyreError(e, "BadSource");
  await assert.rejects(nc4(source), broken);
  await assert.rejects(collect(writeNetcdf3(source)), broken);
  const long = { ...short, spec: { ...short.spec, shape: [2], chunks: [2] } };
  await assert.rejects(nc4(sourceOf([long])), broken);
  await assert.rejects(collect(writeNetcdf3(sourceOf([long]))), broken);
});

test("a variable with a dimension that nobody defines is refused", async () => {
  const source = sourceOf([variable("a", "int32", ["x"], [3])], { dimensions: new Map() });
  await assert.rejects(nc4(source), (e) => isGyreError(e, "BadRequest"));
});
