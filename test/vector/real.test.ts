import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { loadGeos } from "../../src/core/geos.ts";
import type { Geometry } from "../../src/core/stac.ts";
import { openVector } from "../../src/vector/open.ts";
import { dataFolder } from "../formats/data.ts";
import { findProgram, missing } from "../services/services.ts";
import { all, type Plain, plainOf } from "./fixtures.ts";

const geos = await loadGeos();
const ogr2ogr = findProgram("ogr2ogr", []);
const reason =
  ogr2ogr === undefined
    ? missing("GDAL is not installed (node scripts/services.ts install)").unavailable
    : dataFolder === undefined
      ? "there is no ../shared/data"
      : false;

/** Real files, with a box that some of their features meet. */
const FILES = [
  { name: "GSHHS_c_L1.shp", bbox: [-30, 30, 10, 70] },
  { name: "gambia.geojson", bbox: [-16, 13, -15, 14] },
  { name: "grid.gpkg", bbox: [-10, 10, -5, 15] },
  { name: "ne_110m_admin_0_countries.json", bbox: [0, 0, 20, 20] },
  { name: "ne_110m_admin_1_states_provinces.json", bbox: [-100, 30, -90, 40] },
  { name: "ne_50m_lakes.json", bbox: [0, 40, 40, 70] },
] as const;

for (const { name, bbox } of FILES) {
  test(`${name} is read as GDAL reads it`, { skip: reason }, async () => {
    const path = fileURLToPath(new URL(`boundaries/${name}`, dataFolder));
    const args = ["-f", "GeoJSONSeq", "-a_srs", "EPSG:4326", "-lco", "COORDINATE_PRECISION=15", "/vsistdout/", path];
    const text = execFileSync(ogr2ogr!, args, {
      encoding: "utf8",
      maxBuffer: 1 << 28,
      stdio: ["ignore", "pipe", "ignore"],
    });
    const expected = text
      .trim()
      .split("\n")
      .map((line) => plainOf(JSON.parse(line) as Plain));
    await using file = await openVector(path);
    const [layer] = file.layers;
    const features = (await all(layer!.features())).map(plainOf);
    assert.equal(features.length, expected.length);
    for (const [i, feature] of features.entries()) {
      const theirs = expected[i]!;
      if (isOpen(theirs)) {
        using left = geos.shape(feature.geometry as Geometry);
        using right = geos.shape(theirs.geometry as Geometry);
        assert.equal(geos.test("s_equals", left!, right!), true, `feature ${i}`);
      } else assert.deepEqual(rounded(feature), rounded(theirs), `feature ${i}`);
    }
    const found = await all(layer!.features({ bbox }));
    assert.ok(found.length > 0 && found.length < features.length + Number(name === "gambia.geojson"));
  });
}

/** A ring that a file leaves open stays so in GDAL, and begins elsewhere when it is turned round: it is closed here. */
function isOpen({ geometry }: Plain): boolean {
  const { type, coordinates } = geometry as { readonly type: string; readonly coordinates: number[][][] };
  return type === "Polygon" && coordinates.some((ring) => String(ring[0]) !== String(ring.at(-1)));
}

/** GDAL prints 15 digits behind the point, and so not always the number that it read. */
function rounded(feature: Plain): unknown {
  return JSON.parse(
    JSON.stringify(feature, (_, value: unknown) => (typeof value === "number" ? Number(value.toPrecision(12)) : value)),
  );
}
