import assert from "node:assert/strict";
import { test } from "node:test";
import { picked } from "../../../src/protocols/stac/fields.ts";

const ITEM = {
  type: "Feature",
  stac_version: "1.1.0",
  id: "a",
  collection: "c",
  geometry: null,
  bbox: [0, 0, 1, 1],
  properties: {
    datetime: "2000-01-01T00:00:00Z",
    gsd: 10,
    "eo:cloud_cover": 5,
    proj: { code: "EPSG:4326", shape: [1, 2] },
  },
  assets: { a: { href: "x", title: "t" }, b: { href: "y" } },
  links: [],
};

const of = (include: string[], exclude: string[]): Record<string, unknown> => picked(ITEM, { include, exclude });
const without = (...exclude: string[]): Record<string, unknown> => picked(ITEM, { exclude });

test("included fields come with what tells the item apart", () => {
  assert.deepEqual(of(["properties.gsd", "bbox"], []), {
    type: "Feature",
    stac_version: "1.1.0",
    id: "a",
    collection: "c",
    properties: { gsd: 10 },
    bbox: [0, 0, 1, 1],
  });
  assert.deepEqual(of(["properties.proj.code"], []).properties, { proj: { code: "EPSG:4326" } });
  assert.deepEqual(of(["assets.a.href"], []).assets, { a: { href: "x" } });
  assert.deepEqual(of(["nothing", "properties.nothing.at.all"], []).properties, {});
});

test("fields that are only excluded are left out of the whole item, but for what tells it apart", () => {
  const { geometry: _g, ...rest } = ITEM;
  assert.deepEqual(without("geometry"), rest);
  assert.deepEqual(without("properties.gsd", "properties.proj").properties, {
    datetime: "2000-01-01T00:00:00Z",
    "eo:cloud_cover": 5,
  });
  assert.equal(without("id", "type").id, "a");
});

test("beside an empty list they are left out of the default fields", () => {
  const { geometry: _g, properties: _p, ...rest } = ITEM;
  assert.deepEqual(of([], ["geometry"]), { ...rest, properties: { datetime: "2000-01-01T00:00:00Z" } });
});

test("what is both included and excluded is there", () => {
  assert.ok("geometry" in of(["geometry"], ["geometry"]));
});

test("the more exact path wins", () => {
  assert.deepEqual(of(["properties"], ["properties.proj"]).properties, {
    datetime: "2000-01-01T00:00:00Z",
    gsd: 10,
    "eo:cloud_cover": 5,
  });
  assert.deepEqual(of(["properties.proj.code"], ["properties"]).properties, { proj: { code: "EPSG:4326" } });
});

test("empty lists ask for the default fields", () => {
  const answer = of([], []);
  assert.deepEqual(answer.properties, { datetime: "2000-01-01T00:00:00Z" });
  assert.deepEqual(answer.assets, ITEM.assets);
});

test("the default fields of an item without an instant have its period", () => {
  const period = { datetime: null, start_datetime: "2000-01-01T00:00:00Z", end_datetime: "2001-01-01T00:00:00Z" };
  const { properties } = picked({ ...ITEM, properties: { ...period, gsd: 10 } }, { exclude: [] });
  assert.deepEqual(properties, period);
});

test("names of the language itself are only names", () => {
  assert.deepEqual(Object.keys(of(["__proto__.x", "constructor"], [])), ["type", "stac_version", "id", "collection"]);
});
