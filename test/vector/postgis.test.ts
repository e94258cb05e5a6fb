import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { Client } from "pg";
import { isGyreError } from "../../src/errors.ts";
import { postgisLayer } from "../../src/vector/postgis/postgis.ts";
import { until } from "../db/server-process.ts";
import { startPostgres } from "../services/postgres-server.ts";
import type { Started } from "../services/services.ts";
import { all } from "./fixtures.ts";

const NAME = "places";

/** Why there is no PostGIS here; else how to stop it. */
async function prepared(server: Started): Promise<string | undefined> {
  if (server.unavailable !== undefined) return server.unavailable;
  const client = new Client({ connectionString: server.url.href });
  await client.connect();
  try {
    const { rowCount } = await client.query("SELECT FROM pg_available_extensions WHERE name = 'postgis'");
    if (rowCount === 0) return "PostGIS is not installed (node scripts/services.ts install)";
    await client.query(`CREATE EXTENSION postgis;
      CREATE SEQUENCE numbers;
      CREATE TABLE places (id bigint, name text, "Size" numeric, seen timestamptz, day date, ok boolean, raw bytea, doc jsonb,
        geom geometry(PointZ, 32628));
      CREATE INDEX ON places USING gist (geom);
      INSERT INTO places SELECT i, 'p' || i, i / 4.0, '2020-01-31 13:30+01', '2020-01-31', i % 2 = 0, '\\x0102', '{"a": [1]}',
        ST_SetSRID(ST_MakePoint(i, -i, 5), 32628) FROM generate_series(1, 2500) AS i;
      INSERT INTO places (id, seen) VALUES (9007199254740993, 'infinity')`);
    return undefined;
  } finally {
    await client.end();
  }
}

const server = await startPostgres();
after(async () => {
  if (server.unavailable === undefined) await server.stop();
});
const unavailable = await prepared(server);

describe("PostGIS", { skip: unavailable ?? false }, () => {
  let url = "";
  before(() => {
    if (server.unavailable === undefined) url = server.url.href;
  });

  test("a table is a layer with its types, CRS and heights", async () => {
    const layer = await postgisLayer({ url, name: NAME, table: "public.places", geometry: "geom" });
    assert.equal(layer.crs?.epsg, 32628);
    assert.deepEqual(
      layer.fields.map(({ name, type }) => `${name} ${type}`),
      ["id integer", "name string", "Size number", "seen datetime", "day date", "ok boolean", "raw binary", "doc json"],
    );
    const features = await all(layer.features());
    assert.equal(features.length, 2501);
    assert.deepEqual(features[0]!.geometry, { type: "Point", coordinates: [1, -1, 5] });
    assert.deepEqual(Object.fromEntries(features[0]!.properties), {
      id: 1,
      name: "p1",
      Size: 0.25,
      seen: new Date("2020-01-31T12:30:00Z"),
      day: new Date("2020-01-31"),
      ok: false,
      raw: new Uint8Array([1, 2]),
      doc: { a: [1] },
    });
    const last = features.at(-1)!;
    assert.deepEqual(
      [last.geometry, last.properties.get("id"), last.properties.get("seen")],
      [null, 9007199254740993n, null],
    );
  });

  test("a query finds what lies in a box", async () => {
    const sql = "SELECT name, geom FROM places WHERE id > 10;";
    const layer = await postgisLayer({ url, name: NAME, sql, geometry: "geom" });
    const found = await all(layer.features({ bbox: [5, -20, 12, 0] }));
    assert.deepEqual(
      found.map(({ properties }) => properties.get("name")),
      ["p11", "p12"],
    );
  });

  test("a query that writes, or is two, is refused", async () => {
    const layer = async (sql: string) =>
      all((await postgisLayer({ url, name: NAME, sql, geometry: "geom" })).features());
    const isRefused = (error: unknown): boolean => isGyreError(error, "BadSource") && error.message.startsWith(NAME);
    await assert.rejects(layer("SELECT geom FROM places; DROP TABLE places; SELECT geom FROM places"), isRefused);
    await assert.rejects(layer("SELECT *, nextval('numbers') FROM places"), /read-only transaction/);
    await assert.rejects(layer("SELECT id FROM places"), (error) => isGyreError(error, "Unsupported"));
  });

  test("a reader that stops early, or is aborted, leaves no connection", async () => {
    const layer = await postgisLayer({ url, name: NAME, table: "places", geometry: "geom" });
    for await (const feature of layer.features()) {
      assert.ok(feature.geometry);
      break;
    }
    await assert.rejects(all(layer.features({ signal: AbortSignal.abort() })), { name: "AbortError" });
    const client = new Client({ connectionString: url });
    await client.connect();
    const connected = "SELECT FROM pg_stat_activity WHERE application_name = 'gyre' AND state <> 'idle'";
    // The server's processes end after the reader.
    await until(async () => (await client.query(connected)).rowCount === 0);
    await client.end();
  });
});

test("a database that does not answer is busy", async () => {
  await assert.rejects(
    postgisLayer({ url: "postgres://127.0.0.1:1/x", name: NAME, table: "t", geometry: "geom" }),
    (error) => isGyreError(error, "Busy"),
  );
});
