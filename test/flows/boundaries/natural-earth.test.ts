import assert from "node:assert/strict";
import { test } from "node:test";
import { ANONYMOUS, type Call } from "../../../src/core/principal.ts";
import { areaOf } from "../../../src/flows/boundaries/area.ts";
import { createBoundaries } from "../../../src/flows/boundaries/create-boundaries.ts";
import { polygonsOf } from "../../../src/flows/boundaries/rings.ts";
import { testDatabase } from "../../services/postgres.ts";
import { draft, each } from "./drafts.ts";

const call: Call = { who: ANONYMOUS };

/** Places and corners: longitude, latitude, and the countries there. */
const PLACES: readonly (readonly [number, number, string])[] = [
  [-14.5, 13.45, "gmb"],
  [28.28, -15.41, "zmb"],
  [27.48, -29.31, "lso"],
  [28.2, -25.75, "zaf"],
  [177.5, -17.8, "fji"],
  [-179.9, -16.7, "fji"],
  [37.6, 55.75, "rus"],
  [-175, 66.5, "rus"],
  [173, 52.9, "usa"],
  [-77.03, 38.9, "usa"],
  [0, -90, "ata"],
  [-179.99, -85, "ata"],
  [12.434, 41.903, "vat"],
  [12.45, 43.94, "smr"],
  [103.8, 1.35, "sgp"],
];

test("the countries of Natural Earth are there at first use, whoever comes first", async (t) => {
  const pool = await testDatabase(t, { migrations: ["node"] });
  const [one, other] = [createBoundaries(pool), createBoundaries(pool)];
  const [listed, again] = await Promise.all([one.list(call), other.list(call)]);
  assert.equal(listed.length, 255);
  assert.deepEqual(again, listed);
  const names = new Set(listed.map(({ name }) => name));
  for (const name of ["gmb", "zmb", "kosovo", "somaliland", "ashmoreandcartierislands", "aus", "bih", "vat"])
    assert.ok(names.has(name), name);
  assert.equal(listed.find(({ name }) => name === "cod")?.nameLong, "Democratic Republic of the Congo");
  assert.ok(listed.every(({ nameLong }) => !/\./.test(nameLong) || nameLong.includes("U.N.")));

  for (const [longitude, latitude, name] of PLACES) {
    const found = (await one.byPoint(longitude, latitude, call)).map((boundary) => boundary.name);
    // San Marino and the Vatican have no hole in the Italy of this scale.
    assert.ok(found.includes(name), `${longitude}, ${latitude}: ${found}`);
  }
  assert.deepEqual(await one.byPoint(-30, 0, call), []);
  assert.deepEqual((await one.get("fji", call))?.bbox.map(Math.round), [175, -22, -178, -12]);

  for (const { name } of listed) {
    const { geometry, digest, bbox } = (await one.get(name, call))!;
    const again = await areaOf(polygonsOf(geometry), { longEdges: "refused" });
    assert.deepEqual(again, { geometry, digest, bbox, repairs: [] }, name);
  }
});

test("what is loaded comes to the countries, or instead of them", async (t) => {
  const pool = await testDatabase(t, { migrations: ["node"] });
  const boundaries = createBoundaries(pool);
  const added = await draft("atlantis", "POLYGON((-31 30, -30 30, -30 31, -31 30))");
  await boundaries.load(each([added]), { source: "a test" }, call);
  assert.equal((await boundaries.list(call)).length, 256);
  await boundaries.load(each([added]), { source: "a test", replace: true }, call);
  assert.equal((await createBoundaries(pool).list(call)).length, 1);

  const other = createBoundaries(await testDatabase(t, { migrations: ["node"] }));
  await other.load(each([added]), { source: "a test", replace: true }, call);
  assert.equal((await other.list(call)).length, 1);
});
