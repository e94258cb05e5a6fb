import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, type TestContext, test } from "node:test";
import { pathToFileURL } from "node:url";
import { parquetReadObjects } from "hyparquet";
import type { Dataset } from "../../../src/core/array.ts";
import { numericAttr } from "../../../src/core/attrs.ts";
import { LONLAT } from "../../../src/core/crs.ts";
import type { TypedArray } from "../../../src/core/dtype.ts";
import { ANONYMOUS } from "../../../src/core/principal.ts";
import { isGyreError } from "../../../src/errors.ts";
import { createLocalFiles } from "../../../src/files/local.ts";
import type { Boundary, MultiPolygon } from "../../../src/flows/boundaries/boundary.ts";
import type { Progress, StepContext } from "../../../src/flows/flow.ts";
import type { Generated } from "../../../src/flows/processors/processor.ts";
import type { RasterLayer } from "../../../src/flows/raster/layer.ts";
import { type RasterProcessing, rasterProcessor } from "../../../src/flows/raster/raster-processor.ts";
import { geotiff } from "../../../src/formats/geotiff/geotiff.ts";
import { hdf5 } from "../../../src/formats/hdf5/hdf5.ts";
import { zarr } from "../../../src/formats/zarr/zarr.ts";
import { openWith, readAll } from "../../formats/values.ts";
import { box, grid, image, type Sample } from "./sample.ts";

const metadata = {
  ...{
    dataset: "tas",
    version: "v1",
    description: "",
    author: "",
    title: "",
    titleLong: "",
    summary: "",
    citation: "",
  },
  license: { name: "CC0-1.0", path: "https://creativecommons.org/publicdomain/zero/1.0/", title: "CC0" },
  ...{ originUrl: "https://example.org/", formats: ["GeoTIFF"] },
};
const files = createLocalFiles();

function boundary(geometry: MultiPolygon): Boundary {
  return { name: "area", nameLong: "The area", adminLevel: 0, geometry, bbox: [0, 0, 1, 1], digest: "sha256:0" };
}

interface Made extends Generated {
  readonly folder: string;
  readonly progress: readonly Progress[];
}

function scratch(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), "gyre-raster-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

function layerOf(name: string, { dataset }: Sample): RasterLayer {
  return { name, open: async () => dataset };
}

async function generate(
  t: TestContext,
  config: Partial<RasterProcessing>,
  samples: readonly (readonly [string, Sample])[],
  geometry: MultiPolygon,
  {
    signal = new AbortController().signal,
    told = () => undefined,
  }: { readonly signal?: AbortSignal; readonly told?: (state: Progress) => void } = {},
): Promise<Made> {
  const folder = scratch(t);
  const temporary = scratch(t);
  const progress: Progress[] = [];
  const context: StepContext = {
    ...{ signal, id: "try", attempt: 1, who: ANONYMOUS },
    scratch: async () => temporary,
    progress: (state) => {
      progress.push(state);
      told(state);
    },
    log: () => undefined,
    used: () => undefined,
    generated: () => undefined,
  };
  const processor = processorOf(config, samples);
  const job = {
    ...{ boundary: boundary(geometry), folder },
    fileName: (extension: string, sub?: string) => `tas-v1${sub === undefined ? "" : `-${sub}`}-area.${extension}`,
  };
  return { ...(await processor.generate(job, context)), folder, progress };
}

function processorOf(config: Partial<RasterProcessing>, samples: readonly (readonly [string, Sample])[]) {
  const layers = samples.map(([name, sample]) => layerOf(name, sample));
  return rasterProcessor(
    { metadata, mode: "polygon", ...config },
    { layers: async () => layers, sourceDigest: async () => "sha256:1", reader: samples[0]![1].reader },
  );
}

const months = (): Promise<Sample> =>
  grid({
    latitudes: Array.from({ length: 30 }, (_, i) => 29.5 - i),
    longitudes: Array.from({ length: 360 }, (_, i) => i + 0.5),
    value: (latitude, longitude, time) => time * 1000 + latitude + longitude / 1000,
  });
const picture = (nodata?: number): Promise<Sample> =>
  image({
    ...{ width: 64, height: 48, dtype: "int16", crs: LONLAT, transform: [0, 1, 0, 48, 0, -1] },
    ...(nodata === undefined ? {} : { nodata }),
    value: (column, row) => column + row,
  });

async function values(dataset: Dataset, name: string): Promise<TypedArray> {
  return (await readAll(dataset.variables.get(name)!, files)).data as TypedArray;
}

describe("the raster processor", () => {
  test("hundreds of layers, one file each, one after the other", async (t) => {
    const sample = await picture(-1);
    const samples = Array.from({ length: 120 }, (_, i) => [`year_${1900 + i}`, sample] as const);
    const made = await generate(t, { format: "GeoTIFF" }, samples, box(10, 10, 14, 13));
    assert.equal(made.files.length, 120);
    assert.equal(made.files[3]?.name, "tas-v1-year_1903-area.tif");
    assert.deepEqual(readdirSync(made.folder).sort(), made.files.map(({ name }) => name).sort());
    const percents = made.progress.map(({ percent = 0 }) => percent);
    assert.deepEqual(
      percents,
      [...percents].sort((a, b) => a - b),
    );
    assert.equal(percents.at(-1), 100);
    assert.match(made.progress[1]?.text ?? "", /layer 2 of 120: year_1901/);
    const image = await openWith(geotiff, pathToFileURL(join(made.folder, made.files[7]!.name)), files);
    const { spec } = image.variables.get("band_data")!;
    assert.deepEqual([spec.shape, spec.fill], [[3, 4], -1]);
    assert.equal(made.files[0]?.crs, "EPSG:4326");
    assert.deepEqual([...(await values(image, "band_data"))].slice(0, 4), [45, 46, 47, 48]);
  });

  test("NetCDF and Zarr keep other dimensions, coordinates, bounds and attributes", async (t) => {
    const area = box(358, 10, 360, 12);
    const west: MultiPolygon = {
      type: "MultiPolygon",
      coordinates: [...box(-2, 10, 0, 12).coordinates, ...box(0, 10, 1, 12).coordinates],
    };
    assert.equal(area.coordinates.length, 1);
    for (const format of ["NetCDF", "Zarr"] as const) {
      const made = await generate(t, { format }, [["", await months()]], west);
      assert.deepEqual(
        made.files.map(({ name }) => name),
        [`tas-v1-area.${format === "Zarr" ? "zarr" : "nc"}`],
      );
      const path = join(made.folder, made.files[0]!.name);
      const url = pathToFileURL(format === "Zarr" ? `${path}/` : path);
      const dataset = await openWith(format === "Zarr" ? zarr : hdf5, url, files);
      const tas = dataset.variables.get("tas")!;
      assert.deepEqual(tas.spec.shape, [2, 2, 3]);
      assert.deepEqual([...(await values(dataset, "lon"))], [358.5, 359.5, 360.5]);
      assert.deepEqual([...(await values(dataset, "lat_bnds"))], [11, 12, 10, 11]);
      assert.equal(tas.spec.attrs.get("units")?.value, "K");
      assert.ok(Number.isNaN(numericAttr(tas.spec.attrs, "_FillValue")?.[0] ?? Number.NaN));
      const expected = [11.5 + 0.3585, 11.5 + 0.3595, 11.5 + 0.0005].map(Math.fround);
      assert.deepEqual([...(await values(dataset, "tas"))].slice(0, 3), expected);
      assert.equal(dataset.attrs.get("title")?.value, "months");
    }
  });

  test("a table of statistics beside the rasters, or alone", async (t) => {
    const made = await generate(t, { statistics: "csv" }, [["", await months()]], box(10, 10, 12, 12));
    assert.deepEqual(
      made.files.map(({ name, format }) => [name, format]),
      [["tas-v1-area.csv", "CSV"]],
    );
    const [header, ...rows] = readFileSync(join(made.folder, "tas-v1-area.csv"), "utf8").trim().split("\r\n");
    assert.equal(header, "variable,units,time,mean,min,max,sum,count,area");
    assert.deepEqual(
      rows.map((row) => row.split(",").slice(0, 3)),
      [
        ["tas", "K", "2000-01-01T00:00:00"],
        ["tas", "K", "2000-02-01T00:00:00"],
      ],
    );
    assert.equal(Number(rows[0]!.split(",")[7]), 4);
    const both = await generate(
      t,
      { format: "NetCDF", statistics: "parquet" },
      [["", await months()]],
      box(10, 10, 12, 12),
    );
    const name = both.files[1]!.name;
    assert.equal(name, "tas-v1-statistics-area.parquet");
    const bytes = readFileSync(join(both.folder, name));
    const objects = await parquetReadObjects({
      file: bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length) as ArrayBuffer,
    });
    assert.equal(objects.length, 2);
    assert.equal(objects[1]?.count, 4);
    assert.equal(objects[1]?.mean, Number(rows[1]!.split(",")[3]));
  });

  test("nothing inside: no files, and it says so", async (t) => {
    for (const config of [{ format: "GeoTIFF" }, { statistics: "csv" }] as const) {
      const made = await generate(
        t,
        config,
        [
          ["a", await picture()],
          ["b", await picture()],
        ],
        box(-30, -30, -20, -20),
      );
      assert.deepEqual([made.files, made.isEmpty], [[], true]);
      assert.match(made.notes.join(), /none of 2 layers has anything inside of The area/);
      assert.deepEqual(readdirSync(made.folder), []);
    }
  });

  test("what was chosen for a source without nodata is told", async (t) => {
    const made = await generate(t, { format: "GeoTIFF" }, [["", await picture()]], box(1, 1, 3, 3));
    assert.match(made.notes.join(), /-32768 outside of the boundary/);
  });

  test("stops between and within layers", async (t) => {
    const controller = new AbortController();
    const samples = await Promise.all(["a", "b", "c"].map(async (name) => [name, await picture()] as const));
    const told = ({ text = "" }: Progress): void => {
      if (text.startsWith("layer 2")) controller.abort(new Error("stopped"));
    };
    const made = generate(t, { format: "GeoTIFF" }, samples, box(1, 1, 9, 9), { signal: controller.signal, told });
    await assert.rejects(made, /stopped|aborted/);
  });

  test("estimates what is read and written before", async () => {
    const sample = await picture(-1);
    const call = { who: ANONYMOUS };
    const small = await processorOf({ format: "GeoTIFF" }, [["", sample]]).estimate(boundary(box(1, 1, 3, 3)), call);
    const large = await processorOf({ format: "GeoTIFF" }, [["", sample]]).estimate(boundary(box(1, 1, 63, 47)), call);
    assert.ok(small.readBytes! > 0 && small.readBytes! < large.readBytes! / 4, JSON.stringify([small, large]));
    assert.ok(small.writeBytes! < large.writeBytes! / 100);
    const none = await processorOf({ format: "GeoTIFF" }, [["", sample]]).estimate(boundary(box(100, 1, 103, 3)), call);
    assert.deepEqual([none.readBytes, none.writeBytes], [0, 0]);
    assert.match(none.notes!.join(), /nothing lies inside/);
  });

  test("rows that are not evenly spaced go to NetCDF, not to GeoTIFF", async (t) => {
    const uneven = await grid({ latitudes: [0, 1, 3, 7, 15], longitudes: [0, 1, 2, 3], value: (latitude) => latitude });
    const area = box(0, 0, 3, 15);
    await assert.rejects(generate(t, { format: "GeoTIFF" }, [["", uneven]], area), (error) =>
      isGyreError(error, "Unsupported"),
    );
    const made = await generate(t, { format: "NetCDF" }, [["", uneven]], area);
    assert.ok(statSync(join(made.folder, made.files[0]!.name)).size > 0);
  });
});
