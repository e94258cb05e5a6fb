import assert from "node:assert/strict";
import { test } from "node:test";
import type { Json, StacItem } from "../../../src/core/stac.ts";
import { isGyreError } from "../../../src/errors.ts";
import type { MakePool } from "../catalog.ts";
import { box, CALL, item, published } from "./node.ts";

/** How what a search finds is spread. */
export function testAggregations(make: MakePool): void {
  test("aggregations count what a search finds", async (t) => {
    const places = [
      [-10, 50],
      [-10, 50.5],
      [100, -30],
    ] as const;
    const node = await published(
      make,
      t as never,
      places.map(([x, y], i) =>
        item(`i${i}`, {
          collection: `c${i % 2}`,
          geometry: { type: "Point", coordinates: [x, y] },
          properties: { datetime: `200${i}-05-0${i + 1}T10:00:00Z`, kind: i < 2 ? "a" : "b", tags: ["t", `t${i}`] },
        }),
      ),
    );
    const names = [
      "total_count",
      "datetime_min",
      "datetime_max",
      "collection_frequency",
      "kind_frequency",
      "tags_frequency",
      "grid_geohash_frequency",
      "centroid_geotile_grid_frequency",
    ];
    const results = await node.catalog.aggregate(
      { limit: 1 },
      names.map((name) => ({ name, precision: 3 })),
      CALL,
    );
    const [total, min, max, ...spread] = results;
    // The grids' keys as a Python implementation of geohash and of slippy tiles has them.
    assert.deepEqual(
      [total?.value, min?.value, max?.value],
      [3, "2000-05-01T10:00:00.000Z", "2002-05-03T10:00:00.000Z"],
    );
    assert.deepEqual(
      spread.map(({ buckets }) => buckets?.map(({ key, frequency }) => [key, frequency])),
      [
        [
          ["c0", 2],
          ["c1", 1],
        ],
        [
          ["a", 2],
          ["b", 1],
        ],
        [
          ["t", 3],
          ["t0", 1],
          ["t1", 1],
          ["t2", 1],
        ],
        [
          ["gbb", 2],
          ["q4x", 1],
        ],
        [
          ["3/3/2", 2],
          ["3/6/4", 1],
        ],
      ],
    );
    const [days] = await node.catalog.aggregate(
      { limit: 1, collections: ["c0"] },
      [{ name: "datetime_frequency", interval: "year" }],
      CALL,
    );
    assert.deepEqual(
      days?.buckets?.map(({ key, to, frequency }) => [key, to, frequency]),
      [
        ["2000-01-01T00:00:00.000Z", "2001-01-01T00:00:00.000Z", 1],
        ["2002-01-01T00:00:00.000Z", "2003-01-01T00:00:00.000Z", 1],
      ],
    );
    const inEurope = {
      kind: "spatial",
      op: "s_intersects",
      left: { kind: "property", name: "geometry" },
      right: { kind: "geometry", geometry: box(-20, 40, 20, 60) },
    } as const;
    const ofEurope = await node.catalog.aggregate(
      { limit: 1, filter: inEurope },
      [{ name: "total_count" }, { name: "kind_frequency" }],
      CALL,
    );
    assert.deepEqual(
      ofEurope.map(({ value, buckets }) => value ?? buckets?.map(({ key, frequency }) => [key, frequency])),
      [2, [["a", 2]]],
    );
    const [none] = await node.catalog.aggregate({ limit: 1, ids: ["none"] }, [{ name: "datetime_min" }], CALL);
    assert.equal(none?.value, null);
    for (const aggregation of [
      { name: "nonsense" },
      { name: "grid_geohex_frequency" },
      { name: "grid_geohash_frequency", precision: 99 },
    ]) {
      await assert.rejects(node.catalog.aggregate({ limit: 1 }, [aggregation], CALL), (error) =>
        isGyreError(error, "BadRequest"),
      );
    }
  });

  test("what collections have counted is what a scan counts", async (t) => {
    const values = ["a", "b", 1, 2.5, true, null, ["a", "c"], { deep: 1 }, "z".repeat(100)];
    const some = (n: number, v: Json): StacItem =>
      item(`i${n}`, { collection: `c${n % 2}`, properties: { v, w: n % 3 } });
    const node = await published(
      make,
      t,
      values.flatMap((v, n) => [some(n, v), some(n + 100, v)]),
    );
    await node.publish(
      { method: "PUT", collection_id: "c0", item_id: "i0", item: some(0, "b") },
      { method: "PATCH", collection_id: "c1", item_id: "i1", patch: { properties: { v: 7, w: null } } },
      { method: "DELETE", collection_id: "c0", item_id: "i100" },
      { method: "DELETE", collection_id: "c0", item_id: "i8" },
      { method: "DELETE", collection_id: "c0", item_id: "i108" },
    );
    const ids = await node.ids({});
    for (const collections of [undefined, ["c0"], ["c1"], ["c0", "c1", "none"], []]) {
      const search = { limit: 1, ...(collections && { collections }) };
      const names = ["v_frequency", "w_frequency", "none_frequency", "collection_frequency"].map((name) => ({ name }));
      const counted = await node.catalog.aggregate(search, names, CALL);
      assert.deepEqual(counted, await node.catalog.aggregate({ ...search, ids }, names, CALL), String(collections));
    }
  });
}
