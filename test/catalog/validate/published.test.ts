import assert from "node:assert/strict";
import { test } from "node:test";
import { PROJECTS, profileOf } from "../../../src/catalog/profiles/profile.ts";
import { profileFaults } from "../../../src/catalog/validate/profile-faults.ts";
import { stacFaults } from "../../../src/catalog/validate/stac-faults.ts";
import { mutants, oracle, SKIP } from "./published.ts";
import { sampleItem } from "./samples.ts";

type Members = Readonly<Record<string, unknown>>;

for (const project of PROJECTS) {
  test(`${project}: our profile and the published schema refuse the same mutants of an item`, {
    skip: SKIP,
  }, async () => {
    const profile = (await profileOf(project))!;
    const isPublished = await oracle(profile.schema);
    const sample = sampleItem(profile);
    assert.deepEqual([...profileFaults(sample, profile)], []);
    assert.ok(isPublished(sample), JSON.stringify(isPublished.errors));
    let [count, refused] = [0, 0];
    for (const { path, document } of mutants(sample)) {
      // The kind of document, its extensions and the shape of its parts are checked as STAC, not as the project's.
      if (/^(?:type|stac_extensions)/.test(path) || [...stacFaults(document as Members, "item")].length > 0) continue;
      const ours = [...profileFaults(document as Members, profile)];
      assert.equal(ours.length === 0, isPublished(document), `${path} ${JSON.stringify(ours)}`);
      count++;
      refused += Number(ours.length > 0);
    }
    assert.ok(count > 200 && refused > 20, `${count} mutants, ${refused} refused`);
  });
}

/** Compares our rules with the oracle's for every mutant whose path is not left out. */
async function compare(url: string, kind: "item" | "collection", sample: Members, leftOut: RegExp): Promise<void> {
  const isPublished = await oracle(url);
  const published = /\/v([^/]+)\//.exec(url)![1]!;
  // Of STAC 1.1 only the schemas of its beta are here.
  const asPublished = (document: Members): Members => ({ ...document, stac_version: published });
  assert.ok(isPublished(asPublished(sample)), JSON.stringify(isPublished.errors));
  let refused = 0;
  for (const { path, document } of mutants(sample)) {
    if (leftOut.test(path)) continue;
    const ours = [...stacFaults(document as Members, kind)];
    assert.equal(ours.length === 0, isPublished(asPublished(document as Members)), `${path} ${JSON.stringify(ours)}`);
    refused += Number(ours.length > 0);
  }
  assert.ok(refused > 150, `${refused} refused`);
}

const ITEM = sampleItem((await profileOf("CMIP6"))!);
// Geometries have their own checks, and a link to the collection is added by the API.
const ITEM_ELSEWHERE = /^(?:geometry|bbox|stac_version|links\/0\/rel|links\/0$|links$|collection$)/;
// What a JSON Schema among the summaries says is its writer's care; the published one forgets that item_assets is an object.
const COLLECTION_ELSEWHERE = /^(?:stac_version|summaries\/height\/|item_assets$|item_assets\/a$)/;
const COMMON_1_1 = {
  keywords: ["k"],
  data_type: "float32",
  nodata: "nan",
  unit: "K",
  statistics: { minimum: 1, maximum: 2, mean: 1.5, stddev: 0.1, count: 5, valid_percent: 99 },
};
const COLLECTION = {
  type: "Collection",
  stac_version: "1.0.0",
  stac_extensions: ["https://stac-extensions.github.io/file/v2.1.0/schema.json"],
  id: "c",
  title: "t",
  description: "d",
  keywords: ["k"],
  license: "CC-BY-4.0",
  providers: [{ name: "p", roles: ["host"], url: "https://example.org" }],
  extent: {
    spatial: { bbox: [[-180, -90, 180, 90]] },
    temporal: { interval: [["2000-01-01T00:00:00Z", null]] },
  },
  summaries: { "cmip6:source_id": ["a"], height: { type: "number" } },
  assets: { a: { href: "https://example.org/a.nc", roles: ["data"] } },
  links: [{ rel: "self", href: "https://example.org/c", type: "application/json", title: "t" }],
};

test("our rules of STAC 1.0 items and the published schema refuse the same mutants", { skip: SKIP }, () =>
  compare("https://schemas.stacspec.org/v1.0.0/item-spec/json-schema/item.json", "item", ITEM, ITEM_ELSEWHERE),
);

test("our rules of STAC 1.1 items and the published schema refuse the same mutants", { skip: SKIP }, () => {
  const assets = { data: { href: "a.nc", ...COMMON_1_1, bands: [{ name: "b", ...COMMON_1_1 }] } };
  const [collection] = ITEM.links as object[];
  const links = [
    collection,
    { rel: "self", href: "https://example.org/a", method: "GET", headers: { a: "b", c: ["d"] } },
  ];
  const item = { ...ITEM, stac_version: "1.1.0", assets, links };
  const url = "https://schemas.stacspec.org/v1.1.0-beta.1/item-spec/json-schema/item.json";
  return compare(url, "item", item, ITEM_ELSEWHERE);
});

test("our rules of collections and the published schemas refuse the same mutants", { skip: SKIP }, async () => {
  await compare(
    "https://schemas.stacspec.org/v1.0.0/collection-spec/json-schema/collection.json",
    "collection",
    COLLECTION,
    COLLECTION_ELSEWHERE,
  );
  const newer = { ...COLLECTION, stac_version: "1.1.0", item_assets: { a: { title: "a", roles: ["data"] } } };
  await compare(
    "https://schemas.stacspec.org/v1.1.0-beta.1/collection-spec/json-schema/collection.json",
    "collection",
    newer,
    COLLECTION_ELSEWHERE,
  );
});
