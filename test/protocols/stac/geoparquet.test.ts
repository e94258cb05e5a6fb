import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { before, suite, test } from "node:test";
import { fileURLToPath } from "node:url";
import { zstdDecompressSync } from "node:zlib";
import { parquetMetadataAsync, parquetReadObjects } from "hyparquet";
import { syntheticItems } from "../../../src/catalog/synthetic/items.ts";
import type { StacItem } from "../../../src/core/stac.ts";
import { isGyreError } from "../../../src/errors.ts";
import { GEOPARQUET, geoparquet } from "../../../src/protocols/stac/geoparquet/geoparquet.ts";
import { box, item } from "../../contract/catalog/node.ts";
import { assertProblem, type Json, ROOT, type StacNode, stacNode, suiteEnding } from "./node.ts";

const PYTHON = fileURLToPath(new URL("../../../.peers/geoparquet/bin/python", import.meta.url));
const PEER = fileURLToPath(new URL("geoparquet.py", import.meta.url));
/** Assets under names that items share, as ESGF publishes them: the reader of stac-geoparquet takes no others. */
function numbered(one: StacItem): StacItem {
  const assets = Object.values(one.assets).map((asset, i) => [`data${i}`, asset] as const);
  return { ...one, assets: Object.fromEntries(assets) };
}

const unzstd = (bytes: Uint8Array): Uint8Array => zstdDecompressSync(bytes);
const same = (one: object): object => one;

async function* batches(items: readonly StacItem[], size = 200): AsyncGenerator<readonly StacItem[]> {
  for (let i = 0; i < items.length; i += size) yield items.slice(i, i + size);
}

async function fileOf(items: readonly StacItem[]): Promise<ArrayBuffer> {
  return (await geoparquet(() => batches(items), same, {})).arrayBuffer();
}

async function rowsOf(items: readonly StacItem[]): Promise<Json[]> {
  return parquetReadObjects({ file: await fileOf(items), compressors: { ZSTD: unzstd } });
}

const MIXED: readonly StacItem[] = [
  item("plain", {
    bbox: [0, 0, 10, 10],
    properties: { a: 1, b: "x", list: [1, 2], deep: { of: { it: true } }, kind: 1 },
  }),
  item("other", {
    geometry: { type: "Point", coordinates: [1, 2, 3] },
    bbox: [1, 2, 3, 1, 2, 3],
    properties: { datetime: "2020-02-29T12:00:00.123456Z", a: 1.5, list: [], deep: { with: [{ x: 1 }] }, kind: "text" },
  }),
  item("nowhere", {
    geometry: null,
    properties: { datetime: null, start_datetime: "1850-01-01T00:00:00Z", end_datetime: "2014-12-31T00:00:00+01:00" },
  }),
  item("clash", { properties: { id: "mine", type: 7, none: null, "a.b": 1, constructor: "c", empty: {} } }),
];

suite("STAC GeoParquet", () => {
  test("members and properties are columns of one kind", async () => {
    const [plain, other, nowhere, clash] = (await rowsOf(MIXED)) as [Json, Json, Json, Json];
    assert.deepEqual([plain.type, plain.id, plain.collection], ["Feature", "plain", "c"]);
    assert.deepEqual([plain.a, other.a, nowhere.a], [1, 1.5, null], "a number where one has a fraction");
    assert.deepEqual([plain.list, other.list, nowhere.list], [[1n, 2n], [], undefined]);
    assert.deepEqual(plain.deep, { of: { it: true }, with: undefined });
    assert.deepEqual(other.deep.with, [{ x: 1n }]);
    assert.deepEqual([plain.kind, other.kind], [1, "text"], "JSON, where one kind does not hold all");
    assert.deepEqual(plain.bbox, { xmin: 0, ymin: 0, zmin: null, xmax: 10, ymax: 10, zmax: null });
    assert.deepEqual(other.bbox, { xmin: 1, ymin: 2, zmin: 3, xmax: 1, ymax: 2, zmax: 3 });
    assert.deepEqual([nowhere.bbox ?? null, nowhere.geometry, nowhere.datetime], [null, null, null]);
    assert.deepEqual(other.datetime, new Date("2020-02-29T12:00:00.123Z"));
    assert.deepEqual(nowhere.start_datetime, new Date("1850-01-01T00:00:00Z"));
    assert.deepEqual(nowhere.end_datetime, new Date("2014-12-30T23:00:00Z"));
    assert.deepEqual([clash.id, clash["properties.id"], clash["properties.type"]], ["clash", "mine", 7n]);
    assert.deepEqual([clash["a.b"], clash.constructor, clash.empty], [1n, "c", {}]);
    assert.ok(!("none" in clash), "what never has a value has no column");
    assert.ok(!("assets" in (await rowsOf([{ ...item("bare"), assets: {} }]))[0]), "nor have assets that nobody has");
    assert.equal(plain.assets.data.href, "https://data.example/plain");
  });

  test("an object that is a table of its own is JSON", async () => {
    const wide = Array.from({ length: 30 }, (_, i) => {
      const keys = Array.from({ length: 10 }, (_, j) => [`asset-${i}-${j}`, { href: `https://x.example/${i}/${j}` }]);
      return { ...item(`wide-${i}`), assets: Object.fromEntries(keys) };
    });
    const rows = await rowsOf(wide);
    assert.deepEqual(
      rows.map(({ assets }) => assets),
      wide.map(({ assets }) => assets),
    );
    const { schema } = await parquetMetadataAsync(await fileOf(wide));
    assert.equal(schema.find(({ name }) => name === "assets")?.converted_type, "JSON");
  });

  test("it says of itself what GeoParquet and stac-geoparquet want, also when it is empty", async () => {
    for (const items of [MIXED, []]) {
      const { key_value_metadata: pairs = [], num_rows } = await parquetMetadataAsync(await fileOf(items));
      const values = Object.fromEntries(pairs.map(({ key, value }) => [key, JSON.parse(value ?? "")]));
      assert.equal(Number(num_rows), items.length);
      assert.equal(values.geo.version, "1.1.0");
      assert.deepEqual(values.geo.columns.geometry.covering.bbox.xmin, ["bbox", "xmin"]);
      assert.deepEqual(values["stac-geoparquet"], { version: "1.0.0" });
    }
  });

  test("rows are grouped as they come, and parts are made as they are read", async () => {
    const items = [...syntheticItems(1700, 1)];
    let pulled = 0;
    async function* counted(): AsyncGenerator<readonly StacItem[]> {
      for await (const batch of batches(items)) {
        pulled += batch.length;
        yield batch;
      }
    }
    const response = await geoparquet(counted, same, {});
    assert.equal(pulled, 1700 + 600, "all to learn the columns, then the first group");
    const file = await response.arrayBuffer();
    const { row_groups: groups } = await parquetMetadataAsync(file);
    assert.deepEqual(
      groups.map(({ num_rows }) => Number(num_rows)),
      [500, 500, 500, 200],
    );
  });

  test("too many items are refused with the way to split; a change in between is a conflict", async () => {
    const items = [...syntheticItems(300, 1)];
    const refused = geoparquet(() => batches(items, 50), same, {}, 299);
    await assert.rejects(refused, (error) => isGyreError(error, "TooLarge") && /datetime/.test(error.message));
    let isFirst = true;
    const changing = (): AsyncIterable<readonly StacItem[]> => {
      const now = isFirst ? MIXED : [...MIXED, item("new", { properties: { news: 1 } })];
      isFirst = false;
      return batches(now);
    };
    await assert.rejects(geoparquet(changing, same, {}), (error) => isGyreError(error, "Conflict"));
  });

  suite("of a search", () => {
    const ending = suiteEnding();
    let node: StacNode;
    before(async () => {
      node = await stacNode(ending);
      await node.publish([
        ...syntheticItems(60, 3).map(numbered),
        item("dateline", { geometry: box(170, -10, 180, 10), bbox: [170, -10, 180, 10] }),
      ]);
    });

    test("by format, by Accept, by POST, and of fields", async () => {
      const wanted = { accept: GEOPARQUET };
      const posted = {
        method: "POST",
        headers: { ...wanted, "content-type": "application/json" },
        body: '{"ids":["dateline"]}',
      };
      const asked: readonly [string, RequestInit, number][] = [
        ["/stac/search?f=geoparquet", {}, 61],
        ["/stac/search?limit=5", { headers: wanted }, 61],
        ["/stac/collections/c/items?f=geoparquet", {}, 1],
        ["/stac/search", posted, 1],
        ["/stac/search?f=geoparquet&fields=id,properties.datetime&bbox=171,0,172,1&collections=c", {}, 1],
      ];
      for (const [path, init, count] of asked) {
        const response = await node.fetch(new Request(ROOT + path, init));
        assert.deepEqual([response.status, response.headers.get("content-type")], [200, GEOPARQUET], path);
        assert.match(response.headers.get("vary") ?? "", /Accept/);
        const rows = await parquetReadObjects({ file: await response.arrayBuffer(), compressors: { ZSTD: unzstd } });
        assert.equal(rows.length, count, path);
      }
      const head = await node.ask("/stac/search?f=geoparquet", { method: "HEAD" });
      assert.deepEqual([head.status, head.headers.get("content-type"), head.body], [200, GEOPARQUET, ""]);
      assertProblem(await node.ask("/stac/search?f=geoparquet&token=x"), 400);
      assertProblem(await node.ask("/stac/search?f=parquet2"), 400);
    });

    const missing = existsSync(PYTHON) ? false : "no .peers/geoparquet: node scripts/services.ts install";
    test("pyarrow, geopandas and stac-geoparquet read the same items", { skip: missing }, async (t) => {
      const folder = await mkdtemp(join(tmpdir(), "gyre-geoparquet-"));
      t.after(() => rm(folder, { recursive: true }));
      const path = join(folder, "items.parquet");
      const response = await node.fetch(new Request(`${ROOT}/stac/search?f=geoparquet`));
      await writeFile(path, new Uint8Array(await response.arrayBuffer()));
      const lines = (await node.ask("/stac/search?f=ndjson")).body as string;
      const told = JSON.parse(execFileSync(PYTHON, [PEER, path], { input: lines, encoding: "utf8" }));
      assert.deepEqual(told, { rows: 61, crs: "OGC:CRS84", times: "timestamp[us, tz=UTC]", differences: [] });
    });
  });
});
