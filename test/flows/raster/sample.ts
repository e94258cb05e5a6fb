import { createDecoder } from "../../../src/codecs/pool.ts";
import type { ArraySpec, Attr, Dataset } from "../../../src/core/array.ts";
import type { Crs } from "../../../src/core/crs.ts";
import { allocate, type NumericType, type TypedArray } from "../../../src/core/dtype.ts";
import { all } from "../../../src/core/selection.ts";
import { createMemoryFiles } from "../../../src/files/memory.ts";
import { withCounting } from "../../../src/files/with-counting.ts";
import type { MultiPolygon } from "../../../src/flows/boundaries/boundary.ts";
import type { Clipped } from "../../../src/flows/raster/clip.ts";
import { geotiff } from "../../../src/formats/geotiff/geotiff.ts";
import { hdf5 } from "../../../src/formats/hdf5/hdf5.ts";
import type { ChunkReader } from "../../../src/read/chunk.ts";
import { writeCog } from "../../../src/write/cog.ts";
import { writeNetcdf4 } from "../../../src/write/netcdf4/write.ts";
import { inMemory, type SourceVariable } from "../../../src/write/source.ts";
import { codecs, openWith } from "../../formats/values.ts";

export const decoder = createDecoder({ registry: codecs, workers: 0 });

/** A dataset in memory, with what reads it and counts the reads. */
export interface Sample {
  readonly dataset: Dataset;
  readonly reader: ChunkReader;
  readonly files: ReturnType<typeof withCounting>;
}

export function box(west: number, south: number, east: number, north: number): MultiPolygon {
  const ring = [
    [west, south],
    [east, south],
    [east, north],
    [west, north],
    [west, south],
  ];
  return { type: "MultiPolygon", coordinates: [[ring]] };
}

export function joined(...areas: readonly MultiPolygon[]): MultiPolygon {
  return { type: "MultiPolygon", coordinates: areas.flatMap(({ coordinates }) => coordinates) };
}

export interface ImageOptions {
  readonly width: number;
  readonly height: number;
  readonly bands?: number;
  readonly dtype?: NumericType;
  readonly crs: Crs;
  readonly transform: readonly [number, number, number, number, number, number];
  readonly nodata?: number;
  /** Of column, row and band. */
  readonly value: (column: number, row: number, band: number) => number;
}

/** A GeoTIFF with tiles of 16 pixels. */
export async function image(options: ImageOptions): Promise<Sample> {
  const { width, height, bands = 1, dtype = "float32", crs, transform, nodata, value } = options;
  const raster = {
    ...{ dtype, width, height, bands },
    async rows(first: number, count: number): Promise<TypedArray[]> {
      return Array.from({ length: bands }, (_, band) => {
        const plane = allocate(dtype, width * count) as Float64Array;
        for (let i = 0; i < plane.length; i++) plane[i] = value(i % width, first + Math.floor(i / width), band);
        return plane;
      });
    },
  };
  const description = { crs, transform, ...(nodata === undefined ? {} : { nodata }) };
  const written = writeCog(raster, { ...description, encoder: decoder, tile: 16, overviews: "none" });
  return opened(geotiff, "memory:///image.tif", Buffer.concat(await Array.fromAsync(written)));
}

export interface GridOptions {
  readonly latitudes: readonly number[];
  readonly longitudes: readonly number[];
  readonly times?: number;
  readonly dims?: readonly ("time" | "lat" | "lon")[];
  readonly dtype?: NumericType;
  readonly attrs?: ReadonlyMap<string, Attr>;
  readonly value: (latitude: number, longitude: number, time: number) => number;
}

export const text = (value: string): Attr => ({ dtype: "string", value });
const PLAIN = [{ name: "bytes", configuration: { endian: "little" } }];

/** A NetCDF-4 file of months on a grid of longitudes and latitudes, with bounds of the latitudes. */
export async function grid(options: GridOptions): Promise<Sample> {
  const { latitudes, longitudes, times = 2, dims = ["time", "lat", "lon"], dtype = "float32", value } = options;
  const sizes = { time: times, lat: latitudes.length, lon: longitudes.length };
  const shape = dims.map((dim) => sizes[dim]);
  const values = allocate(dtype, times * latitudes.length * longitudes.length) as Float64Array;
  for (let i = 0; i < values.length; i++) {
    const at = { time: 0, lat: 0, lon: 0 };
    let rest = i;
    for (const dim of dims.toReversed()) {
      at[dim] = rest % sizes[dim];
      rest = Math.floor(rest / sizes[dim]);
    }
    values[i] = value(latitudes[at.lat]!, longitudes[at.lon]!, at.time);
  }
  const axis = (name: string, list: readonly number[], attrs: readonly (readonly [string, string])[]): SourceVariable =>
    inMemory(name, specOf([name], [list.length], attrs), Float64Array.from(list));
  const variables = [
    axis(
      "time",
      Array.from({ length: times }, (_, i) => i * 31),
      [["units", "days since 2000-01-01"]],
    ),
    axis("lat", latitudes, [
      ["units", "degrees_north"],
      ["bounds", "lat_bnds"],
    ]),
    axis("lon", longitudes, [["units", "degrees_east"]]),
    inMemory(
      "lat_bnds",
      specOf(["lat", "bnds"], [latitudes.length, 2], []),
      Float64Array.from(latitudes.flatMap((latitude) => [latitude - 0.5, latitude + 0.5])),
    ),
    inMemory(
      "tas",
      {
        ...specOf(dims, shape, [["units", "K"]]),
        dtype,
        attrs: new Map([["units", text("K")], ...(options.attrs ?? [])]),
      },
      values,
    ),
  ];
  const dimensions = new Map(
    Object.entries({ ...sizes, bnds: 2 }).map(([name, size]) => [name, { size, unlimited: false }]),
  );
  const source = { attrs: new Map([["title", text("months")]]), dimensions, groups: new Map() };
  const written = writeNetcdf4(
    { ...source, variables: new Map(variables.map((v) => [v.name, v])) },
    { encoder: decoder },
  );
  return opened(hdf5, "memory:///grid.nc", Buffer.concat(await Array.fromAsync(written)));
}

function specOf(
  dims: readonly string[],
  shape: readonly number[],
  attrs: readonly (readonly [string, string])[],
): ArraySpec {
  const said = new Map(attrs.map(([name, value]) => [name, text(value)]));
  return { dtype: "float64", dims, shape, chunks: shape, codecs: PLAIN, fill: null, attrs: said };
}

async function opened(format: typeof geotiff, href: string, bytes: Uint8Array): Promise<Sample> {
  const files = withCounting(createMemoryFiles([[href, bytes]]));
  return { dataset: await openWith(format, new URL(href), files), reader: { files, decoder }, files };
}

/** All values of what was clipped, as numbers. */
export async function valuesOf(clipped: Clipped): Promise<number[]> {
  const { data } = await clipped.read(all(clipped.spec.shape));
  return Array.from(data as Float64Array | BigInt64Array, Number);
}
