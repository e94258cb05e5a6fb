import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { PROJECTS, profileOf } from "../../../src/catalog/profiles/profile.ts";
import { extensionOf } from "../../../src/catalog/validate/extensions.ts";
import type { Policy } from "../../../src/catalog/validate/policy.ts";
import { MemorySchemas, type SchemaStore } from "../../../src/catalog/validate/schema-store.ts";
import { createValidator, type Validator } from "../../../src/catalog/validate/validator.ts";
import type { Json, StacItem } from "../../../src/core/stac.ts";
import { type Fault, isGyreError } from "../../../src/errors.ts";
import { mutants, publishedStore, readData, SKIP } from "./published.ts";
import { sampleItem } from "./samples.ts";

const FOUNDING = JSON.parse(readFileSync(new URL("founding-item.json", import.meta.url), "utf8"));

function validator(policy: Policy, store: SchemaStore = new MemorySchemas()): Validator {
  return createValidator({ store, policyOf: () => policy });
}

const plain = (changes: object = {}, properties: object = {}): Record<string, unknown> => ({
  type: "Feature",
  stac_version: "1.1.0",
  id: "a",
  geometry: { type: "Point", coordinates: [10, 20] },
  bbox: [10, 20, 10, 20],
  properties: { datetime: "2000-01-01T00:00:00Z", ...properties },
  links: [],
  assets: {},
  ...changes,
});

/** Runs what must be refused. */
async function refused(work: Promise<unknown>): Promise<{ type: string | undefined; faults: readonly Fault[] }> {
  const error = await work.then(
    () => assert.fail("accepted"),
    (thrown: unknown) => thrown,
  );
  if (!isGyreError(error, "Invalid")) throw error;
  return { type: error.details.type, faults: error.details.faults ?? [] };
}

test("the item of the founding system's readme is accepted under warn, without its nulls, and refused under refuse", async () => {
  const { document, warnings } = await validator({ level: "warn" }).item(FOUNDING, "cordex");
  assert.equal("start_datetime" in document.properties, false);
  assert.equal("description" in Object.values(document.assets)[0]!, false);
  assert.deepEqual(
    warnings.map(({ pointer }) => pointer),
    ["/properties/providers/0/roles/0", "/properties/providers/0/url"],
  );
  const { type, faults } = await refused(validator({ level: "refuse" }).item(FOUNDING, "cordex"));
  assert.equal(type, "stac-validation");
  assert.deepEqual(faults, warnings);
});

test("real documents of ESGF are accepted under warn, and what is not right with them is told", {
  skip: SKIP,
}, async () => {
  const check = validator({ level: "warn" }, await publishedStore());
  const event = readData("stac/esgf/CMIP6.ScenarioMIP.IPSL.IPSL-CM6A-LR.ssp245.r1i1p1f1.Amon.pr.gr.v20190119.json");
  const { item } = (event as { data: { payload: { item: StacItem } } }).data.payload;
  const first = await check.item(item, "CMIP6");
  assert.ok(first.warnings.some(({ pointer }) => pointer === "/properties/cmip6:activity_id"));
  assert.equal("description" in first.document.properties, false);
  const second = readData("stac/CMIP6.ScenarioMIP.THU.CIESM.ssp585.r1i1p1f1.Amon.rsus.gr.v20200806.json");
  const { warnings } = await check.item(second, "CMIP6");
  assert.ok(warnings.some(({ detail }) => detail.includes("outside longitude -180 to 180")));
});

test("items and collections of others are as STAC wants them, but for schemas that are not stored", {
  skip: SKIP,
}, async () => {
  const check = validator({ level: "warn" }, await publishedStore());
  const names = ["item", "item_asset", "vector", "daymet-hi-annual", "raster-planet-example", "fixtures__item"];
  for (const name of [...names, "LC08_L2SP_028030_20200114_20200824_02_T1_SR", "collection"]) {
    const document = readData(`stac/${name}.json`) as { type: string; collection?: string };
    const isItem = document.type === "Feature";
    const { warnings } = await (isItem ? check.item(document, document.collection ?? "c") : check.collection(document));
    const others = warnings.filter(({ detail }) => !detail.includes("gyre schemas add"));
    assert.deepEqual(others, [], name);
  }
});

for (const project of PROJECTS) {
  test(`${project}: what the profile takes is accepted under refuse, by the published schemas too`, {
    skip: SKIP,
  }, async () => {
    const check = validator({ level: "refuse" }, await publishedStore());
    const sample = sampleItem((await profileOf(project))!);
    const { document, warnings } = await check.item(sample, project);
    assert.deepEqual(warnings, []);
    const without = await check.item({ ...sample, stac_extensions: [] }, project);
    assert.deepEqual(
      new Set(without.document.stac_extensions),
      new Set(document.stac_extensions),
      "missing ones appended",
    );
    const other = (sample.id as string).replace(/\.[^.]+(\.v\d+)$/, ".zz$1");
    const { faults } = await refused(check.item({ ...sample, id: other }, project));
    assert.ok(
      faults.some(({ detail }) => detail.includes('the id says "zz"')),
      JSON.stringify(faults),
    );
  });
}

test("geometries and boxes are sane, or refused with the place", async () => {
  const check = validator({ level: "refuse" });
  const ring = (...positions: number[][]) => ({ type: "Polygon", coordinates: [positions] });
  const cases: readonly [object, string, RegExp][] = [
    [{ bbox: undefined }, "/bbox", /is missing/],
    [{ geometry: null }, "/bbox", /without geometry/],
    [{ bbox: [10, 20, 11, 20] }, "/bbox", /eastern edge is 11, that of the geometry 10/],
    [{ bbox: [10, 30, 10, 20] }, "/bbox", /southern edge north/],
    [
      { geometry: ring([0, 0], [1, 0], [1, 1], [0, 1]), bbox: [0, 0, 1, 1] },
      "/geometry/coordinates",
      /ends where it begins/,
    ],
    [{ geometry: ring([0, 0], [1, 1], [1, 0], [0, 1], [0, 0]), bbox: [0, 0, 1, 1] }, "/geometry", /Self-intersection/],
    [{ geometry: { type: "Point", coordinates: [200, 20] }, bbox: [200, 20, 200, 20] }, "/bbox", /longitude outside/],
    [
      { geometry: ring([170, 0], [-170, 0], [-170, 10], [170, 10], [170, 0]), bbox: [170, 0, -170, 10] },
      "/geometry",
      /not cut there/,
    ],
  ];
  for (const [changes, pointer, detail] of cases) {
    const { faults } = await refused(check.item(plain(changes), "c"));
    assert.ok(
      faults.some((fault) => fault.pointer === pointer && detail.test(fault.detail)),
      JSON.stringify(faults),
    );
  }
  const cut = {
    type: "MultiPolygon",
    coordinates: [
      ring([170, 0], [180, 0], [180, 10], [170, 10], [170, 0]).coordinates,
      ring([-180, 0], [-170, 0], [-170, 10], [-180, 10], [-180, 0]).coordinates,
    ],
  };
  assert.deepEqual((await check.item(plain({ geometry: cut, bbox: [170, 0, -170, 10] }), "c")).warnings, []);
  assert.deepEqual((await check.item(plain({ geometry: null, bbox: undefined }), "c")).warnings, []);
});

test("times come in pairs and in order", async () => {
  const check = validator({ level: "refuse" });
  const [early, late] = ["2000-01-01T00:00:00Z", "2001-01-01T00:00:00Z"];
  const cases: readonly [object, string][] = [
    [{ datetime: null }, "/properties/datetime"],
    [{ datetime: null, start_datetime: early }, "/properties/end_datetime"],
    [{ start_datetime: late, end_datetime: early }, "/properties/end_datetime"],
    [{ datetime: "2000-01-01T00:00:00+01:00" }, "/properties/datetime"],
  ];
  for (const [properties, pointer] of cases) {
    const { faults } = await refused(check.item(plain({}, properties), "c"));
    assert.deepEqual(
      faults.map((fault) => fault.pointer),
      [pointer],
      JSON.stringify(faults),
    );
  }
});

test("what a catalogue cannot hold is refused under every policy, nothing else under off", async () => {
  const check = validator({ level: "off" });
  await refused(check.item(plain({ geometry: { type: "Point", coordinates: ["x"] } }), "c"));
  await refused(check.item(plain({ collection: "other" }), "c"));
  await refused(check.item([], "c"));
  assert.deepEqual((await check.item(plain({ stac_version: "0.9", links: [{}] }), "c")).warnings, []);
});

test("extensions are those that are allowed, new enough and there", async () => {
  const base = "https://example.org/a";
  const allowed = [
    extensionOf(`${base}/v1.2.0/schema.json`, "refuse")!,
    extensionOf("https://example.org/b/v1.10.0/schema.json")!,
  ];
  const check = validator({ level: "refuse", extensions: allowed });
  const types = async (...stac_extensions: string[]) =>
    (await refused(check.item(plain({ stac_extensions }), "c"))).type;
  assert.equal(await types("https://evil.org/x/v1.0.0/schema.json"), "unexpected-extension");
  assert.equal(await types("https://example.org/b/v1.10.0/schema.json"), "expected-extension-missing");
  assert.equal(
    await types(`${base}/v1.2.0/schema.json`, "https://example.org/b/v1.9.9/schema.json"),
    "extension-below-minimum",
  );
});

test("documents are checked by stored schemas, with what they refer to, and by nothing else", async () => {
  const store = new MemorySchemas();
  // A new one each time, since what is absent is not looked for again at once.
  const checked = (item: unknown) => validator({ level: "refuse" }, store).item(item, "c");
  const url = "https://example.org/a/v1.0.0/schema.json";
  const item = plain({ stac_extensions: [url] }, { "a:x": "text" });
  const put = (at: string, schema: object): Promise<void> =>
    store.write(at, new TextEncoder().encode(JSON.stringify(schema)));
  assert.match((await refused(checked(item))).faults[0]!.detail, /not stored; try: gyre schemas add https/);
  const $ref = "https://example.org/number.json";
  await put(url, {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    $id: url,
    allOf: [{ $ref: "https://schemas.stacspec.org/v1.1.0/item-spec/json-schema/item.json" }],
    properties: { properties: { properties: { "a:x": { $ref } } } },
  });
  assert.match((await refused(checked(item))).faults[0]!.detail, /refers to https:\/\/example.org\/number.json/);
  await put($ref, { $schema: "http://json-schema.org/draft-07/schema#", $id: $ref, type: "number" });
  assert.deepEqual((await refused(checked(item))).faults, [{ pointer: "/properties/a:x", detail: "must be number" }]);
  assert.deepEqual((await checked(plain({ stac_extensions: [url] }, { "a:x": 5 }))).warnings, []);
  await put("https://example.org/b/v1.0.0/schema.json", { type: "nonsense" });
  const broken = plain({ stac_extensions: ["https://example.org/b/v1.0.0/schema.json"] });
  assert.equal((await refused(checked(broken))).faults[0]!.pointer, "/stac_extensions/0");
});

test("a patched item is checked as the whole that it becomes", async () => {
  const check = validator({ level: "refuse" });
  const item = plain({ collection: "c" }) as Json;
  const { document } = await check.patch(item, { properties: { retracted: true } }, "c");
  assert.equal(document.properties.retracted, true);
  const { faults } = await refused(check.patch(item, [{ op: "replace", path: "/bbox/0", value: -10 }], "c"));
  assert.equal(faults[0]!.pointer, "/bbox");
});

test("collections have their own rules", async () => {
  const collection = {
    type: "Collection",
    stac_version: "1.1.0",
    id: "c",
    description: "d",
    license: "other",
    extent: { spatial: { bbox: [[-180, -90, 180, 90]] }, temporal: { interval: [[null, null]] } },
    links: [],
  };
  assert.deepEqual((await validator({ level: "refuse" }).collection(collection)).warnings, []);
  const { faults } = await refused(validator({ level: "refuse" }).collection({ ...collection, license: "" }));
  assert.equal(faults[0]!.pointer, "/license");
  await refused(validator({ level: "off" }).collection({ ...collection, id: 5 }));
});

test("whatever is sent is checked or refused, and told in bounds", async () => {
  const sample = sampleItem((await profileOf("CMIP6"))!);
  const deep = JSON.parse(`${"[".repeat(3000)}${"]".repeat(3000)}`);
  const hostile = [
    ...[...mutants(sample)].filter((_, i) => i % 7 === 0).map(({ document }) => document),
    JSON.parse(JSON.stringify(sample).replace('"title"', '"__proto__":{"a":1},"title"')),
    { ...sample, properties: { ...(sample.properties as object), "cmip6:grid": deep, title: "x".repeat(1e6) } },
    { ...sample, assets: Object.fromEntries(Array.from({ length: 20_000 }, (_, i) => [`a${i}/~`, { href: 5 }])) },
    { ...sample, stac_extensions: Array.from({ length: 5000 }, (_, i) => `https://example.org/v1.0.${i}/schema.json`) },
    { ...sample, links: Array.from({ length: 20_000 }, () => 5) },
  ];
  for (const level of ["off", "warn", "refuse"] as const) {
    const check = validator({ level });
    for (const document of hostile) {
      const told = await check.item(document, "CMIP6").then(
        ({ warnings }) => warnings,
        (error: unknown) => {
          if (!isGyreError(error, "Invalid", "TooLarge")) throw error;
          return error.details.faults ?? [];
        },
      );
      assert.ok(told.length <= 100);
    }
  }
});
