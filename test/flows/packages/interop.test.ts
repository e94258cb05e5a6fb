import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { chmod, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { after, before, describe, test } from "node:test";
import { fileURLToPath, pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { Ajv } from "ajv";
import { createLocalFiles } from "../../../src/files/local.ts";
import { createPackageStore } from "../../../src/flows/packages/create-package-store.ts";
import { type DataPackage, datasetsOf } from "../../../src/flows/packages/datapackage.ts";
import { packageArchive } from "../../../src/flows/packages/package-archive.ts";
import type { PackageStore } from "../../../src/flows/packages/package-store.ts";
import { findProgram, missing, startNginx } from "../../services/services.ts";
import { fileName, island, metadataOf, withMade } from "./samples.ts";

const run = promisify(execFile);
const HERE = import.meta.dirname;
const PYTHON = fileURLToPath(new URL("../../../.peers/frictionless/bin/python", import.meta.url));
const SCHEMAS = resolve(process.env.GYRE_DATA ?? join(HERE, "../../../../shared/data"), "schemas");
const TIFF = resolve(HERE, "../../fixtures/geotiff");

let folder: string;
let store: PackageStore;

/** A package with everything that one may have: several files, empty ones, two versions, odd licences, hostile texts. */
before(async () => {
  folder = await mkdtemp(join(tmpdir(), "gyre-packages-"));
  await chmod(folder, 0o755);
  const publicUrl = new URL("https://data.example.org/packages/");
  store = createPackageStore({ files: createLocalFiles(), root: pathToFileURL(`${folder}/`), publicUrl });
  await store.setUp(island("empty"));
  const license = { name: "Open Database (v1)", path: "../licence.txt", title: "<b>ODbL</b> & friends" };
  const hostile = { title: "<script>alert(1)</script>", author: "", originUrl: "javascript:alert(1)", license };
  const rivers = metadataOf("rivers", "version_1", hostile);
  const kinds = [
    [
      metadataOf("roads"),
      [fileName("roads", "atlantis", "tif"), "roads-version_1-x-atlantis.tif"],
      "GeoTIFF",
      "image/tiff",
    ],
    [metadataOf("roads", "version_2"), ["roads-version_2-atlantis.gpkg"], "GEOPKG", "application/geopackage+sqlite3"],
    [rivers, ["rivers.csv"], "CSV", "text/csv"],
    [metadataOf("lakes"), ["lakes-1.csv", "lakes-2.csv"], "CSV", "no type"],
  ] as const;
  for (const [metadata, names, format, mediaType] of kinds) {
    const contents = Object.fromEntries(names.map((name) => [name, `a,b\n1,${name.length}\n`]));
    const files = names.map((name) => ({ name, format, mediaType, crs: "EPSG:3035" }));
    await withMade(contents, { metadata, files, notes: ["crop <completed>"] }, (made) => store.publish(made));
  }
  const zarr = [{ name: "ice.zarr", format: "Zarr", mediaType: "application/vnd+zarr" }];
  const contents = { "ice.zarr/zarr.json": "{}", "ice.zarr/c/0": "x" };
  await withMade(contents, { metadata: metadataOf("ice"), files: zarr }, (made) => store.publish(made));
  await withMade({}, { metadata: metadataOf("nothing"), isEmpty: true }, (made) => store.publish(made));
  for (const replaced of [true, false]) {
    const make = { metadata: rivers, sourceDigest: "2" };
    const told = await withMade({ "rivers.csv": "a\n2\n" }, make, (made) => store.publish(made));
    assert.equal(told.replaced, replaced);
  }
});
after(() => rm(folder, { recursive: true }));

describe("Data Package v2", { skip: existsSync(SCHEMAS) ? false : "no shared data here (GYRE_DATA)" }, () => {
  const path = join(SCHEMAS, "datapackage/2.0/datapackage.json");
  for (const name of ["atlantis", "empty"]) {
    test(`the descriptor of ${name} keeps to the official schema`, async () => {
      const check = new Ajv({ strict: false, validateFormats: false }).compile(JSON.parse(readFileSync(path, "utf8")));
      const descriptor: Record<string, unknown> = JSON.parse(
        await readFile(join(folder, name, "datapackage.json"), "utf8"),
      );
      assert.ok(check(descriptor), JSON.stringify(check.errors));
      descriptor.licenses = [];
      assert.ok(!check(descriptor), "the schema checks something");
    });
  }

  test("the item keeps to the schemas of its extensions", async () => {
    for (const name of ["atlantis", "empty"]) {
      const item = JSON.parse(await readFile(join(folder, name, "stac.json"), "utf8"));
      assert.equal(item.stac_extensions.length, 2);
      for (const url of item.stac_extensions as string[]) {
        const [, extension = "", version = ""] = /github\.io\/([a-z]+)\/(v[\d.]+)\//.exec(url) ?? [];
        const file = join(SCHEMAS, "stac-extensions", extension, version, "schema.json");
        const ajv = new Ajv({ strict: false, validateFormats: false, validateSchema: false });
        // Only the definitions of geometries lie elsewhere, which Ajv need not look at here.
        ajv.addSchema({}, "https://proj.org/schemas/v0.7/projjson.schema.json");
        ajv.addSchema({}, "https://geojson.org/schema/Geometry.json");
        const check = ajv.compile(JSON.parse(readFileSync(file, "utf8")));
        assert.ok(check(item), `${url}: ${JSON.stringify(check.errors)}`);
      }
    }
  });
});

describe("tools of others", { skip: existsSync(PYTHON) ? false : missing("no frictionless here").unavailable }, () => {
  const checked = async (path: string) => JSON.parse((await run(PYTHON, [join(HERE, "interop.py"), path])).stdout);

  for (const name of ["atlantis", "empty"]) {
    test(`frictionless and pystac find ${name} valid`, async () => {
      const found = await checked(join(folder, name));
      assert.deepEqual(found.errors, []);
      assert.equal(found.valid, true);
      const datapackage = (await store.datapackage(name)) as DataPackage;
      assert.deepEqual(
        found.resources,
        datapackage.resources.map(({ name, bytes, hash }) => [name, bytes, hash ?? null]),
      );
      for (const { files } of datapackage.resources) {
        for (const { path, bytes } of files) assert.equal(found.assets[path], bytes, path);
      }
    });
  }

  test("frictionless finds a file that was damaged", async () => {
    const copy = await mkdtemp(join(tmpdir(), "gyre-copy-"));
    await run("cp", ["-r", join(folder, "atlantis"), copy]);
    const [roads] = datasetsOf((await store.datapackage("atlantis")) as DataPackage).filter(
      ({ name }) => name === "roads.version_2",
    );
    await writeFile(join(copy, "atlantis", roads?.path[0] ?? ""), "damaged");
    const { valid, errors } = await checked(join(copy, "atlantis"));
    await rm(copy, { recursive: true });
    assert.equal(valid, false);
    assert.match(JSON.stringify(errors), /hash|byte/);
  });

  test("an unpacked archive is a valid package, whole or in part", async () => {
    for (const datasets of [undefined, ["roads.version_1", "nothing.version_1"]]) {
      const archive = await packageArchive(store, "atlantis", datasets, {});
      const copy = await mkdtemp(join(tmpdir(), "gyre-zip-"));
      await writeFile(join(copy, "a.zip"), archive!.open({}));
      await run("python3", ["-m", "zipfile", "-e", join(copy, "a.zip"), copy]);
      const found = await checked(join(copy, "atlantis"));
      await rm(copy, { recursive: true });
      assert.deepEqual(found.errors, []);
      const names = found.resources.map(([name]: [string]) => name);
      if (datasets !== undefined) assert.deepEqual(names, ["boundary", "nothing", "roads"]);
      else assert.equal(names.length, 7);
    }
  });
});

test("no text of a processor becomes markup", async () => {
  const datasets = datasetsOf((await store.datapackage("atlantis")) as DataPackage);
  const pages = ["index.html", "license.html", "version.html"];
  const own = datasets.flatMap(({ gyre: { dataset }, version }) =>
    pages.slice(0, 2).map((page) => `datasets/${dataset}/${version}/${page}`),
  );
  for (const page of [...pages, ...own]) {
    const text = await readFile(join(folder, "atlantis", page), "utf8");
    assert.doesNotMatch(text, /<script|javascript:[^<]*"|<b>ODbL|crop <completed/, page);
  }
});

const gdalinfo = findProgram("gdalinfo", []);
const nginx = await startNginx("location / { root /nowhere; }").then(async (service) => {
  if (service.unavailable === undefined) await service.stop();
  return service.unavailable;
});

test("nginx serves the folder, and a client finds all by datapackage.json", { skip: nginx ?? false }, async (t) => {
  const service = await startNginx(`location /packages/ { alias ${folder}/; }`);
  assert.ok(service.unavailable === undefined);
  t.after(() => service.stop());
  const base = new URL("packages/atlantis/datapackage.json", service.url);
  const descriptor = (await (await fetch(base)).json()) as DataPackage;
  let files = 0;
  for (const resource of descriptor.resources) {
    for (const [i, path] of resource.path.entries()) {
      const bytes = await (await fetch(new URL(path, base))).bytes();
      assert.equal(`sha256:${createHash("sha256").update(bytes).digest("hex")}`, resource.hashes[i], path);
      files++;
    }
  }
  assert.equal(files, 9);
  const page = await fetch(new URL("packages/atlantis/", service.url));
  assert.match(await page.text(), /roads\.version_1/);
});

test("GDAL opens the files and the boundary of a package", {
  skip: gdalinfo === undefined && missing("no GDAL").unavailable,
}, async () => {
  const name = fileName("heights", "island", "tif");
  const contents = { [name]: await readFile(join(TIFF, "bits-12.tif")) };
  const boundary = island("island", 3);
  await withMade(contents, { boundary, metadata: metadataOf("heights") }, (made) => store.publish(made));
  const datapackage = (await store.datapackage("island")) as DataPackage;
  const [outline = "", raster = ""] = datapackage.resources.map(({ path }) => join(folder, "island", path[0] ?? ""));
  const { driverShortName } = JSON.parse((await run("gdalinfo", ["-json", raster])).stdout);
  assert.equal(driverShortName, "GTiff");
  const { stdout } = await run("ogrinfo", ["-ro", "-al", outline]);
  assert.match(stdout, /MULTIPOLYGON \(\(\(0 0,3 0,3 3,0 3,0 0\)\)\)/);
  assert.match(stdout, /name_long \(String\) = Island/);
});
