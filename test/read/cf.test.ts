import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import type { ArraySpec, Attr, Block } from "../../src/core/array.ts";
import { allocate, type DType, type TypedArray } from "../../src/core/dtype.ts";
import { isGyreError } from "../../src/errors.ts";
import { flagMeanings, flagsOf } from "../../src/read/cf/flags.ts";
import { timesOf, timeTexts, timeUnitsOf } from "../../src/read/cf/times.ts";
import { decodeCf, decodedSpec } from "../../src/read/cf.ts";

interface Case {
  readonly name: string;
  readonly dtype: "int8" | "int64" | "float32";
  readonly attrs: { readonly [name: string]: Attr };
  readonly stored: readonly (number | string)[];
  readonly xarray: { readonly dtype: string; readonly values: readonly (number | null)[] };
  readonly netcdf4: readonly (number | null)[];
}

/** See test/fixtures/cf/make.py. */
const cases = JSON.parse(readFileSync(new URL("../fixtures/cf/cases.json", import.meta.url), "utf8")) as Case[];

function spec(dtype: DType, attrs: Iterable<readonly [string, Attr]>, shape: readonly number[]): ArraySpec {
  const dims = shape.map((_, i) => `d${i}`);
  return { dtype, dims, shape, chunks: shape, codecs: [], fill: null, attrs: new Map(attrs) };
}

function blockOf({ dtype, stored }: Case): Block {
  const shape = [stored.length];
  if (dtype === "int64") return { dtype, shape, data: new BigInt64Array(stored.map((value) => BigInt(value))) };
  const data = allocate(dtype, stored.length) as Float32Array;
  data.set(stored.map(Number));
  return { dtype, shape, data };
}

function meaning(block: ReturnType<typeof decodeCf>): (number | null)[] {
  return Array.from(block.data as Float64Array, (value, i) =>
    block.mask?.[i] === 1 || Number.isNaN(value) ? null : Number(value),
  );
}

for (const entry of cases) {
  const described = spec(entry.dtype, Object.entries(entry.attrs), [entry.stored.length]);

  test(`${entry.name}: the values of xarray`, () => {
    const decoded = decodeCf(blockOf(entry), described, { validRange: false });
    // Unpacked integers keep their type here and carry a mask; xarray turns them into floats.
    const stays = decoded.mask !== undefined;
    if (!stays) assert.equal(decoded.dtype, entry.xarray.dtype);
    assert.equal(decoded.dtype, decodedSpec(described, { validRange: false }).dtype);
    assert.deepEqual(meaning(decoded), entry.xarray.values);
  });

  test(`${entry.name}: the mask of netCDF4-python`, () => {
    if (entry.name === "_Unsigned false") return; // netCDF4-python does not know it
    const decoded = decodeCf(blockOf(entry), described, { defaultFill: "all" });
    assert.deepEqual(
      meaning(decoded).map((value) => value === null),
      entry.netcdf4.map((value) => value === null),
    );
  });
}

test("default fills of bytes are values unless all are asked for", () => {
  const block: Block = { dtype: "uint8", shape: [2], data: new Uint8Array([1, 255]) };
  const masked = (defaultFill: boolean | "all") => meaning(decodeCf(block, spec("uint8", [], [2]), { defaultFill }));
  assert.deepEqual(
    [masked(false), masked(true), masked("all")],
    [
      [1, 255],
      [1, 255],
      [1, null],
    ],
  );
});

test("the default fill of a type is none of its unsigned meaning", () => {
  const block: Block = { dtype: "int16", shape: [2], data: Int16Array.of(-32767, 1) };
  const described = spec("int16", [["_Unsigned", { dtype: "string", value: "true" }]], [2]);
  assert.deepEqual(meaning(decodeCf(block, described, { defaultFill: true })), [32769, 1]);
  assert.deepEqual(meaning(decodeCf(block, spec("int16", [], [2]), { defaultFill: true })), [null, 1]);
});

test("a block without rules is passed through", () => {
  const block: Block = { dtype: "float32", shape: [2], data: new Float32Array([1, 2]) };
  assert.equal(decodeCf(block, spec("float32", [["units", { dtype: "string", value: "K" }]], [2])), block);
});

test("the decoded description drops what decoding used up", () => {
  const attrs: [string, Attr][] = [
    ["scale_factor", { dtype: "float32", value: 0.5 }],
    ["_FillValue", { dtype: "int16", value: -1 }],
    ["units", { dtype: "string", value: "K" }],
  ];
  const packed = decodedSpec(spec("int16", attrs, [3]));
  assert.equal(packed.dtype, "float32");
  assert.ok(Number.isNaN(packed.fill));
  assert.deepEqual([...packed.attrs.keys()], ["units"]);
  const integers = decodedSpec(spec("int16", attrs.slice(1), [3]));
  assert.equal(integers.dtype, "int16");
  assert.ok(integers.attrs.has("_FillValue"));
});

test("Zarr's fill is missing where the caller says so", () => {
  const zarr = { ...spec("int16", [["scale_factor", { dtype: "float64", value: 2 }]], [2]), fill: 7 };
  const block: Block = { dtype: "int16", shape: [2], data: new Int16Array([7, 8]) };
  assert.deepEqual(meaning(decodeCf(block, zarr)), [14, 16]);
  assert.deepEqual(meaning(decodeCf(block, zarr, { fillIsMissing: true })), [null, 16]);
});

test("a double missing_value hides the float it was rounded to", () => {
  const rules = spec("float32", [["missing_value", { dtype: "float64", value: 1e20 }]], [2]);
  assert.deepEqual(meaning(decodeCf({ dtype: "float32", shape: [2], data: new Float32Array([1e20, 1]) }, rules)), [
    null,
    1,
  ]);
});

test("64-bit integers are compared without loss", () => {
  const rules = spec("int64", [["_FillValue", { dtype: "int64", value: 9007199254740993n }]], [2]);
  const data = new BigInt64Array([9007199254740993n, 9007199254740992n]);
  assert.deepEqual([...decodeCf({ dtype: "int64", shape: [2], data }, rules).mask!], [1, 0]);
});

test("characters become strings, with their encoding", () => {
  const char = { kind: "fixed-bytes", length: 1 } as const;
  const bytes = (text: string, encoding: BufferEncoding = "utf8"): Uint8Array =>
    new Uint8Array(Buffer.from(text, encoding));
  const chars: Block = { dtype: char, shape: [2, 4], data: bytes("ab\0\0wxyz") };
  assert.deepEqual(decodeCf(chars, spec(char, [], [2, 4])), { dtype: "string", shape: [2], data: ["ab", "wxyz"] });
  assert.deepEqual(decodedSpec(spec(char, [], [2, 4])).dims, ["d0"]);
  const latin = spec(char, [["_Encoding", { dtype: "string", value: "ISO-8859-1" }]], [4]);
  assert.deepEqual(decodeCf({ dtype: char, shape: [4], data: bytes("Köln", "latin1") }, latin).data, ["Köln"]);
  const fixed = { kind: "fixed-bytes", length: 3 } as const;
  assert.deepEqual(decodeCf({ dtype: fixed, shape: [2], data: bytes("abcd\0\0") }, spec(fixed, [], [2])).data, [
    "abc",
    "d",
  ]);
  const wide = { kind: "fixed-utf32", length: 2 } as const;
  const data = new Uint8Array(new Uint32Array([0x4f60, 0x1f30d, 0x41, 0]).buffer);
  assert.deepEqual(decodeCf({ dtype: wide, shape: [2], data }, spec(wide, [], [2])).data, ["你🌍", "A"]);
});

test("flags have meanings, by value, by bit and by field", () => {
  const attr = (dtype: DType, value: Attr["value"]): Attr => ({ dtype, value });
  const flags = (values: number[] | undefined, masks: number[] | undefined, meanings: string) =>
    flagsOf(
      new Map([
        ...(values === undefined ? [] : [["flag_values", attr("int8", values)] as const]),
        ...(masks === undefined ? [] : [["flag_masks", attr("int8", masks)] as const]),
        ["flag_meanings", attr("string", meanings)] as const,
      ]),
    )!;
  assert.deepEqual(flagMeanings(flags([0, 1, 2], undefined, "sea land ice"), 1), ["land"]);
  assert.deepEqual(flagMeanings(flags(undefined, [1, 2, 4], "cloud snow night"), 5), ["cloud", "night"]);
  assert.deepEqual(flagMeanings(flags([0, 2, 1], [6, 6, 1], "low high bad"), 3), ["high", "bad"]);
  assert.equal(flagsOf(new Map()), undefined);
});

test("times of a coordinate, in its own calendar", () => {
  const time = spec(
    "float64",
    [
      ["units", { dtype: "string", value: "days since 2000-01-01" }],
      ["calendar", { dtype: "string", value: "360_day" }],
    ],
    [3],
  );
  const block: Block = { dtype: "float64", shape: [3], data: new Float64Array([59, 0.5, Number.NaN]) };
  assert.deepEqual(timeTexts(block, timeUnitsOf(time)!), ["2000-02-30T00:00:00", "2000-01-01T12:00:00", null]);
  assert.equal(timeUnitsOf(spec("float64", [["units", { dtype: "string", value: "days" }]], [1])), undefined);
  const broken = spec("float64", [["units", { dtype: "string", value: "days since the flood" }]], [1]);
  assert.throws(
    () => timeUnitsOf(broken),
    (e) => isGyreError(e, "BadSource"),
  );
});

test("datetime64 counts from 1970 and has its own missing value", () => {
  const dtype = { kind: "datetime64", unit: "ns", scale: 1 } as const;
  const data: TypedArray = new BigInt64Array([0n, 1_000_000_000_000_000_000n, -(2n ** 63n)]);
  const texts = timeTexts({ dtype, shape: [3], data }, timeUnitsOf(spec(dtype, [], [3]))!);
  assert.deepEqual(texts, ["1970-01-01T00:00:00", "2001-09-09T01:46:40", null]);
  assert.equal(timesOf({ dtype, shape: [3], data }, timeUnitsOf(spec(dtype, [], [3]))!)[2], undefined);
});
