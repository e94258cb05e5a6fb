import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { crsFromEpsg, crsFromProj } from "../../src/core/crs.ts";
import type { Layer } from "../../src/vector/feature.ts";
import { openVector } from "../../src/vector/open.ts";
import { VECTOR_WRITERS, vectorWriter } from "../../src/vector/writers.ts";
import { testVectorWriter } from "../contract/vector-writer.ts";
import { findProgram, missing } from "../services/services.ts";
import { all, expectedOf, fixture, type Plain, plainOf } from "./fixtures.ts";

for (const writer of VECTOR_WRITERS) testVectorWriter(writer, { isTyped: !["CSV", "GeoJSON"].includes(writer.name) });

const ogr2ogr = findProgram("ogr2ogr", []);
const ogrinfo = findProgram("ogrinfo", []);
const python = fileURLToPath(new URL("../../.peers/geoparquet/bin/python", import.meta.url));
const noGdal =
  ogr2ogr === undefined ? missing("GDAL is not installed (node scripts/services.ts install)").unavailable : false;
const noPandas = existsSync(python) ? false : missing("geopandas is not installed").unavailable;

async function inFolder<T>(work: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), "gyre-write-"));
  try {
    return await work(folder);
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** What GDAL reads in a file. */
function gdalReads(path: string, ...options: readonly string[]): readonly Plain[] {
  const args = ["-f", "GeoJSONSeq", "-a_srs", "EPSG:4326", "-lco", "COORDINATE_PRECISION=15", ...options];
  const text = execFileSync(ogr2ogr!, [...args, "/vsistdout/", path], {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "ignore"],
  });
  return text
    .trim()
    .split("\n")
    .map((line) => plainOf(JSON.parse(line) as Plain));
}

/** In an order of their own, as the Hilbert curve has others. */
function sorted(features: readonly Plain[]): readonly string[] {
  return features.map((feature) => JSON.stringify(feature)).sort();
}

for (const name of ["GEOPKG", "FlatGeobuf", "GeoJSON"]) {
  for (const source of ["mixed.gpkg", "heights.gpkg", "shape.shp", "grid.fgb"]) {
    test(`GDAL reads in ${name} what it read in ${source}`, { skip: noGdal }, () =>
      inFolder(async (folder) => {
        await using file = await openVector(fixture(source));
        const writer = vectorWriter(name)!;
        const path = join(folder, `out${writer.extension}`);
        // GeoJSON would be reprojected.
        const layer: Layer = { ...file.layers[0]!, ...(name === "GeoJSON" ? { crs: undefined } : {}) };
        await writer.write(path, layer);
        const isSorted = name === "FlatGeobuf";
        const [found, expected] = [gdalReads(path), expectedOf(source)];
        if (isSorted) assert.deepEqual(sorted(found), sorted(expected));
        else assert.deepEqual(found, expected);
      }),
    );
  }
}

test("GDAL finds the layer, its type, its CRS and its index in a GeoPackage", { skip: noGdal }, () =>
  inFolder(async (folder) => {
    await using file = await openVector(fixture("grid.gpkg"));
    const path = join(folder, "out.gpkg");
    await vectorWriter("geopkg")!.write(path, file.layers[0]!);
    const info = execFileSync(ogrinfo!, ["-so", "-al", path], { encoding: "utf8" });
    assert.match(
      info,
      /Layer name: grid\nGeometry: Point\nFeature Count: 100\nExtent: \(0\.0+, 0\.0+\) - \(9\.0+, 9\.0+\)/,
    );
    assert.match(info, /ID\["EPSG",32628\]\]/);
    const sql = "SELECT HasSpatialIndex('grid', 'geom')";
    assert.match(execFileSync(ogrinfo!, ["-sql", sql, path], { encoding: "utf8" }), /\(Integer\) = 1/);
    assert.equal(gdalReads(path, "-spat", "1.5", "2", "4", "3.5").length, 6);
    // The triggers keep the index as GDAL changes the table.
    execFileSync(ogrinfo!, ["-sql", "DELETE FROM grid WHERE n = 22", path], { stdio: "ignore" });
    await using changed = await openVector(path);
    assert.equal((await all(changed.layers[0]!.features({ bbox: [1.5, 2, 4, 3.5] }))).length, 5);
  }),
);

test("GDAL finds by the index of a FlatGeobuf what lies in a box", { skip: noGdal }, () =>
  inFolder(async (folder) => {
    await using file = await openVector(fixture("grid.gpkg"));
    const path = join(folder, "out.fgb");
    await vectorWriter(".fgb")!.write(path, file.layers[0]!);
    assert.equal(gdalReads(path, "-spat", "1.5", "2", "4", "3.5").length, 6);
    await using ours = await openVector(path);
    assert.equal((await all(ours.layers[0]!.features({ bbox: [1.5, 2, 4, 3.5] }))).length, 6);
    assert.equal(ours.layers[0]!.crs?.epsg, 32628);
  }),
);

test("a CRS of no registry goes into a GeoPackage and comes out of it", () =>
  inFolder(async (folder) => {
    const crs = crsFromProj("+proj=laea +lat_0=10 +lon_0=20 +datum=WGS84", { name: "own" });
    await using file = await openVector(fixture("grid.gpkg"));
    const path = join(folder, "out.gpkg");
    await vectorWriter("geopkg")!.write(path, { ...file.layers[0]!, crs });
    await using found = await openVector(path);
    assert.equal(found.layers[0]!.crs?.wkt, crs.wkt);
  }));

test("geopandas reads GeoParquet: types, CRS, box", { skip: noPandas }, () =>
  inFolder(async (folder) => {
    await using file = await openVector(fixture("mixed.gpkg"));
    const path = join(folder, "out.parquet");
    await vectorWriter("GeoParquet")!.write(path, file.layers[0]!);
    const script = `import geopandas, json, sys
frame = geopandas.read_parquet(sys.argv[1])
part = geopandas.read_parquet(sys.argv[1], bbox=(9, 9, 12, 12))
print(json.dumps([str(frame.crs), {n: str(t) for n, t in frame.dtypes.items()}, len(frame), list(part.text),
  frame.geometry.to_wkt().tolist()[0]]))`;
    const [crs, types, count, part, point] = JSON.parse(
      execFileSync(python, ["-c", script, path], { encoding: "utf8" }),
    ) as readonly [string, Record<string, string>, number, readonly string[], string];
    assert.deepEqual([crs, count, part, point], ["OGC:CRS84", 8, ["two"], "POINT (1.5 -2.25)"]);
    assert.deepEqual([types.time, types.whole, types.real], ["datetime64[us, UTC]", "float64", "float64"]);
  }),
);

test("what must be degrees is reprojected", () =>
  inFolder(async (folder) => {
    await using file = await openVector(fixture("grid.gpkg"));
    const layer: Layer = { ...file.layers[0]!, crs: crsFromEpsg(3857) };
    for (const name of ["GeoJSON", "GeoParquet"]) {
      const writer = vectorWriter(name)!;
      const path = join(folder, `out${writer.extension}`);
      await writer.write(path, layer);
      await using found = await openVector(path);
      const [, second] = await all(found.layers[0]!.features());
      const [x] = (second!.geometry as { readonly coordinates: readonly number[] }).coordinates;
      assert.ok(Math.abs(x! - 1 / 111319.49079327358) < 1e-12, name);
    }
  }));
