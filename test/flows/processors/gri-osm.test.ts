import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import type { ServerAddress } from "../../../src/db/postgres.ts";
import { openVector } from "../../../src/vector/open.ts";
import { rejects } from "../../files/rejects.ts";
import { testDatabase, testServer } from "../../services/postgres.ts";
import { setUp, square } from "./harness.ts";

const NAME = "gri_osm.roads_and_rail_version_1";

/** What of PostGIS is used, over geometries that are kept as EWKB. */
const STAND_IN = `
  create domain public.geometry as bytea;
  create function public.st_srid(bytea) returns int language sql as 'select 4326';
  create function public.st_asewkb(bytea) returns bytea language sql as 'select $1';
  create function public.st_makeenvelope(float8, float8, float8, float8, int) returns bytea
    language sql as $$ select ''::bytea $$;
  create function public.overlaps(bytea, bytea) returns bool language sql as 'select true';
  create operator public.&& (leftarg = bytea, rightarg = bytea, function = public.overlaps);
`;

/** A line as little-endian EWKB of EPSG:4326. */
function line(...points: readonly (readonly [number, number])[]): Buffer {
  const bytes = Buffer.alloc(13 + points.length * 16);
  bytes.writeUInt8(1, 0);
  bytes.writeUInt32LE(0x2000_0002, 1);
  bytes.writeUInt32LE(4326, 5);
  bytes.writeUInt32LE(points.length, 9);
  points.flat().forEach((value, i) => void bytes.writeDoubleLE(value, 13 + i * 8));
  return bytes;
}

function urlOf(address: ServerAddress): string {
  if ("url" in address) return address.url;
  const { host, port = 5432, user, password, database } = address;
  return `postgres://${user}:${encodeURIComponent(password)}@${encodeURIComponent(host)}:${port}/${database}`;
}

test("gri_osm: roads of a table, cut by the boundary; of what touches it in a point nothing", async (t) => {
  const pool = await testDatabase({ after: (work) => t.after(work) });
  const harness = await setUp(t);
  await pool.query(STAND_IN);
  await pool.query("create table public.features (osm_id bigint, tag_highway text, geom bytea)");
  const rows = [
    [1, "primary", line([0, 50], [10, 50])],
    [2, "rail", line([100, 0], [101, 0])],
    [3, "touches", line([0, 40], [5, 40])],
  ] as const;
  for (const row of rows) await pool.query("insert into public.features values ($1, $2, $3)", [...row]);
  const osm = urlOf(await testServer());
  const processor = (await harness.processors({ founding: [NAME], osm })).get(NAME)!;
  const { generated, folder, used } = await harness.run(processor, square(5, 35, 45, 65));
  await using file = await openVector(join(folder, generated.files[0]!.name));
  const found = [];
  for await (const { properties, geometry } of file.layers[0]!.features()) {
    found.push([properties.get("tag_highway"), JSON.stringify(geometry)]);
  }
  assert.equal(found.length, 1);
  assert.deepEqual(found[0]?.[0], "primary");
  assert.match(used[0]?.id ?? "", /^postgres:\/\/[^@]*#features$/);
});

test("without the address of a database it says so", async (t) => {
  const harness = await setUp(t);
  const processor = (await harness.processors({ founding: true })).get(NAME)!;
  await rejects(harness.run(processor, square(5, 35, 45, 65)), "Unsupported", /no address of its database/);
});
