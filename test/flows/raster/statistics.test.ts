import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { feature } from "topojson-client";
import type { Topology } from "topojson-specification";
import { crsFromProj } from "../../../src/core/crs.ts";
import { areaOf } from "../../../src/flows/boundaries/area.ts";
import type { MultiPolygon } from "../../../src/flows/boundaries/boundary.ts";
import { clipDataset } from "../../../src/flows/raster/clip.ts";
import { type Statistics, statisticsOf } from "../../../src/flows/raster/statistics.ts";
import { box, grid, image, joined, type Sample } from "./sample.ts";

const range = (count: number, from: number, step: number): number[] =>
  Array.from({ length: count }, (_, i) => from + i * step);
const value = (latitude: number, longitude: number, time: number): number =>
  100 * time + latitude * 3 + (((longitude % 360) + 360) % 360) / 7;

async function statistics({ dataset, reader }: Sample, area: MultiPolygon): Promise<Statistics[]> {
  const clipped = await clipDataset(dataset, area, { mode: "envelope" }, reader);
  return statisticsOf(clipped!.variables[0]!);
}

/** WGS 84's cells between two latitudes, one degree wide, by Simpson's rule over the meridian. */
function cellArea(south: number, north: number): number {
  const [a, f] = [6378137, 1 / 298.257223563];
  const e2 = f * (2 - f);
  const at = (latitude: number): number => {
    const phi = (latitude * Math.PI) / 180;
    return (a * a * (1 - e2) * Math.cos(phi)) / (1 - e2 * Math.sin(phi) ** 2) ** 2;
  };
  const steps = 200;
  const h = (north - south) / steps;
  let sum = at(south) + at(north);
  for (let i = 1; i < steps; i++) sum += at(south + i * h) * (i % 2 === 1 ? 4 : 2);
  return ((sum * h) / 3) * (Math.PI / 180) ** 2;
}

/** Over a box: every cell by what is cut of its sides. */
function expected(west: number, south: number, east: number, north: number, time: number): Statistics {
  let [weighted, area, sum, count, min, max] = [0, 0, 0, 0, Infinity, -Infinity];
  for (let lat = Math.floor(south); lat < north; lat++) {
    for (let lon = Math.floor(west); lon < east; lon++) {
      const high = Math.min(lat + 1, north) - Math.max(lat, south);
      const wide = Math.min(lon + 1, east) - Math.max(lon, west);
      const cell = Math.fround(value(lat + 0.5, lon + 0.5, time));
      const own = cellArea(lat, lat + 1) * high * wide;
      weighted += cell * own;
      area += own;
      sum += cell * high * wide;
      count += high * wide;
      [min, max] = [Math.min(min, cell), Math.max(max, cell)];
    }
  }
  return { mean: weighted / area, min, max, sum, count, area };
}

function assertClose(found: Statistics | undefined, wanted: Statistics): void {
  for (const key of ["mean", "min", "max", "sum", "count", "area"] as const) {
    assert.ok(
      Math.abs(found![key] - wanted[key]) <= 1e-9 * Math.abs(wanted[key]),
      `${key}: ${found![key]} ${wanted[key]}`,
    );
  }
}

describe("statistics by area", () => {
  for (const [name, longitudes] of [
    ["-180 to 180", range(360, -179.5, 1)],
    ["0 to 360", range(360, 0.5, 1)],
  ] as const) {
    test(`cells on the boundary count by their exact share (${name})`, async () => {
      for (const latitudes of [range(180, -89.5, 1), range(180, 89.5, -1)]) {
        const found = await statistics(await grid({ latitudes, longitudes, value }), box(-3.3, 50.2, 4.7, 59.9));
        assert.equal(found.length, 2);
        found.forEach((own, time) => {
          assertClose(own, expected(-3.3, 50.2, 4.7, 59.9, time));
        });
      }
    });
  }

  test("both sides of the antimeridian are one", async () => {
    const sample = await grid({ latitudes: range(180, 89.5, -1), longitudes: range(360, -179.5, 1), value });
    const [found] = await statistics(sample, joined(box(176.4, -19, 180, -16.5), box(-180, -19, -178.2, -16.5)));
    const wanted = expected(176.4, -19, 181.8, -16.5, 0);
    assertClose(found, wanted);
  });

  test("cells end at the poles, also where their middles lie there", async () => {
    for (const latitudes of [range(181, -90, 1), range(181, 90, -1)]) {
      const sample = await grid({ latitudes, longitudes: range(360, 0, 1), times: 1, value: (latitude) => latitude });
      const [found] = await statistics(sample, box(-180, 89, 180, 90));
      const exact = (cellArea(89.5, 90) + cellArea(88.5, 89.5) / 2) * 360;
      assert.ok(Math.abs(found!.area - exact) < 1e-9 * exact, `${found!.area} ${exact}`);
      // All of the cells at the pole, and half of those below.
      assert.ok(Math.abs(found!.count - 1.5 * 360) < 1e-9, String(found!.count));
    }
  });

  test("a boundary smaller than a cell has that cell's value", async () => {
    const sample = await grid({
      latitudes: range(20, 0.5, 1),
      longitudes: range(20, 0.5, 1),
      dims: ["lat", "lon", "time"],
      value,
    });
    const [first, second] = await statistics(sample, box(3.1, 4.1, 3.3, 4.6));
    assertClose(first, expected(3.1, 4.1, 3.3, 4.6, 0));
    assert.equal(second?.min, Math.fround(value(4.5, 3.5, 1)));
  });

  test("missing values have no part in anything", async () => {
    const holed = (latitude: number, longitude: number): number => (longitude < 5 ? Number.NaN : latitude);
    const sample = await grid({ latitudes: range(20, 0.5, 1), longitudes: range(20, 0.5, 1), times: 1, value: holed });
    const [found] = await statistics(sample, box(3, 0, 7, 2));
    assert.equal(found?.count, 4);
    const [empty] = await statistics(sample, box(1, 0, 3, 2));
    assert.equal(empty?.count, 0);
    assert.ok(Number.isNaN(empty?.mean));
  });

  test("in a projection areas are those of the plane; bands are positions", async () => {
    const crs = crsFromProj("+proj=laea +lat_0=0 +lon_0=0 +datum=WGS84");
    const sample = await image({
      ...{ width: 40, height: 40, bands: 3, crs, transform: [-200_000, 10_000, 0, 200_000, 0, -10_000] },
      value: (_column, _row, band) => band + 1,
    });
    const found = await statistics(sample, box(-0.5, -0.5, 0.5, 0.5));
    assert.deepEqual(
      found.map(({ mean }) => Math.round(mean * 1e9) / 1e9),
      [1, 2, 3],
    );
    const exact = 2 * cellArea(0, 0.5);
    assert.ok(Math.abs(found[0]!.area - exact) < 1e-4 * exact, `${found[0]!.area} ${exact}`);
  });

  const python = fileURLToPath(new URL("../../../.peers/raster/bin/python", import.meta.url));
  const skip = !existsSync(python) && "no .peers/raster: node scripts/services.ts install";

  test("of real countries are those of shapely and numpy", { skip }, async (t) => {
    const folder = mkdtempSync(join(tmpdir(), "gyre-statistics-"));
    t.after(() => rmSync(folder, { recursive: true, force: true }));
    const script = fileURLToPath(new URL("statistics.py", import.meta.url));
    // Even, from 0 to 360, uneven as Gaussian latitudes are.
    const grids = [
      [range(180, -89.5, 1), range(360, -179.5, 1)],
      [range(121, 90, -1.5), range(240, 0, 1.5)],
      [range(96, -1, 2 / 95).map((y) => (Math.asin(y * 0.998) * 180) / Math.PI), range(192, 0, 1.875)],
    ] as const;
    for (const [i, [latitudes, longitudes]] of grids.entries()) {
      const sample = await grid({ latitudes, longitudes, value });
      writeFileSync(join(folder, `${i}.nc`), (await sample.files.read(new URL("memory:///grid.nc")))!);
      for (const country of ["Norway", "Fiji", "Lesotho"]) {
        const geometry = await countryOf(country);
        writeFileSync(join(folder, "boundary.geojson"), JSON.stringify(geometry));
        const output = execFileSync(python, [script, join(folder, `${i}.nc`), join(folder, "boundary.geojson")], {
          encoding: "utf8",
        });
        const wanted = JSON.parse(output) as Statistics[];
        const found = await statistics(sample, geometry);
        assert.equal(found.length, wanted.length);
        found.forEach((own, position) => {
          assertClose(own, wanted[position]!);
        });
      }
    }
  });
});

async function countryOf(name: string): Promise<MultiPolygon> {
  const file = createRequire(import.meta.url).resolve("world-atlas/countries-50m.json");
  const topology = JSON.parse(readFileSync(file, "utf8")) as Topology;
  const countries = feature(topology, topology.objects.countries!);
  assert.ok(countries.type === "FeatureCollection");
  const found = countries.features.find(({ properties }) => properties?.name === name)?.geometry;
  assert.ok(found?.type === "MultiPolygon" || found?.type === "Polygon");
  const polygons = found.type === "Polygon" ? [found.coordinates] : found.coordinates;
  const pairs = polygons.map((rings) => rings.map((ring) => ring.map(([x, y]) => [x!, y!] as const)));
  return (await areaOf(pairs, { longEdges: "short-way" })).geometry;
}
