import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { feature } from "topojson-client";
import type { Topology } from "topojson-specification";
import { peer } from "../scripts/peers.ts";
import { createEngine, type Engine } from "../src/engine.ts";
import { areaOf } from "../src/flows/boundaries/area.ts";
import type { MultiPolygon } from "../src/flows/boundaries/boundary.ts";
import { clipDataset } from "../src/flows/raster/clip.ts";
import { writeGeotiff } from "../src/flows/raster/outputs.ts";
import { type Bench, type MissingPeer, needed, type Peer, type Row } from "./bench.ts";
import { type Python, startPython } from "./python.ts";

const FLOOR = 2;
const GOAL = 5;
const BOX = ["-10", "57", "35", "82"] as const;
const SMALL = 100;
/** Tiles of 512 pixels, deflate 6, predictor 2, nodata 0 on all sides. */
const LEVEL = 6;
const CREATION = [
  "TILED=YES",
  "BLOCKXSIZE=512",
  "BLOCKYSIZE=512",
  "COMPRESS=DEFLATE",
  `ZLEVEL=${LEVEL}`,
  "PREDICTOR=2",
];

/** Norway at 1:10m, valid; without Bouvet Island, which lies off the rasters. */
async function norway(): Promise<MultiPolygon> {
  const file = createRequire(import.meta.url).resolve("world-atlas/countries-10m.json");
  const topology = JSON.parse(readFileSync(file, "utf8")) as Topology;
  const countries = feature(topology, topology.objects.countries!);
  assert.ok(countries.type === "FeatureCollection");
  const found = countries.features.find(({ properties }) => properties?.name === "Norway");
  assert.ok(found?.geometry.type === "MultiPolygon");
  const polygons = found.geometry.coordinates.map((rings) =>
    rings.map((ring) => ring.map(([x, y]) => [x!, y!] as const)),
  );
  const north = polygons.filter((rings) => rings[0]!.every(([, latitude]) => latitude > 50));
  return (await areaOf(north, { longEdges: "as-written" })).geometry;
}

async function clip(engine: Engine, geometry: MultiPolygon, source: string, target: string): Promise<void> {
  const reader = { files: engine.files, decoder: engine.decoder };
  const dataset = await engine.formats.open(pathToFileURL(source));
  const clipped = await clipDataset(dataset, geometry, { mode: "polygon" }, reader);
  assert.ok(clipped !== undefined);
  rmSync(target, { force: true });
  await writeGeotiff(target, clipped.variables[0]!, { encoder: engine.decoder, level: LEVEL, overviews: false });
}

/** A command for each raster; what it takes to start GDAL is measured beside and taken off. */
async function gdalwarp(
  cutline: string,
  python: Python,
  pairs: readonly (readonly [string, string])[],
): Promise<number> {
  const program = "gdalwarp";
  const timed = (args: readonly string[]): number => {
    const start = performance.now();
    execFileSync(program, args, { stdio: ["ignore", "ignore", "inherit"] });
    return (performance.now() - start) / 1000;
  };
  let seconds = 0;
  for (const [source, target] of pairs) {
    // On the very pixels of the source: `-crop_to_cutline` would lay a grid of its own.
    const [west, south, east, north, width, height] = (await python.call("window", target.replace("gdal", "ours")))
      .result as number[];
    const grid = ["-te", `${west}`, `${south}`, `${east}`, `${north}`, "-ts", `${width}`, `${height}`];
    const threads = ["-multi", "-wo", "NUM_THREADS=ALL_CPUS", "-co", "NUM_THREADS=ALL_CPUS", "-wm", "512"];
    const creation = CREATION.flatMap((option) => ["-co", option]);
    seconds += timed(["-q", "-overwrite", "-cutline", cutline, ...grid, ...threads, ...creation, source, target]);
    seconds -= timed(["--version"]);
  }
  return seconds;
}

export const bench: Bench = {
  summary: "cut Norway at 1:10m out of rasters, to tiled GeoTIFF; 2 threads each",
  async prepare(log) {
    const python = startPython(needed(peer("raster")), "clip.py");
    const folder = mkdtempSync(join(tmpdir(), "gyre-clip-"));
    const engine = createEngine({ allow: [pathToFileURL(`${folder}/`)] });
    const geometry = await norway();
    const cutline = join(folder, "norway.geojson");
    writeFileSync(cutline, JSON.stringify(geometry));
    log("writing rasters");
    const file = (name: string): string => join(folder, `${name}.tif`);
    await python.call("write", file("large"), ...BOX, "10000", "1");
    for (let i = 0; i < SMALL; i++) await python.call("write", file(`small-${i}`), ...BOX, "600", String(i));

    const smalls = Array.from({ length: SMALL }, (_, i) => `small-${i}`);
    const hasGdal = isInstalled("gdalwarp");
    const rowsOf = (name: string, sources: readonly string[]): Row[] => {
      const pairs = (kind: string): (readonly [string, string])[] =>
        sources.map((source) => [file(source), file(`${source}-${kind}`)]);
      const ours = async (): Promise<number> => {
        const start = performance.now();
        for (const [source, target] of pairs("ours")) await clip(engine, geometry, source, target);
        return (performance.now() - start) / 1000;
      };
      const same = async (kind: string, measure: () => Promise<number>): Promise<void> => {
        await ours();
        await measure();
        for (const source of sources) {
          const { result } = await python.call("differences", file(`${source}-ours`), file(`${source}-${kind}`));
          const [differing, inside] = result as [number, number];
          assert.ok(inside > 0 && differing === 0, `${differing} of ${inside} pixels of ${source} differ from ${kind}`);
        }
      };
      const beside = (peerName: string, kind: string, measure: () => Promise<number>): Peer => ({
        ...{ name: peerName, floor: FLOOR, goal: GOAL, measure },
        same: () => same(kind, measure),
      });
      const rasterio = async (): Promise<number> =>
        (await python.call("mask", cutline, ...pairs("rasterio").flat())).seconds;
      const warp = (): Promise<number> => gdalwarp(cutline, python, pairs("gdal"));
      const missing: MissingPeer = { name: "gdalwarp", missing: "it is not installed (Debian: gdal-bin)" };
      const row = { name, unit: "s", kind: "time", ours } as const;
      return [
        { ...row, peer: beside("rasterio.mask", "rasterio", rasterio) },
        { ...row, peer: hasGdal ? beside("gdalwarp -cutline, without its start", "gdal", warp) : missing },
      ];
    };
    return {
      rows: [...rowsOf("10,000 x 10,000", ["large"]), ...rowsOf(`${SMALL} of 600 x 600`, smalls)],
      async close() {
        await python.close();
        await engine.close();
        rmSync(folder, { recursive: true });
      },
    };
  },
};

function isInstalled(program: string): boolean {
  try {
    execFileSync(program, ["--version"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}
