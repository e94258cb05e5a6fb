import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { crsFromEpsg, crsFromProj, LONLAT, transform } from "../../../src/core/crs.ts";
import { isGyreError } from "../../../src/errors.ts";
import type { MultiPolygon } from "../../../src/flows/boundaries/boundary.ts";
import { type ClipOptions, type Clipped, clipDataset } from "../../../src/flows/raster/clip.ts";
import { windowAxes } from "../../../src/flows/raster/window-grid.ts";
import { box, grid, image, joined, type Sample, valuesOf } from "./sample.ts";

const range = (count: number, from: number, step: number): number[] =>
  Array.from({ length: count }, (_, i) => from + i * step);

async function clip(
  { dataset, reader }: Sample,
  area: MultiPolygon,
  options: Partial<ClipOptions> = {},
): Promise<Clipped | undefined> {
  const clipped = await clipDataset(dataset, area, { mode: "polygon", ...options }, reader);
  assert.ok((clipped?.variables.length ?? 1) === 1);
  return clipped?.variables[0];
}

async function found(sample: Sample, area: MultiPolygon, options: Partial<ClipOptions> = {}): Promise<Clipped> {
  const clipped = await clip(sample, area, options);
  assert.ok(clipped !== undefined, "nothing lies inside");
  return clipped;
}

const degrees = (dtype: "float32" | "uint8" | "int16" = "float32", nodata?: number): Promise<Sample> =>
  image({
    ...{ width: 64, height: 48, dtype, crs: LONLAT, transform: [0, 1, 0, 48, 0, -1] },
    ...(nodata === undefined ? {} : { nodata }),
    value: (column, row) => (column + row) % 100,
  });

describe("clipping an image", () => {
  test("keeps the window, and with `polygon` nothing outside", async () => {
    const triangle: MultiPolygon = {
      type: "MultiPolygon",
      coordinates: [
        [
          [
            [10, 10],
            [20, 10],
            [10, 20],
            [10, 10],
          ],
        ],
      ],
    };
    const envelope = await found(await degrees(), triangle, { mode: "envelope" });
    assert.deepEqual(envelope.spec.shape, [10, 10]);
    assert.ok((await valuesOf(envelope)).every((value) => !Number.isNaN(value)));
    const cut = await valuesOf(await found(await degrees(), triangle));
    cut.forEach((value, i) => {
      const [column, row] = [10 + (i % 10), 28 + Math.floor(i / 10)];
      // Middles on the slanted side are on the right of the polygon: inside.
      if (i % 10 <= Math.floor(i / 10)) assert.equal(value, (column + row) % 100);
      else assert.ok(Number.isNaN(value), `cell ${i}`);
    });
  });

  test("reads no tile that lies outside of the polygon", async () => {
    const sample = await degrees();
    const corners = joined(box(0.2, 0.2, 3, 3), box(60, 44, 63.5, 47.5));
    sample.files.reset();
    const clipped = await found(sample, corners);
    assert.deepEqual(clipped.spec.shape, [48, 64]);
    await valuesOf(clipped);
    assert.equal(sample.files.counts.reads, 2, "two of twelve tiles");
  });

  test("nothing inside is undefined; a sliver has no middle, but is touched", async () => {
    assert.equal(await clip(await degrees(), box(100, 0, 110, 10)), undefined);
    const sliver = box(5.1, 5, 5.2, 30);
    assert.equal(await clip(await degrees(), sliver), undefined);
    assert.deepEqual((await found(await degrees(), sliver, { allTouched: true })).spec.shape, [25, 1]);
    assert.deepEqual((await found(await degrees(), sliver, { mode: "envelope" })).spec.shape, [25, 1]);
  });

  test("nodata is the source's own, else the one chosen, else what is documented", async () => {
    const area: MultiPolygon = {
      type: "MultiPolygon",
      coordinates: [
        [
          [
            [10, 10],
            [20, 10],
            [10, 20],
            [10, 10],
          ],
        ],
      ],
    };
    const nodata = async (dtype: "float32" | "uint8" | "int16", own?: number, chosen?: number): Promise<unknown> =>
      (await found(await degrees(dtype, own), area, chosen === undefined ? {} : { nodata: chosen })).nodata;
    assert.equal(await nodata("float32"), Number.NaN);
    assert.equal(await nodata("uint8"), 255);
    assert.equal(await nodata("int16"), -32768);
    assert.equal(await nodata("int16", -1, 7), -1);
    assert.equal(await nodata("int16", undefined, 7), 7);
    await assert.rejects(nodata("uint8", undefined, 256), (error) => isGyreError(error, "BadRequest"));
    const { notes } = (await clipDataset(
      (
        await degrees("uint8")
      ).dataset,
      area,
      { mode: "polygon" },
      (
        await degrees()
      ).reader,
    ))!;
    assert.match(notes.join(), /255 outside/);
  });

  test("in its own projection: edges follow the parallels there", async () => {
    const crs = crsFromProj("+proj=moll +lon_0=0 +datum=WGS84");
    const size = 50_000;
    const sample = await image({
      ...{ width: 720, height: 360, crs, transform: [-18_000_000, size, 0, 9_000_000, 0, -size] },
      value: (column, row) => column * 1000 + row,
    });
    const area = box(-60, 20, 80, 50);
    const clipped = await found(sample, area);
    const back = transform(crs, LONLAT);
    const { x, y } = windowAxes(clipped)!;
    const values = await valuesOf(clipped);
    let near = 0;
    values.forEach((value, i) => {
      const [longitude, latitude] = back(
        x.centres[i % x.centres.length]!,
        y.centres[Math.floor(i / x.centres.length)]!,
      );
      const away = Math.max(-60 - longitude, longitude - 80, 20 - latitude, latitude - 50);
      if (Math.abs(away) < 0.05) near++;
      else assert.equal(Number.isNaN(value), away > 0, `${longitude} ${latitude}`);
    });
    assert.ok(near < values.length / 50);
  });

  test("to another CRS: values are where they were", async () => {
    const sample = await degrees();
    const utm = crsFromEpsg(32632)!;
    const clipped = await found(sample, box(5, 40, 12, 46), { crs: utm, resampling: "nearest" });
    const back = transform(utm, LONLAT);
    const { x, y } = windowAxes(clipped)!;
    const values = await valuesOf(clipped);
    let [inside, off] = [0, 0];
    values.forEach((value, i) => {
      const [longitude, latitude] = back(
        x.centres[i % x.centres.length]!,
        y.centres[Math.floor(i / x.centres.length)]!,
      );
      const [column, row] = [longitude, 48 - latitude];
      const isNearSide = [column, row].some((n) => Math.abs(n - Math.round(n)) < 0.02);
      if (Number.isNaN(value) || isNearSide) return;
      inside++;
      if (value !== (Math.floor(column) + Math.floor(row)) % 100) off++;
      assert.ok(longitude > 4.99 && longitude < 12.01 && latitude > 39.99 && latitude < 46.01);
    });
    assert.ok(inside > 30, `${inside} values`);
    assert.equal(off, 0);
  });
});

describe("clipping a grid of longitudes and latitudes", () => {
  const value = (latitude: number, longitude: number, time: number): number =>
    1000 * time + latitude + (((longitude % 360) + 360) % 360) / 1000;

  test("ascending or descending latitudes, dimensions in any order", async () => {
    for (const latitudes of [range(180, -89.5, 1), range(180, 89.5, -1)]) {
      for (const dims of [
        ["time", "lat", "lon"],
        ["lat", "lon", "time"],
        ["lon", "time", "lat"],
      ] as const) {
        const sample = await grid({ latitudes, longitudes: range(360, -179.5, 1), dims, value });
        const clipped = await found(sample, box(10, 20, 13, 22));
        const sizes = { time: 2, lat: 2, lon: 3 };
        assert.deepEqual(
          clipped.spec.shape,
          dims.map((dim) => sizes[dim]),
        );
        const values = (await valuesOf(clipped)).sort((a, b) => a - b);
        const expected = [0, 1].flatMap((time) =>
          [20.5, 21.5].flatMap((lat) => [10.5, 11.5, 12.5].map((lon) => value(lat, lon, time))),
        );
        assert.deepEqual(
          values,
          expected.map(Math.fround).sort((a, b) => a - b),
        );
      }
    }
  });

  test("0 to 360: one window across Greenwich, longitudes go on", async () => {
    const sample = await grid({ latitudes: range(180, -89.5, 1), longitudes: range(360, 0.5, 1), value });
    const clipped = await found(sample, box(-3, 50, 2, 52));
    assert.deepEqual([...windowAxes(clipped)!.x.centres], [357.5, 358.5, 359.5, 360.5, 361.5]);
    assert.deepEqual(
      (await valuesOf(clipped)).slice(0, 5),
      [-2.5, -1.5, -0.5, 0.5, 1.5].map((lon) => Math.fround(value(50.5, lon, 0))),
    );
  });

  test("the antimeridian: one window on a grid around the Earth, all between on another", async () => {
    const area = joined(box(177, -19, 180, -16), box(-180, -19, -178, -16));
    const around = await grid({ latitudes: range(180, 89.5, -1), longitudes: range(360, -179.5, 1), value });
    const clipped = await found(around, area);
    assert.deepEqual([...windowAxes(clipped)!.x.centres], [177.5, 178.5, 179.5, 180.5, 181.5]);
    assert.equal((await valuesOf(clipped)).filter(Number.isNaN).length, 0);
    const regional = await grid({ latitudes: range(40, 0.5, -1), longitudes: range(350, -179.5, 1), value });
    const hull = await found(regional, joined(box(165, -19, 168, -16), box(-180, -19, -178, -16)));
    assert.equal(hull.spec.shape[2], 348);
    const pacific = await grid({ latitudes: range(40, 0.5, -1), longitudes: range(40, 160.5, 1), value });
    assert.equal((await found(pacific, area)).spec.shape[2], 5);
  });

  test("poles: cells end there, and a polygon around one has all columns", async () => {
    const sample = await grid({ latitudes: range(181, -90, 1), longitudes: range(360, 0, 1), value });
    const clipped = await found(sample, box(-180, 80, 180, 90));
    assert.deepEqual(clipped.spec.shape, [2, 11, 360]);
    assert.equal(windowAxes(clipped)!.y.edges.at(-1), 90);
    // Both the cells around 80 degrees and those at the pole have their middle on an edge, which counts.
    assert.equal((await valuesOf(clipped)).filter(Number.isNaN).length, 0);
  });

  test("packed integers keep their packing, and their own missing value", async () => {
    const attrs = new Map([
      ["_FillValue", { dtype: "int16", value: -999 } as const],
      ["scale_factor", { dtype: "float64", value: 0.1 } as const],
    ]);
    const sample = await grid({
      latitudes: range(20, 0.5, 1),
      longitudes: range(20, 0.5, 1),
      dtype: "int16",
      attrs,
      value: () => 5,
    });
    const triangle: MultiPolygon = {
      type: "MultiPolygon",
      coordinates: [
        [
          [
            [2, 2],
            [9, 2],
            [2, 9],
            [2, 2],
          ],
        ],
      ],
    };
    const values = await valuesOf(await found(sample, triangle));
    assert.deepEqual(
      [...new Set(values)].sort((a, b) => a - b),
      [-999, 5],
    );
  });

  test("curvilinear and other datasets without rows and columns on Earth are told of", async () => {
    const sample = await grid({ latitudes: range(4, 0, 1), longitudes: range(4, 0, 1), value });
    const without = {
      ...sample.dataset,
      variables: new Map([...sample.dataset.variables].filter(([name]) => name !== "lat")),
    };
    await assert.rejects(clip({ ...sample, dataset: without }, box(0, 0, 1, 1)), (error) =>
      isGyreError(error, "Unsupported"),
    );
    await assert.rejects(clip(sample, box(0, 0, 1, 1), { variable: "pr" }), (error) =>
      isGyreError(error, "Unsupported"),
    );
  });
});
