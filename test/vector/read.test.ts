import assert from "node:assert/strict";
import { test } from "node:test";
import { isGyreError } from "../../src/errors.ts";
import { openVector } from "../../src/vector/open.ts";
import { all, expectedOf, fixture, plainOf } from "./fixtures.ts";

const WGS84 = 4326;
const UTM = 32628;

const FILES = [
  { name: "mixed.gpkg", layer: "mixed", epsg: WGS84 },
  { name: "mixed.geojson", layer: "mixed", epsg: WGS84 },
  { name: "old.geojson", layer: "old", epsg: UTM },
  { name: "lines.geojsonl", layer: "lines", epsg: WGS84 },
  { name: "sequence.geojsons", layer: "sequence", epsg: WGS84 },
  { name: "mixed.fgb", layer: "mixed", epsg: WGS84 },
  { name: "heights.gpkg", layer: "heights", epsg: WGS84 },
  { name: "grid.fgb", layer: "grid", epsg: UTM },
  { name: "grid.gpkg", layer: "grid", epsg: UTM },
  { name: "shape.shp", layer: "shape", epsg: UTM },
  { name: "latin.shp", layer: "latin", epsg: UTM },
  { name: "pointz.shp", layer: "pointz", epsg: undefined },
  { name: "epsg4326.parquet", layer: "epsg4326", epsg: WGS84 },
  { name: "epsg32628.parquet", layer: "epsg32628", epsg: UTM },
] as const;

for (const { name, layer, epsg } of FILES) {
  test(`${name} is read as GDAL reads it`, async () => {
    await using file = await openVector(fixture(name));
    const [only, ...others] = file.layers;
    assert.equal(others.length, 0);
    assert.deepEqual([only!.name, only!.crs?.epsg], [layer, epsg]);
    const features = await all(only!.features());
    assert.deepEqual(features.map(plainOf), expectedOf(name));
    const fields = only!.fields.map((field) => field.name);
    for (const { properties } of features) assert.deepEqual([...properties.keys()], fields);
    if (only!.count !== undefined) assert.equal(only!.count, features.length);
  });
}

test("types of fields", async () => {
  const typesOf = async (name: string) => {
    await using file = await openVector(fixture(name));
    return Object.fromEntries(file.layers[0]!.fields.map((field) => [field.name, field.type]));
  };
  const declared = { text: "string", whole: "integer", large: "integer", real: "number", yes: "boolean" };
  assert.deepEqual(await typesOf("mixed.gpkg"), { ...declared, day: "date", time: "datetime" });
  assert.deepEqual(await typesOf("mixed.geojson"), { ...declared, day: "string", time: "string" });
  assert.deepEqual(await typesOf("mixed.fgb"), { ...declared, day: "datetime", time: "datetime" });
  assert.deepEqual(await typesOf("shape.shp"), { name: "string", value: "number", day: "date" });
});

test("integers beyond doubles stay whole", async () => {
  for (const name of ["mixed.gpkg", "mixed.fgb"]) {
    await using file = await openVector(fixture(name));
    const [, second] = await all(file.layers[0]!.features());
    assert.equal(second!.properties.get("large"), -9007199254740993n, name);
  }
});

for (const name of ["grid.gpkg", "grid.fgb"]) {
  test(`${name} finds by its index what lies in a box`, async () => {
    await using file = await openVector(fixture(name));
    const found = await all(file.layers[0]!.features({ bbox: [1.5, 2, 4, 3.5] }));
    const expected = expectedOf(name).filter(({ geometry }) => {
      const [x, y] = (geometry as { coordinates: [number, number] }).coordinates;
      return x >= 1.5 && x <= 4 && y >= 2 && y <= 3.5;
    });
    assert.equal(expected.length, 6);
    assert.deepEqual(found.map(plainOf), expected);
    assert.deepEqual(await all(file.layers[0]!.features({ bbox: [20, 20, 30, 30] })), []);
  });
}

test("an archive has the layers of what is in it, and leaves nothing behind", async () => {
  const file = await openVector(fixture("shape.zip"));
  assert.deepEqual((await all(file.layers[0]!.features())).map(plainOf), expectedOf("shape.shp"));
  await file[Symbol.asyncDispose]();
  await assert.rejects(all(file.layers[0]!.features()));
});

test("CSV: separators, Well-Known Text, types", async () => {
  await using file = await openVector(fixture("wkt.csv"));
  const [layer] = file.layers;
  assert.deepEqual(
    layer!.fields.map(({ name, type }) => `${name} ${type}`),
    ["text string", "whole integer", "large integer", "real number", "yes integer", "day string", "time string"],
  );
  const features = await all(layer!.features());
  const expected = expectedOf("mixed.geojson");
  assert.deepEqual(
    features.map((feature) => plainOf(feature).geometry),
    expected.map(({ geometry }) => geometry),
  );
  assert.deepEqual(features[2]!.properties.get("text"), 'quotes " and, commas');
});

test("curves are refused by name", async () => {
  await using file = await openVector(fixture("curves.gpkg"));
  await assert.rejects(
    all(file.layers[0]!.features()),
    (error) => isGyreError(error, "Unsupported") && /CurvePolygon/.test(error.message),
  );
});

test("what is no vector file is refused with what would be one", async () => {
  await assert.rejects(
    openVector(fixture("make.py")),
    (error) => isGyreError(error, "Unsupported") && error.details.allowed?.includes("GeoPackage") === true,
  );
});

test("an aborted read ends", async () => {
  await using file = await openVector(fixture("grid.fgb"));
  await assert.rejects(all(file.layers[0]!.features({ signal: AbortSignal.abort() })), { name: "AbortError" });
});
