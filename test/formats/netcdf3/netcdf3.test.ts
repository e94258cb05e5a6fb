import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { textAttr } from "../../../src/core/attrs.ts";
import { isGyreError } from "../../../src/errors.ts";
import type { Files } from "../../../src/files/files.ts";
import { createLocalFiles } from "../../../src/files/local.ts";
import { createMemoryFiles } from "../../../src/files/memory.ts";
import { netcdf3 } from "../../../src/formats/netcdf3/netcdf3.ts";
import { damaged, randomFrom } from "../fuzz.ts";
import { openWith, plain, readAll } from "../values.ts";

const fixtures = new URL("../../fixtures/netcdf3/", import.meta.url);
const local = createLocalFiles();
const url = new URL("memory:///a.nc");

interface Expected {
  readonly [file: string]: { readonly [variable: string]: { shape: number[]; dims: string[]; values: unknown[] } };
}
const expected = JSON.parse(readFileSync(new URL("expected.json", fixtures), "utf8")) as Expected;

const fixture = (name: string): Uint8Array => new Uint8Array(readFileSync(new URL(name, fixtures)));
const inMemory = (bytes: Uint8Array): Files => createMemoryFiles([[url.href, bytes]]);

for (const [file, variables] of Object.entries({ ...expected, streaming: expected.records! })) {
  test(`${file}.nc reads as the C library reads it`, async () => {
    const dataset = await openWith(netcdf3, new URL(`${file}.nc`, fixtures), local);
    assert.equal(dataset.problems, undefined);
    assert.deepEqual([...dataset.variables.keys()], Object.keys(variables));
    for (const [name, { shape, dims, values }] of Object.entries(variables)) {
      const variable = dataset.variables.get(name)!;
      assert.deepEqual([variable.spec.shape, variable.spec.dims], [shape, dims], name);
      // The JSON of Python has 64-bit integers as numbers: compare as those.
      const found = (plain(await readAll(variable, local)) as unknown[]).map((v) =>
        typeof values[0] === "number" ? Number(v) : v,
      );
      assert.deepEqual(found, values, name);
    }
  });
}

test("attributes and fill values have their types", async () => {
  const { attrs, variables, dimensions } = await openWith(netcdf3, new URL("records.nc", fixtures), local);
  assert.equal(textAttr(attrs, "note"), "grüß dich");
  assert.deepEqual(attrs.get("numbers"), { dtype: "int16", value: [1, 2, 3] });
  assert.deepEqual(variables.get("tas")?.spec.attrs.get("scale_factor"), { dtype: "float32", value: 0.5 });
  assert.equal(variables.get("tas")?.spec.fill, -99);
  assert.equal(variables.get("x")?.spec.fill, 9.969209968386869e36);
  assert.deepEqual(dimensions.get("time"), { size: 4, unlimited: true });
  const types = await openWith(netcdf3, new URL("types.nc", fixtures), local);
  const limits = types.variables.get("u8")?.spec.attrs.get("limits");
  assert.deepEqual(limits, { dtype: "uint64", value: [0n, 18446744073709551615n] });
});

test("a record that is still being written is not counted", async () => {
  const bytes = fixture("streaming.nc");
  const { dimensions, problems } = await openWith(netcdf3, url, inMemory(bytes.subarray(0, -1)));
  assert.deepEqual(dimensions.get("time"), { size: 3, unlimited: true });
  assert.equal(problems, undefined);
});

test("records of several variables are chunks of one, those of a lone variable are one run", async () => {
  const several = await openWith(netcdf3, new URL("records.nc", fixtures), local);
  assert.deepEqual(several.variables.get("tas")?.spec.chunks, [1, 3]);
  const alone = await openWith(netcdf3, new URL("alone.nc", fixtures), local);
  assert.deepEqual(alone.variables.get("v")?.spec.chunks, [5, 3]);
});

test("large variables are cut into ranges that follow each other, short at the end", async () => {
  const shape = [1031, 1024, 4];
  const dataset = await openWith(netcdf3, url, sparse(header({ shape, type: 5 }), 1031 * 1024 * 16));
  const variable = dataset.variables.get("v")!;
  const chunks = variable.spec.chunks;
  assert.deepEqual(chunks.slice(1), [1024, 4]);
  const last = Math.ceil(1031 / chunks[0]!) - 1;
  const first = await variable.locate([0, 0, 0]);
  const end = await variable.locate([last, 0, 0]);
  assert.ok(first && end && "url" in first && "url" in end);
  assert.equal(end.offset - first.offset, last * chunks[0]! * 16384);
  assert.deepEqual(end.shape, [1031 - last * chunks[0]!, 1024, 4]);
  assert.equal(await variable.locate([last + 1, 0, 0]), undefined);
});

test("a header longer than the first read is read on", async () => {
  const dims = Array.from({ length: 3000 }, (_, i) => ({ name: `dimension_${i}`, length: i + 1 }));
  const dataset = await openWith(netcdf3, url, inMemory(header({ shape: [2], type: 1, dims })));
  assert.equal(dataset.dimensions.size, 3001);
});

test("a truncated file opens, says so, and refuses what is missing", async () => {
  const bytes = fixture("records.nc");
  const dataset = await openWith(netcdf3, url, inMemory(bytes.subarray(0, bytes.length - 20)));
  assert.match(dataset.problems?.join() ?? "", /truncated/);
  await assert.rejects(async () => dataset.variables.get("tas")?.locate([3, 0]), { name: "GyreError(BadSource)" });
  assert.ok(await dataset.variables.get("tas")?.locate([0, 0]));
});

test("names are normalised, end at a NUL, and hold no slash", async () => {
  const named = async (name: string) => openWith(netcdf3, url, inMemory(header({ shape: [2], type: 1, name })));
  assert.deepEqual([...(await named("u\u0308")).variables.keys()], ["ü"]);
  assert.deepEqual([...(await named("yy\0")).variables.keys()], ["yy"]);
  const slash = await named("a/b");
  assert.equal(slash.variables.size, 0);
  assert.match(slash.problems?.[0] ?? "", /a\/b/);
});

test("hostile headers are refused by offset and reason", async () => {
  const refused = (bytes: Uint8Array, reason: RegExp): Promise<void> =>
    assert.rejects(openWith(netcdf3, url, inMemory(bytes)), (error) => {
      assert.ok(isGyreError(error, "BadSource") && error.details.offset !== undefined);
      assert.match(error.message, reason);
      return true;
    });
  const good = header({ shape: [2], type: 5 });
  const changed = (at: number, value: number): Uint8Array => {
    const copy = good.slice();
    new DataView(copy.buffer).setInt32(at, value);
    return copy;
  };
  await refused(changed(12, 0x7fffffff), /do not fit/);
  await refused(changed(12, -1), /negative/);
  await refused(changed(8, 77), /tag 77/);
  await refused(changed(16, 1 << 30), /do not fit/);
  await refused(good.subarray(0, 30), /beyond the end|do not fit/);
  await refused(header({ shape: [2], type: 9 }), /unknown type 9/);
  await refused(header({ shape: [2, 0], type: 5 }), /record dimension of v is not its first/);
});

test("fuzz: damaged files open or fail as broken sources", async () => {
  const random = randomFrom(3);
  for (const name of ["records.nc", "types.nc"]) {
    const bytes = fixture(name);
    for (let i = 0; i < 400; i++) {
      const files = inMemory(damaged(bytes, random));
      try {
        const dataset = await openWith(netcdf3, url, files);
        for (const variable of dataset.variables.values()) await variable.locate(variable.spec.shape.map(() => 0));
      } catch (error) {
        assert.ok(isGyreError(error, "BadSource"), String(error));
      }
    }
  }
});

interface HeaderOptions {
  readonly shape: readonly number[];
  readonly type: number;
  readonly name?: string;
  readonly dims?: readonly { name: string; length: number }[];
}

/** A CDF-2 header with one variable: what no library would write. */
function header({ shape, type, name = "v", dims = [] }: HeaderOptions): Uint8Array {
  const parts: Buffer[] = [];
  const int = (...values: number[]): void => {
    for (const value of values) {
      const buffer = Buffer.alloc(4);
      buffer.writeInt32BE(value);
      parts.push(buffer);
    }
  };
  const text = (value: string): void => {
    const bytes = Buffer.from(value);
    int(bytes.length);
    parts.push(bytes, Buffer.alloc((4 - (bytes.length % 4)) % 4));
  };
  parts.push(Buffer.from("CDF\x02"));
  const all = [...shape.map((length, i) => ({ name: `d${i}`, length })), ...dims];
  int(0, 10, all.length);
  for (const dim of all) {
    text(dim.name);
    int(dim.length);
  }
  int(0, 0, 11, 1);
  text(name);
  int(shape.length, ...shape.map((_, i) => i), 0, 0, type, 0);
  int(0, Buffer.concat(parts).length + 8);
  parts.push(Buffer.alloc(16));
  return new Uint8Array(Buffer.concat(parts));
}

/** A file that says it is longer than what is there: nothing here reads its values. */
function sparse(bytes: Uint8Array, more: number): Files {
  const files = inMemory(bytes);
  return {
    ...files,
    async head(file, call) {
      const info = await files.head(file, call);
      return info && { ...info, size: info.size + more };
    },
  };
}
