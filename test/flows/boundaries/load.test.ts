import assert from "node:assert/strict";
import { cp, mkdtemp, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { ANONYMOUS, type Call } from "../../../src/core/principal.ts";
import { isGyreError } from "../../../src/errors.ts";
import type { BoundaryAdmin } from "../../../src/flows/boundaries/admin.ts";
import type { Boundaries } from "../../../src/flows/boundaries/boundary.ts";
import { createBoundaries } from "../../../src/flows/boundaries/create-boundaries.ts";
import { type LoadRequest, loadBoundaries } from "../../../src/flows/boundaries/load-boundaries.ts";
import { testDatabase } from "../../services/postgres.ts";

const FIXTURES = fileURLToPath(new URL("../../fixtures/boundaries/", import.meta.url));
const GEOJSON = join(FIXTURES, "areas.geojson");
const COLUMNS = { nameColumn: "CODE", longNameColumn: "title" };
const call: Call = { who: ANONYMOUS };

describe("boundaries out of files", () => {
  let folder: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "gyre-boundaries-"));
  });
  after(() => rm(folder, { recursive: true }));

  const empty = async (t: { after(work: () => Promise<void>): void }): Promise<Boundaries & BoundaryAdmin> =>
    createBoundaries(await testDatabase(t, { migrations: ["node"] }), { defaultSet: undefined });
  const written = async (name: string, features: readonly unknown[]): Promise<string> => {
    const path = join(folder, name);
    await writeFile(path, JSON.stringify({ type: "FeatureCollection", features }));
    return path;
  };
  const square = (name: unknown, x = 0): object => ({
    type: "Feature",
    properties: { name },
    geometry: {
      type: "Polygon",
      coordinates: [
        [
          [x, 0],
          [x + 1, 0],
          [x + 1, 1],
          [x, 1],
          [x, 0],
        ],
      ],
    },
  });

  test("names are a-z, what has none or no polygon is counted, repairs are told", async (t) => {
    const boundaries = await empty(t);
    const report = await loadBoundaries(boundaries, { path: GEOJSON, ...COLUMNS, adminLevel: 1 }, call);
    const { repaired, ...counts } = report;
    assert.deepEqual(counts, {
      ...{ added: 7, changed: 0, unchanged: 0, removed: 0 },
      skipped: { withoutName: 2, withoutPolygon: 1 },
      repairedCount: 2,
      isCrsAssumed: false,
    });
    assert.deepEqual(repaired.map(({ name }) => name).sort(), ["bow", "two"]);
    assert.deepEqual(await boundaries.list(call), [
      { name: "bow", nameLong: "Bow tie" },
      { name: "civ", nameLong: "Côte d'Ivoire" },
      { name: "fji", nameLong: "Fiji" },
      { name: "lso", nameLong: "Lesotho" },
      { name: "zaf", nameLong: "South Africa" },
      { name: "ssudan", nameLong: "South Sudan" },
      { name: "two", nameLong: "Two that overlap" },
    ]);
    assert.equal((await boundaries.get("lso", call))?.adminLevel, 1);
    assert.deepEqual(
      (await boundaries.byPoint(28, -29, call)).map(({ name }) => name),
      ["lso"],
    );
  });

  for (const file of ["areas-mollweide.zip", "areas-ease.fgb"]) {
    test(`${file} has the areas of the GeoJSON file`, async (t) => {
      const boundaries = await empty(t);
      await loadBoundaries(boundaries, { path: GEOJSON, ...COLUMNS }, call);
      const report = await loadBoundaries(boundaries, { path: join(FIXTURES, file), ...COLUMNS }, call);
      const { added, changed, unchanged } = report;
      assert.deepEqual({ added, changed, unchanged }, { added: 0, changed: 0, unchanged: 7 });
    });
  }

  test("a load again changes nothing, one of others replaces them", async (t) => {
    const boundaries = await empty(t);
    const request: LoadRequest = { path: GEOJSON, ...COLUMNS };
    await loadBoundaries(boundaries, request, call);
    assert.equal((await loadBoundaries(boundaries, request, call)).unchanged, 7);
    const path = await written("one.geojson", [square("Lso")]);
    const { changed, removed } = await loadBoundaries(boundaries, { path, replace: true }, call);
    assert.deepEqual({ changed, removed }, { changed: 1, removed: 6 });
  });

  test("names that fold to one are refused with both", async (t) => {
    const boundaries = await empty(t);
    const path = await written("clash.geojson", [square("first"), square("São Tomé"), square("Sao Tome", 5)]);
    await assert.rejects(
      loadBoundaries(boundaries, { path }, call),
      (error) => isGyreError(error, "Conflict") && /saotome: São Tomé and Sao Tome/.test(error.message),
    );
    assert.deepEqual(await boundaries.list(call), []);
  });

  test("a name as long as a book is cut, whatever its letters become", async (t) => {
    const boundaries = await empty(t);
    const path = await written("long.geojson", [square(`${"\ufdfa".repeat(5000)}x`), square("a".repeat(5000))]);
    assert.equal((await loadBoundaries(boundaries, { path }, call)).added, 2);
    assert.deepEqual((await boundaries.list(call)).map(({ name, nameLong }) => [name.length, nameLong.length]).sort(), [
      [1, 200],
      [100, 200],
    ]);
  });

  test("a broken polygon refuses all, and says whose it is", async (t) => {
    const boundaries = await empty(t);
    const flat = {
      ...square("flat"),
      geometry: {
        type: "Polygon",
        coordinates: [
          [
            [0, 0],
            [1, 1],
            [2, 2],
            [0, 0],
          ],
        ],
      },
    };
    const path = await written("flat.geojson", [square("good"), flat]);
    await assert.rejects(
      loadBoundaries(boundaries, { path }, call),
      (error) => isGyreError(error, "Invalid") && error.message.startsWith("flat: "),
    );
    assert.deepEqual(await boundaries.list(call), []);
  });

  test("a file with nothing in it replaces nothing", async (t) => {
    const boundaries = await empty(t);
    await loadBoundaries(boundaries, { path: GEOJSON, ...COLUMNS }, call);
    const path = await written("none.geojson", [square("-99"), square(""), square(null), square("日本")]);
    await assert.rejects(
      loadBoundaries(boundaries, { path, replace: true }, call),
      (error) => isGyreError(error, "Invalid") && /4 features have no name/.test(error.message),
    );
    assert.equal((await boundaries.list(call)).length, 7);
  });

  test("a column or layer that is not there is told with those that are", async (t) => {
    const boundaries = await empty(t);
    const allowed = (names: readonly string[]) => (error: unknown) =>
      isGyreError(error, "BadRequest") && names.every((name) => error.details.allowed?.includes(name));
    await assert.rejects(loadBoundaries(boundaries, { path: GEOJSON }, call), allowed(["CODE", "Title"]));
    await assert.rejects(
      loadBoundaries(boundaries, { path: GEOJSON, ...COLUMNS, layer: "others" }, call),
      allowed(["areas"]),
    );
  });

  test("a file that ends too early loads nothing", async (t) => {
    const boundaries = await empty(t);
    for (const name of ["areas.geojson", "areas-ease.fgb", "areas-mollweide.zip"]) {
      const path = join(folder, name);
      await cp(join(FIXTURES, name), path);
      await truncate(path, Math.floor((await readFile(path)).length * 0.8));
      await assert.rejects(loadBoundaries(boundaries, { path, ...COLUMNS }, call), (error) => isGyreError(error), name);
    }
    assert.deepEqual(await boundaries.list(call), []);
  });

  test("an operator who stops it leaves all as it was", async (t) => {
    const boundaries = await empty(t);
    await loadBoundaries(boundaries, { path: GEOJSON, ...COLUMNS }, call);
    const stopped = { ...call, signal: AbortSignal.abort() };
    const path = await written("other.geojson", [square("other")]);
    await assert.rejects(loadBoundaries(boundaries, { path, replace: true }, stopped), { name: "AbortError" });
    assert.equal((await boundaries.list(call)).length, 7);
  });
});
