import assert from "node:assert/strict";
import { test } from "node:test";
import type { ArraySpec, Attr, CodecSpec, Dataset } from "../../src/core/array.ts";
import type { DType } from "../../src/core/dtype.ts";
import { consolidateV2, documentsV2, toZarrV2 } from "../../src/write/zarr-v2.ts";
import { consolidateV3, toZarrV3 } from "../../src/write/zarr-v3.ts";

function spec(dtype: DType, codecs: readonly CodecSpec[], rest: Partial<ArraySpec> = {}): ArraySpec {
  return { dtype, dims: ["x"], shape: [4], chunks: [2], codecs, fill: null, attrs: new Map(), ...rest };
}

const LITTLE: CodecSpec = { name: "bytes", configuration: { endian: "little" } };
const BIG: CodecSpec = { name: "bytes", configuration: { endian: "big" } };
const attrs = (entries: { [name: string]: Attr }): Map<string, Attr> => new Map(Object.entries(entries));

test("v2: the last byte codec is the compressor, what stands before it are filters", () => {
  const { zarray } = toZarrV2(
    spec("int16", [
      { name: "delta", configuration: { dtype: ">i2" } },
      BIG,
      { name: "shuffle", configuration: { elementsize: 2 } },
      { name: "zlib", configuration: { level: 4 } },
    ]),
  );
  assert.deepEqual(zarray.filters, [
    { id: "delta", dtype: ">i2" },
    { id: "shuffle", elementsize: 2 },
  ]);
  assert.deepEqual(zarray.compressor, { id: "zlib", level: 4 });
  assert.equal(zarray.dtype, ">i2");
});

test("v2: array codecs alone leave no compressor", () => {
  const delta = toZarrV2(spec("int16", [{ name: "delta", configuration: { dtype: "<i2" } }, LITTLE])).zarray;
  assert.deepEqual([delta.compressor, delta.filters], [null, [{ id: "delta", dtype: "<i2" }]]);
  const text = toZarrV2(spec("string", [{ name: "vlen-utf8" }])).zarray;
  assert.deepEqual([text.dtype, text.compressor, text.filters], ["|O", null, [{ id: "vlen-utf8" }]]);
});

test("v2: reversed axes are Fortran order, other permutations are refused", () => {
  const shape = { shape: [4, 6], chunks: [2, 3], dims: ["y", "x"] };
  const transposed = (order: number[]): ArraySpec =>
    spec("float32", [{ name: "transpose", configuration: { order } }, LITTLE], shape);
  assert.equal(toZarrV2(transposed([1, 0])).zarray.order, "F");
  assert.equal(toZarrV2(transposed([0, 1])).zarray.order, "C");
  const cube = { shape: [2, 2, 2], chunks: [2, 2, 2], dims: ["z", "y", "x"] };
  assert.throws(
    () => toZarrV2(spec("float32", [{ name: "transpose", configuration: { order: [1, 0, 2] } }, LITTLE], cube)),
    /transpose/,
  );
});

test("numbers of floating-point types are written as such, large ones too", () => {
  const { zarray, zattrs } = toZarrV2(
    spec("float32", [LITTLE], {
      fill: Math.fround(1e20),
      attrs: attrs({
        _FillValue: { dtype: "float32", value: Math.fround(1e20) },
        missing_value: { dtype: "float32", value: [Math.fround(1e20)] },
        scale_factor: { dtype: "float64", value: 10 },
        valid_range: { dtype: "float64", value: [-2, 0.5] },
        flag: { dtype: "int16", value: 1 },
      }),
    }),
  );
  assert.match(JSON.stringify(zarray), /"fill_value":1\.0000000200408773e\+20,/);
  assert.equal(
    JSON.stringify(zattrs),
    '{"missing_value":[1.0000000200408773e+20],"scale_factor":10.0,"valid_range":[-2.0,0.5],"flag":1,"_ARRAY_DIMENSIONS":["x"]}',
  );
});

test("v2: codecs without an id are refused by name", () => {
  for (const name of ["sharding_indexed", "scaleoffset", "hdf5:32004"]) {
    assert.throws(() => toZarrV2(spec("int8", [LITTLE, { name }])), {
      message: new RegExp(name),
      name: "GyreError(Unsupported)",
    });
  }
});

test("v2: fill_value says what CF masks, so it follows _FillValue unless asked for exactly", () => {
  const plain = spec("int32", [LITTLE], { fill: -2147483647 });
  assert.equal(toZarrV2(plain).zarray.fill_value, null);
  assert.equal(toZarrV2(plain, { fill: "exact" }).zarray.fill_value, -2147483647);
  const masked = spec("float64", [LITTLE], {
    fill: Number.NaN,
    attrs: attrs({ _FillValue: { dtype: "float64", value: Number.NaN } }),
  });
  assert.equal(toZarrV2(masked).zarray.fill_value, "NaN");
  assert.deepEqual(toZarrV2(masked).zattrs, { _ARRAY_DIMENSIONS: ["x"] });
});

test("64-bit fill values keep every digit", () => {
  const text = JSON.stringify(toZarrV3(spec("int64", [LITTLE], { fill: 9223372036854775807n })));
  assert.match(text, /"fill_value":9223372036854775807[,}]/);
});

test("structures: padding becomes members in v2 and is refused in v3", () => {
  const dtype: DType = {
    kind: "struct",
    size: 16,
    fields: [
      { name: "a", dtype: "int8", offset: 0, shape: [] },
      { name: "b", dtype: "float32", offset: 4, shape: [2] },
    ],
  };
  assert.deepEqual(toZarrV2(spec(dtype, [LITTLE])).zarray.dtype, [
    ["a", "|i1"],
    ["_padding1", "|V3"],
    ["b", "<f4", [2]],
    ["_padding12", "|V4"],
  ]);
  assert.throws(() => toZarrV3(spec(dtype, [LITTLE])), { name: "GyreError(Unsupported)" });
});

test("v3: numcodecs get their prefix, blosc and crc32c their own form", () => {
  const { codecs } = toZarrV3(
    spec("float32", [
      LITTLE,
      { name: "shuffle", configuration: { elementsize: 4 } },
      { name: "blosc", configuration: { cname: "zstd", clevel: 3, shuffle: 2, blocksize: 0 } },
      { name: "crc32c" },
    ]),
  );
  assert.deepEqual(codecs, [
    { name: "bytes", configuration: { endian: "little" } },
    { name: "numcodecs.shuffle", configuration: { elementsize: 4 } },
    { name: "blosc", configuration: { typesize: 4, cname: "zstd", clevel: 3, shuffle: "bitshuffle", blocksize: 0 } },
    { name: "crc32c" },
  ]);
});

test("v3: _FillValue is written as xarray reads it", () => {
  const { attributes } = toZarrV3(
    spec("float32", [LITTLE], { attrs: attrs({ _FillValue: { dtype: "float32", value: Number.NaN } }) }),
  );
  assert.deepEqual({ ...(attributes as object) }, { _FillValue: "AAAAAAAA+H8=" });
});

test("whole datasets: groups first, what cannot be said is left out", () => {
  const good = spec("int16", [LITTLE]);
  const bad = spec("int16", [LITTLE, { name: "sharding_indexed" }]);
  const locate = async (): Promise<undefined> => undefined;
  const group = { attrs: attrs({ title: { dtype: "string", value: "t" } }), dimensions: new Map() };
  const dataset: Dataset = {
    ...group,
    format: "test",
    version: "1",
    groups: new Map([["g", group]]),
    variables: new Map([
      ["a", { name: "a", spec: good, locate }],
      ["g/b", { name: "g/b", spec: bad, locate }],
    ]),
  };
  const keys = [...documentsV2(dataset)].map(([key]) => key);
  assert.deepEqual(keys, [".zgroup", ".zattrs", "g/.zgroup", "g/.zattrs", "a/.zarray", "a/.zattrs"]);
  const zmetadata = consolidateV2(documentsV2(dataset)) as { metadata: { [key: string]: unknown } };
  assert.deepEqual({ ...(zmetadata.metadata["g/.zattrs"] as object) }, { title: "t" });
  const root = consolidateV3(dataset) as { consolidated_metadata: { metadata: object } };
  assert.deepEqual(Object.keys(root.consolidated_metadata.metadata), ["g", "a", "g/b"]);
});
