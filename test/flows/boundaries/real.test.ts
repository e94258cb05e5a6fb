import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { loadGeos } from "../../../src/core/geos.ts";
import { type Area, areaOf } from "../../../src/flows/boundaries/area.ts";
import { isProjected, layerOf, layerPolygons } from "../../../src/flows/boundaries/layer-polygons.ts";
import { openVector } from "../../../src/vector/open.ts";

const DATA = process.env.GYRE_DATA ?? fileURLToPath(new URL("../../../../shared/data", import.meta.url));
const SOURCE = join(DATA, "boundaries/ne_110m_admin_0_countries.json");

function missing(): string | false {
  if (!existsSync(SOURCE)) return `there is no ${SOURCE}`;
  return spawnSync("ogr2ogr", ["--version"]).status === 0 ? false : "there is no ogr2ogr";
}

async function areasOf(path: string): Promise<Map<string, Area>> {
  await using file = await openVector(path);
  const layer = layerOf(file, undefined);
  const found = new Map<string, Area>();
  for await (const { feature, polygons } of layerPolygons(layer, {})) {
    const edges = { longEdges: "short-way", isReprojected: isProjected(layer) } as const;
    found.set(String(feature.properties.get("NAME")), await areaOf(polygons, edges));
  }
  return found;
}

/** Where Antarctica, Russia and Fiji are torn or have the pole inside: all that a CRS can do to a polygon. */
describe("Natural Earth as GDAL writes it in other formats and CRS", { skip: missing() }, () => {
  const folder = mkdtempSync(join(tmpdir(), "gyre-ne-"));
  after(() => rmSync(folder, { recursive: true }));
  const original = areasOf(SOURCE);

  for (const [name, driver, crs] of [
    ["degrees.gpkg", "GPKG", "EPSG:4326"],
    ["mollweide.shp", "ESRI Shapefile", "ESRI:54009"],
    ["ease.gpkg", "GPKG", "EPSG:6933"],
    ["polar.fgb", "FlatGeobuf", "EPSG:3031"],
  ] as const) {
    test(`${name}, ${crs}: the same areas and boxes, nearly all with the same digest`, async () => {
      const path = join(folder, name);
      const flags = ["-f", driver, path, SOURCE, "-t_srs", crs, "-nlt", "PROMOTE_TO_MULTI", "-select", "NAME"];
      execFileSync("ogr2ogr", [...flags, ...(driver.startsWith("ESRI") ? ["-lco", "ENCODING=UTF-8"] : [])]);
      const [wanted, found] = [await original, await areasOf(path)];
      assert.deepEqual([...found.keys()].sort(), [...wanted.keys()].sort());
      const geos = await loadGeos();
      const same = [...wanted].filter(([country, area]) => {
        const other = found.get(country)!;
        using one = geos.shape(area.geometry);
        using two = geos.shape(other.geometry);
        const sizes = [one, two].map((shape) => (shape === undefined ? 0 : geos.area(shape)));
        assert.ok(Math.abs(sizes[1]! / sizes[0]! - 1) < 1e-6, `${country}: ${sizes}`);
        other.bbox.forEach((edge, i) => {
          assert.ok(Math.abs(edge - area.bbox[i]!) < 1e-6, `${country}: ${other.bbox}`);
        });
        return area.digest === other.digest;
      });
      assert.ok(same.length >= 170, `${same.length} of ${wanted.size}`);
    });
  }
});
