import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdtemp, readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, type TestContext, test } from "node:test";
import { type ProcessorsInput, processors as schema } from "../../../src/config/processors.ts";
import { LONLAT } from "../../../src/core/crs.ts";
import type { Boundary } from "../../../src/flows/boundaries/boundary.ts";
import { founding } from "../../../src/flows/processors/founding/founding.ts";
import type { Processor } from "../../../src/flows/processors/processor.ts";
import { geopackageWriter } from "../../../src/vector/geopackage/write.ts";
import { openVector } from "../../../src/vector/open.ts";
import { zipOf } from "../sources/zip-of.ts";
import { CALL, type Harness, type Ran, setUp, square } from "./harness.ts";

const FIXTURES = new URL("../../fixtures/founding/", import.meta.url);
const [globe, shaded, mollweide] = await Promise.all(
  ["global.tif", "shaded.tif", "mollweide.tif"].map((name) => readFile(new URL(name, FIXTURES))),
);
assert.ok(globe && shaded && mollweide);
const EUROPE = square(5, 35, 45, 65);
const OCEAN = square(-150, -60, -149, -59);

const sha1 = (bytes: Uint8Array): string => `sha1:${createHash("sha1").update(bytes).digest("hex")}`;
const md5 = (bytes: Uint8Array): string => `md5:${createHash("md5").update(bytes).digest("hex")}`;

/** Of the hundreds of files that some sources have, stand-ins have so many. */
const FEW = 12;

/** The configurations with their addresses led to a server of this test, and the checksums and counts of what it has. */
function standIns(origin: URL, checksums: Readonly<Record<string, string>> = {}): ProcessorsInput {
  const { raster, vector } = schema.parse(founding("postgres://localhost/osm"));
  const led = (text: string): string =>
    text.replaceAll(/"https?:\/\/([^"/]+)\/([^"]*)"/g, (_, host: string, path: string) => `"${origin}${host}/${path}"`);
  const moved = <T extends { readonly source: unknown }>(one: T): T => {
    const text = Object.entries(checksums).reduce(
      (done, [real, own]) => done.replaceAll(real, own),
      led(JSON.stringify(one.source)).replace(/"count":\d{3}/, `"count":${FEW}`),
    );
    return { ...one, source: JSON.parse(text) as unknown };
  };
  return { raster: raster.map(moved), vector: vector.map(moved) };
}

/** A Zenodo record as its API tells of it. */
function addRecord({ server }: Harness, id: number, files: Readonly<Record<string, Uint8Array>>): void {
  const entries = Object.entries(files).map(([key, bytes]) => ({ key, size: bytes.byteLength, checksum: md5(bytes) }));
  server.files.set(`zenodo.org/api/records/${id}`, new TextEncoder().encode(JSON.stringify({ id, files: entries })));
  for (const [key, bytes] of Object.entries(files)) {
    server.files.set(`zenodo.org/api/records/${id}/files/${key}/content`, bytes);
  }
}

async function get(harness: Harness, name: string, checksums?: Readonly<Record<string, string>>): Promise<Processor> {
  const loaded = await harness.processors(standIns(harness.server.url, checksums));
  assert.deepEqual(loaded.problems, []);
  const found = loaded.get(name);
  assert.ok(found, `there is no ${name}`);
  return found;
}

/** Runs it inside and outside of what the stand-ins have; answers what was made inside. */
async function runs(harness: Harness, processor: Processor, outside: Boundary | undefined): Promise<Ran> {
  const before = await processor.sourceDigest(CALL);
  const estimate = await processor.estimate(EUROPE, CALL);
  assert.ok((estimate.readBytes ?? 0) > 0 && estimate.notes?.[0]?.includes("are fetched first"));
  const ran = await harness.run(processor, EUROPE);
  assert.equal(ran.generated.isEmpty, false);
  assert.ok(ran.used.length > 0 && ran.used.every(({ digest }) => /^sha256:[0-9a-f]{64}$/.test(digest ?? "")));
  assert.ok(ran.generated.files.every(({ format }) => processor.metadata.formats.includes(format)));
  assert.equal(await processor.sourceDigest(CALL), before);
  if (outside !== undefined) {
    const { generated } = await harness.run(processor, outside);
    assert.deepEqual([generated.isEmpty, generated.files], [true, []]);
    assert.ok(generated.notes.length > 0);
  }
  return ran;
}

const namesOf = ({ generated }: Ran): string[] => generated.files.map(({ name }) => name).sort();

async function countOf({ folder }: Ran, name: string): Promise<number> {
  await using file = await openVector(join(folder, name));
  let count = 0;
  for await (const _ of file.layers[0]!.features()) count++;
  return count;
}

describe("the founding system's datasets, from stand-ins", () => {
  test("gridfinder: two rasters and the lines that meet the boundary, three files and not a fourth", async (t) => {
    const harness = await setUp(t);
    const lines = join(await mkdtemp(join(harness.folder, "grid-")), "grid.gpkg");
    const line = (y: number) => ({
      type: "LineString" as const,
      coordinates: [
        [0, y],
        [10, y],
      ],
    });
    await geopackageWriter.write(lines, {
      ...{ name: "grid", crs: LONLAT, fields: [{ name: "source", type: "string" }] },
      async *features() {
        for (const y of [50, 60, -20]) yield { geometry: line(y), properties: new Map([["source", "openstreetmap"]]) };
      },
    });
    addRecord(harness, 3628142, { "grid.gpkg": await readFile(lines), "lv.tif": globe, "targets.tif": globe });
    const ran = await runs(harness, await get(harness, "gridfinder.version_1"), undefined);
    assert.deepEqual(namesOf(ran), [
      "gridfinder-version_1-lv-square.tif",
      "gridfinder-version_1-square.gpkg",
      "gridfinder-version_1-targets-square.tif",
    ]);
    assert.equal(await countOf(ran, "gridfinder-version_1-square.gpkg"), 2);
  });

  test("isimp_drought: rasters of an archive in a record; with one less it is no complete source", async (t) => {
    const harness = await setUp(t);
    const names = Array.from({ length: FEW }, (_, i) => `lange2020_expected_occurrence/model_${i}_occurrence.tif`);
    const archive = (count: number): Record<string, Uint8Array> => ({
      "lange2020_expected_occurrence.zip": zipOf(
        Object.fromEntries(names.slice(0, count).map((name) => [name, globe])),
      ),
    });
    addRecord(harness, 7732393, archive(FEW - 1));
    const processor = await get(harness, "isimp_drought.version_1");
    await assert.rejects(harness.run(processor, EUROPE), /11 of the files that are wanted, not 12/);
    addRecord(harness, 7732393, archive(FEW));
    const ran = await harness.run(processor, EUROPE);
    assert.equal(ran.generated.files.length, FEW);
    assert.ok(namesOf(ran).includes("isimp_drought-version_1-model_7_occurrence-square.tif"));
  });

  test("jrc_ghsl_built_c: two rasters in Mollweide, each of its own archive, checked after unpacking", async (t) => {
    const harness = await setUp(t);
    const path = "jeodpp.jrc.ec.europa.eu/ftp/jrc-opendata/GHSL/GHS_BUILT_C_GLOBE_R2022A";
    for (const kind of ["FUN", "MSZ"]) {
      const name = `GHS_BUILT_C_${kind}_E2018_GLOBE_R2022A_54009_10`;
      const zip = zipOf({ [`${name}_V1_0.tif`]: mollweide, "readme.txt": "about" });
      harness.server.files.set(`${path}/GHS_BUILT_C_${kind}_GLOBE_R2022A/${name}/V1-0/${name}_V1_0.zip`, zip);
    }
    const name = "jrc_ghsl_built_c.r2022_epoch2018_10m_mszfun";
    const real = ["344f6d54e3253b3c0a3370e7dbe8da328586ec79", "5bdc5a6036f72d119745c02b940cbbadbb881d66"];
    const own = Object.fromEntries(real.map((digest) => [`sha1:${digest}`, sha1(mollweide)]));
    const ran = await runs(harness, await get(harness, name, own), undefined);
    assert.equal(ran.generated.files.length, 2);
    assert.match(ran.generated.files[0]?.crs ?? "", /Mollweide/);
    const strict = await get(harness, name);
    await assert.rejects(harness.run(strict, EUROPE), /344f6d54e3253b3c0a3370e7dbe8da328586ec79/);
  });

  test("jrc_ghsl_population: one raster of an archive", async (t) => {
    const harness = await setUp(t);
    const name = "GHS_POP_E2020_GLOBE_R2022A_54009_1000";
    const path = `jeodpp.jrc.ec.europa.eu/ftp/jrc-opendata/GHSL/GHS_POP_GLOBE_R2022A/${name}/V1-0/${name}_V1_0.zip`;
    harness.server.files.set(path, zipOf({ [`${name}_V1_0.tif`]: mollweide }));
    const ran = await runs(harness, await get(harness, "jrc_ghsl_population.r2022_epoch2020_1km"), undefined);
    assert.deepEqual(namesOf(ran), ["jrc_ghsl_population-r2022_epoch2020_1km-square.tif"]);
  });

  test("storm: rasters of a record", async (t) => {
    const harness = await setUp(t);
    const names = Array.from({ length: FEW }, (_, i) => `STORM_FIXED_RETURN_PERIODS_constant_${i}_YR_RP.tif`);
    addRecord(harness, 7438145, { ...Object.fromEntries(names.map((name) => [name, globe])), "README.txt": globe });
    const ran = await runs(harness, await get(harness, "storm.global_mosaics_version_1"), undefined);
    assert.equal(ran.generated.files.length, FEW);
  });

  test("wri_aqueduct: rasters of a listing, without the percentiles and those without subsidence", async (t) => {
    const harness = await setUp(t);
    const folder = "wri-projects.s3.amazonaws.com/AqueductFloodTool/download/v2";
    const names = Array.from({ length: FEW }, (_, i) => `inunriver_rcp8p5_MIROC-ESM-CHEM_2080_rp${i}.tif`);
    const unwanted = ["inuncoast_rcp8p5_wtsub_2080_rp0100_0_perc_05.tif", "inuncoast_rcp8p5_nosub_2080_rp0100_0.tif"];
    const links = [...names, ...unwanted, "index.html"].map((name) => `<li><a href='${name}'>${name}</a>`);
    harness.server.files.set(`${folder}/index.html`, new TextEncoder().encode(`<ul>${links.join("")}</ul>`));
    for (const name of names) harness.server.files.set(`${folder}/${name}`, globe);
    const ran = await runs(harness, await get(harness, "wri_aqueduct.version_2"), undefined);
    assert.equal(ran.generated.files.length, FEW);
  });

  test("wri_powerplants: points of a table in an archive", async (t) => {
    const harness = await setUp(t);
    const rows = ["NOR,Norway,One,5,60,10", "KEN,Kenya,Two,7.5,0,37", 'DEU,Germany,"Three, west",1,51,7'];
    const csv = ["country,country_long,name,capacity_mw,latitude,longitude", ...rows].join("\n");
    const zip = zipOf({ "global_power_plant_database.csv": csv, "README.txt": "about" });
    const path = "wri-dataportal-prod.s3.amazonaws.com/manual/global_power_plant_database_v_1_3.zip";
    harness.server.files.set(path, zip);
    const own = { "sha1:083f11452efc1ed0e8fb1494f0ce49e5c37718e2": sha1(zip) };
    const ran = await runs(harness, await get(harness, "wri_powerplants.version_130", own), OCEAN);
    const [file] = ran.generated.files;
    assert.deepEqual([file?.name, file?.format], ["wri_powerplants-version_130-square.gpkg", "GEOPKG"]);
    assert.equal(await countOf(ran, file!.name), 2);
    await assert.rejects(harness.run(await get(harness, "wri_powerplants.version_130"), EUROPE), /083f1145/);
  });

  test("natural_earth_raster: three bands of an archive, reached by a redirect", async (t) => {
    const harness = await setUp(t);
    const asked = "/www.naturalearthdata.com/http//www.naturalearthdata.com/download/50m/raster/NE2_50M_SR.zip";
    const mirror = "naciscdn.org/naturalearth/50m/raster/NE2_50M_SR.zip";
    harness.server.files.set(mirror, zipOf({ "NE2_50M_SR/NE2_50M_SR.tif": shaded, "NE2_50M_SR/NE2_50M_SR.tfw": "1" }));
    harness.server.habits = {
      intercept: ({ url }, response) => {
        if (url !== asked) return false;
        response.writeHead(302, { location: `/${mirror}` }).end();
        return true;
      },
    };
    const ran = await runs(harness, await get(harness, "natural_earth_raster.version_1"), undefined);
    assert.ok(namesOf(ran).every((name) => name.startsWith("natural_earth_raster-version_1-")));
  });

  test("natural_earth_vector: roads of a shapefile, cut by the boundary", async (t) => {
    const harness = await setUp(t);
    const parts = ["shp", "dbf", "shx", "prj"].map((kind) => `ne_10m_roads.${kind}`);
    const members = await Promise.all(
      parts.map(async (part) => [part, await readFile(new URL(part, FIXTURES))] as const),
    );
    const path = "www.naturalearthdata.com/http//www.naturalearthdata.com/download/10m/cultural/ne_10m_roads.zip";
    harness.server.files.set(path, zipOf(Object.fromEntries(members)));
    const ran = await runs(harness, await get(harness, "natural_earth_vector.version_1"), OCEAN);
    const [file] = ran.generated.files;
    await using opened = await openVector(join(ran.folder, file!.name));
    const found = new Map<unknown, unknown>();
    for await (const { geometry, properties } of opened.layers[0]!.features()) {
      found.set(properties.get("name"), geometry);
    }
    assert.deepEqual([...found.keys()].sort(), ["across", "within"]);
    assert.match(JSON.stringify(found.get("across")), /\[5,50\]/);
  });
});

test("all ten are there by name, with licence, citation and origin", async (t: TestContext) => {
  const harness = await setUp(t);
  const loaded = await harness.processors({ founding: true });
  const names = loaded.list().map(({ metadata }) => `${metadata.dataset}.${metadata.version}`);
  assert.deepEqual(names, [
    "gri_osm.roads_and_rail_version_1",
    "gridfinder.version_1",
    "isimp_drought.version_1",
    "jrc_ghsl_built_c.r2022_epoch2018_10m_mszfun",
    "jrc_ghsl_population.r2022_epoch2020_1km",
    "natural_earth_raster.version_1",
    "natural_earth_vector.countries_10m",
    "natural_earth_vector.version_1",
    "storm.global_mosaics_version_1",
    "wri_aqueduct.version_2",
    "wri_powerplants.version_130",
  ]);
  const counts = founding(undefined).raster?.map(({ dataset, source }) => [dataset, JSON.stringify(source)] as const);
  for (const [dataset, count] of [
    ["isimp_drought", 245],
    ["storm", 140],
    ["wri_aqueduct", 379],
  ] as const) {
    assert.ok(counts?.some(([name, source]) => name === dataset && source.includes(`"count":${count}`)));
  }
  for (const { metadata } of loaded.list()) {
    for (const text of [metadata.author, metadata.citation, metadata.license.path, metadata.summary]) assert.ok(text);
    assert.match(metadata.originUrl, /^https?:/);
  }
  const some = await harness.processors({ founding: ["storm.global_mosaics_version_1", "nothing.version_1"] });
  assert.deepEqual(
    some.list().map(({ metadata }) => metadata.dataset),
    ["natural_earth_vector", "storm"],
  );
  assert.deepEqual(
    some.problems.map(({ source }) => source),
    ["nothing.version_1"],
  );
});
