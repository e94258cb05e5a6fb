import type { Attr, Dataset, Dimension, Group, Variable } from "../../src/core/array.ts";
import { attrFromJson } from "../../src/core/attrs.ts";
import type { DType } from "../../src/core/dtype.ts";
import type { createArchive, Stored } from "./archive.ts";

const BYTES = { name: "bytes", configuration: { endian: "little" } };
const DEFLATE = { name: "zlib", configuration: { level: 1 } };

export const TIMES = 3;
export const LATS = [-45, -15, 15, 45];
export const LONS = [0, 45, 90, 135, 180, 225, 270, 315];

/** Air temperature at (time, lat, lon); 1e20, its fill, where it was not measured. */
export const tasAt = (time: number, lat: number, lon: number): number =>
  time === 2 || (lat === 1 && lon === 1) ? 1e20 : Math.fround(250 + time * 10 + lat + lon / 7);

const field = Float32Array.from({ length: TIMES * 32 }, (_, i) =>
  tasAt(Math.floor(i / 32), Math.floor(i / 8) % 4, i % 8),
);

const ENUM: DType = {
  kind: "enum",
  base: "uint8",
  members: new Map([
    ["open sea", 0],
    ["land", 1],
  ]),
};

/** Arrays of every kind that protocols treat in a way of its own. */
const ARRAYS: Readonly<Record<string, Stored>> = {
  time: {
    dtype: "int32",
    dims: ["time"],
    shape: [TIMES],
    values: Int32Array.of(0, 30, 60),
    attrs: { units: "days since 2000-01-30", calendar: "360_day", bounds: "time_bnds" },
  },
  time_bnds: {
    dtype: "float64",
    dims: ["time", "bnds"],
    shape: [3, 2],
    values: Float64Array.of(0, 30, 30, 60, 60, 90),
  },
  lat: {
    dtype: "float32",
    dims: ["lat"],
    shape: [4],
    values: Float32Array.from(LATS),
    attrs: { units: "degrees_north" },
  },
  lon: {
    dtype: "float64",
    dims: ["lon"],
    shape: [8],
    values: Float64Array.from(LONS),
    attrs: { units: "degrees_east", bounds: "lon_bnds" },
  },
  lon_bnds: {
    dtype: "float64",
    dims: ["lon", "bnds"],
    shape: [8, 2],
    values: Float64Array.from(LONS.flatMap((lon) => [lon - 22.5, lon + 22.5])),
  },
  tas: {
    dtype: "float32",
    dims: ["time", "lat", "lon"],
    shape: [TIMES, 4, 8],
    chunks: [1, 4, 5],
    codecs: [BYTES, { name: "shuffle", configuration: { elementsize: 4 } }, DEFLATE],
    fill: 1e20,
    attrs: { _FillValue: 1e20, units: "K", long_name: "<b>Air & sea</b>", coordinates: "crs" },
    values: field,
    without: ["2.0.0", "2.0.1"],
  },
  pr: {
    dtype: "float32",
    dims: ["time", "lat", "lon"],
    shape: [TIMES, 4, 8],
    chunks: [2, 3, 5],
    codecs: [BYTES, DEFLATE],
    attrs: { units: "kg m-2 s-1" },
    values: field.map((v) => (v > 1e19 ? 0 : v / 1000)),
  },
  height: {
    dtype: "int16",
    dims: ["lat", "lon"],
    shape: [4, 8],
    chunks: [2, 8],
    fill: -9,
    values: Int16Array.from({ length: 32 }, (_, i) => i * 100),
    without: ["1.0"],
  },
  name: {
    dtype: { kind: "fixed-bytes", length: 1 },
    dims: ["lat", "letters"],
    shape: [4, 3],
    values: new TextEncoder().encode("onetwotriqua"),
  },
  label: {
    dtype: "string",
    dims: ["lat"],
    shape: [4],
    codecs: [{ name: "vlen-utf8" }],
    values: ["süd", "", "a", "north"],
  },
  kind: { dtype: ENUM, dims: ["lat"], shape: [4], values: Uint8Array.of(0, 1, 1, 0) },
  ragged: {
    dtype: { kind: "vlen", base: "int32" },
    dims: ["lat"],
    shape: [4],
    codecs: [{ name: "vlen-array", configuration: { dtype: "<i4" } }],
    values: [Int32Array.of(1), Int32Array.of(), Int32Array.of(1, 2), Int32Array.of(3)],
  },
  crs: {
    dtype: "int32",
    dims: [],
    shape: [],
    values: Int32Array.of(7),
    attrs: { grid_mapping_name: "latitude_longitude" },
  },
  ["__proto__"]: { dtype: "uint8", dims: ["lat"], shape: [4], values: Uint8Array.of(1, 2, 3, 4) },
  "sub/depth": { dtype: "float64", dims: ["lat"], shape: [4], values: Float64Array.of(1, 2, 3, 4) },
  "sub/deep/x": { dtype: "int8", dims: ["k"], shape: [2], values: Int8Array.of(-1, 1) },
};

const attrs = (json: Readonly<Record<string, string>>): Map<string, Attr> =>
  new Map(Object.entries(json).map(([name, value]) => [name, attrFromJson(value)]));
const dimensions = (sizes: Readonly<Record<string, number>>): Map<string, Dimension> =>
  new Map(Object.entries(sizes).map(([name, size]) => [name, { size, unlimited: name === "time" }]));

/** A small dataset with everything in it, put into an archive. */
export async function createGrid(archive: Awaited<ReturnType<typeof createArchive>>, id = "grid"): Promise<Dataset> {
  const variables = new Map<string, Variable>();
  for (const [name, stored] of Object.entries(ARRAYS)) variables.set(name, await archive.store(id, name, stored));
  const odd = await archive.store(id, "odd", {
    dtype: "int16",
    dims: ["lat"],
    shape: [4],
    values: Int16Array.of(1, 2, 3, 4),
  });
  variables.set("odd", { ...odd, spec: { ...odd.spec, codecs: [BYTES, { name: "hdf5:32099" }] } });
  const groups = new Map<string, Group>([
    ["sub", { attrs: attrs({ comment: "a group" }), dimensions: dimensions({}) }],
    ["sub/deep", { attrs: attrs({}), dimensions: dimensions({ k: 2 }) }],
  ]);
  return {
    format: "netcdf4",
    version: `version-of-${id}`,
    attrs: attrs({ title: 'A "small" <grid>', Conventions: "CF-1.10" }),
    dimensions: dimensions({ time: TIMES, lat: 4, lon: 8, bnds: 2, letters: 3 }),
    groups,
    variables,
  };
}
