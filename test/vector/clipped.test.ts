import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { crsFromEpsg, LONLAT } from "../../src/core/crs.ts";
import { bboxOf, simpleParts } from "../../src/core/geometry.ts";
import { loadGeos } from "../../src/core/geos.ts";
import type { Geometry } from "../../src/core/stac.ts";
import { readWkt } from "../../src/core/wkt-reader.ts";
import { clipped } from "../../src/vector/clipped.ts";
import type { Feature, Layer } from "../../src/vector/feature.ts";
import { filtered } from "../../src/vector/fields.ts";
import { reprojected } from "../../src/vector/reprojected.ts";
import { vectorWriter } from "../../src/vector/writers.ts";
import { findProgram, missing } from "../services/services.ts";
import { all, type Plain } from "./fixtures.ts";

const geos = await loadGeos();
const ogr2ogr = findProgram("ogr2ogr", []);
const noGdal =
  ogr2ogr === undefined ? missing("GDAL is not installed (node scripts/services.ts install)").unavailable : false;

/** A concave area with a hole. */
const BOUNDARY = readWkt("POLYGON ((0 0, 10 0, 10 10, 5 4, 0 10, 0 0), (6 1, 8 1, 8 3, 6 3, 6 1))");
const SHAPES = {
  inside: "POLYGON ((1 1, 2 1, 2 2, 1 2, 1 1))",
  outside: "POLYGON ((20 20, 21 20, 21 21, 20 20))",
  "in the hole": "POINT (7 2)",
  "in the notch": "POLYGON ((4 8, 5 8, 5 9, 4 9, 4 8))",
  cut: "POLYGON ((-1 2, 3 2, 3 4, -1 4, -1 2))",
  "cut in two": "POLYGON ((0 6, 10 6, 10 7, 0 7, 0 6))",
  "line in two": "LINESTRING (5 2, 9 2, 9 -1)",
  "line cut": "LINESTRING (-5 5, 2 5)",
  "touches at a point": "LINESTRING (-5 -5, 0 0, -5 5)",
  "touches along an edge": "POLYGON ((-2 0, 0 0, 0 5, -2 5, -2 0))",
  points: "MULTIPOINT (1 1, 50 50, 9 0)",
  "one of two": "MULTIPOLYGON (((1 5, 2 5, 2 6, 1 5)), ((30 30, 31 30, 31 31, 30 30)))",
  mixed: "GEOMETRYCOLLECTION (POINT (1 1), LINESTRING (1 1, -9 1))",
  heights: "LINESTRING Z (-2 1 0, 2 1 40)",
};

function layerOf(shapes: Readonly<Record<string, string>>, crs = LONLAT): Layer {
  const features = Object.entries(shapes).map(
    ([name, wkt]): Feature => ({ geometry: readWkt(wkt), properties: new Map([["name", name]]) }),
  );
  features.push({ geometry: null, properties: new Map([["name", "nowhere"]]) });
  const fields = [{ name: "name", type: "string" }] as const;
  return { name: "shapes", crs, fields, features: (options) => filtered(features, options) };
}

async function named(layer: Layer): Promise<Map<unknown, Geometry>> {
  const features = await all(layer.features());
  return new Map(features.map(({ geometry, properties }) => [properties.get("name"), geometry!]));
}

test("features that meet the boundary are kept whole", async () => {
  const kept = await named(clipped(layerOf(SHAPES), BOUNDARY, { how: "whole", geos }));
  const gone = Object.keys(SHAPES).filter((name) => !kept.has(name));
  assert.deepEqual(gone, ["outside", "in the hole", "in the notch"]);
  assert.deepEqual(kept.get("cut"), readWkt(SHAPES.cut));
});

test("features are cut, of their own kind still", async () => {
  const kept = await named(clipped(layerOf(SHAPES), BOUNDARY, { how: "clip", geos }));
  const types = Object.fromEntries([...kept].map(([name, { type }]) => [name, type]));
  assert.deepEqual(types, {
    inside: "Polygon",
    cut: "Polygon",
    "cut in two": "MultiPolygon",
    "line in two": "MultiLineString",
    "line cut": "LineString",
    points: "MultiPoint",
    "one of two": "MultiPolygon",
    mixed: "GeometryCollection",
    heights: "LineString",
  });
  assert.deepEqual(bboxOf(kept.get("cut")!), [0, 2, 3, 4]);
  assert.deepEqual(kept.get("heights"), readWkt("LINESTRING Z (0 1 20, 2 1 40)"));
  assert.deepEqual(kept.get("points"), readWkt("MULTIPOINT (1 1, 9 0)"));
});

test("ogr2ogr -clipsrc leaves as much of each", { skip: noGdal }, async () => {
  const folder = await mkdtemp(join(tmpdir(), "gyre-clip-"));
  try {
    const [source, boundary] = [join(folder, "in.gpkg"), join(folder, "boundary.geojson")];
    await vectorWriter("geopkg")!.write(source, layerOf(SHAPES));
    await writeFile(boundary, JSON.stringify({ type: "Feature", properties: {}, geometry: BOUNDARY }));
    const args = ["-f", "GeoJSONSeq", "-nlt", "GEOMETRY", "-clipsrc", boundary, "/vsistdout/", source];
    const text = execFileSync(ogr2ogr!, args, { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });
    const measured = (geometry: Geometry) => {
      using shape = geos.shape(geometry)!;
      return [Math.round(geos.area(shape) * 1e6), bboxOf(geometry)];
    };
    const theirs = text
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as Plain);
    const expected = new Map(theirs.map(({ geometry, properties }) => [properties.name, geometry as Geometry]));
    const ours = await named(clipped(layerOf(SHAPES), BOUNDARY, { how: "clip", geos }));
    // In a layer of any types GDAL keeps what touches as a point or a line; and features that have no geometry.
    assert.deepEqual(
      [...expected.keys()].filter((name) => !ours.has(name)),
      ["touches at a point", "touches along an edge", "nowhere"],
    );
    for (const [name, geometry] of ours)
      assert.deepEqual(measured(geometry), measured(expected.get(name)!), String(name));
  } finally {
    await rm(folder, { recursive: true });
  }
});

test("the boundary goes to the layer's CRS, with its long edges bent", async () => {
  const utm = crsFromEpsg(32631)!;
  const strip = readWkt("POLYGON ((0 49.9, 6 49.9, 6 50, 0 50, 0 49.9))");
  // North of the straight line between the corners, south of the parallel.
  const layer = reprojected(layerOf({ under: "POINT (3 49.99)", over: "POINT (3 50.01)" }), utm);
  const kept = await named(clipped(layer, strip, { how: "clip", geos }));
  assert.deepEqual([...kept.keys()], ["under"]);
});

test("a boundary that the CRS does not reach is cut to the layer first", async () => {
  const world = readWkt("POLYGON ((-180 -90, 180 -90, 180 90, -180 90, -180 -90))");
  const mercator = crsFromEpsg(3857)!;
  const layer = reprojected(layerOf({ here: "POINT (3 50)" }), mercator);
  const bbox = [300_000, 6_000_000, 400_000, 7_000_000] as const;
  const kept = await named(clipped({ ...layer, bbox }, world, { how: "clip", geos }));
  assert.deepEqual([...kept.keys()], ["here"]);
});

test("a layer that counts longitudes to 360 meets the boundary all the same", async () => {
  const fiji = readWkt(
    "MULTIPOLYGON (((177 -20, 180 -20, 180 -16, 177 -16, 177 -20)), ((-180 -20, -178 -20, -178 -16, -180 -16, -180 -20)))",
  );
  const shapes = {
    east: "POINT (178 -18)",
    west: "POINT (181 -18)",
    across: "LINESTRING (170 -18, 190 -18)",
    far: "POINT (1 1)",
  };
  const layer: Layer = { ...layerOf(shapes), bbox: [0, -90, 360, 90] };
  const kept = await named(clipped(layer, fiji, { how: "clip", geos }));
  assert.deepEqual([...kept.keys()], ["east", "west", "across"]);
  assert.deepEqual(bboxOf(kept.get("across")!), [177, -18, 182, -18]);
});

test("an edge across the antimeridian comes out of a projection in two parts", async () => {
  const crs = crsFromEpsg(3832)!; // Mercator around 150 degrees east
  const shapes = {
    area: "POLYGON ((170 -10, 190 -10, 190 10, 170 10, 170 -10), (178 -1, 182 -1, 182 1, 178 1, 178 -1))",
    line: "LINESTRING (175 0, 185 10)",
    point: "POINT (185 5)",
    here: "POLYGON ((160 0, 165 0, 165 5, 160 0))",
  };
  const there = reprojected(layerOf(shapes), crs);
  const raw: Layer = { ...layerOf(shapes), crs, features: (options) => there.features(options) };
  const back = await named(reprojected(raw, LONLAT));
  const rounded = (name: string): unknown =>
    [...simpleParts(back.get(name)!)].map((part) => bboxOf(part)!.map((edge) => Math.round(edge * 1e6) / 1e6 + 0));
  assert.deepEqual(rounded("area"), [
    [170, -10, 180, 10],
    [-180, -10, -170, 10],
  ]);
  assert.deepEqual(rounded("line"), [
    [175, 0, 180, 5],
    [-180, 5, -175, 10],
  ]);
  assert.deepEqual(rounded("point"), [[-175, 5, -175, 5]]);
  assert.deepEqual(rounded("here"), [[160, 0, 165, 5]]);
});

test("a box is asked for in the CRS that the layer has now", async () => {
  const layer = reprojected(
    layerOf({ one: "POINT (1 1)", two: "POINT (1.2 1)", far: "POINT (50 50)" }),
    crsFromEpsg(3857)!,
  );
  const degree = 111319.49;
  const found = await all(layer.features({ bbox: [0, 0, 1.1 * degree, 2 * degree] }));
  assert.deepEqual(
    found.map(({ properties }) => properties.get("name")),
    ["one"],
  );
});

test("a layer that does not say its CRS cannot be reprojected", () => {
  assert.throws(() => reprojected({ ...layerOf({}), crs: undefined }, LONLAT), { name: "GyreError(Unsupported)" });
});
