import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { chmod, mkdir, mkdtemp, readdir, rm } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { imageryItems } from "../../bench/imagery.ts";
import { type Server, startGyre } from "../../bench/servers.ts";
import { syntheticItems } from "../../src/catalog/synthetic/items.ts";
import type { StacItem } from "../../src/core/stac.ts";
import { gyre } from "../cli/run.ts";
import { dataFolder } from "../formats/data.ts";
import { findProgram, missing } from "../services/services.ts";
import { written } from "./written.ts";

const folder = new URL("stac/", import.meta.url);
const python = fileURLToPath(new URL("../../.peers/stac/bin/python", import.meta.url));
const skip =
  (dataFolder === undefined && "no ../shared/data (set GYRE_DATA)") ||
  (!existsSync(python) && missing("no .peers/stac with the STAC clients").unavailable);
const gdal = findProgram("gdalinfo", []);
const chromium = findProgram("chromium", []);

/** Classes that stac-api-validator knows: all of them are claimed. */
const CLASSES = [
  ...["core", "browseable", "collections", "children", "features", "item-search", "filter", "transaction"],
  ...["item-search", "features"].flatMap((of) => [`${of}#sort`, `${of}#fields`, `${of}#query`]),
];
const SCENES = [...imageryItems(40, 1)];
const WORLD = {
  type: "Polygon",
  coordinates: [
    [
      [-170, -60],
      [170, -60],
      [170, 80],
      [-170, 80],
      [-170, -60],
    ],
  ],
};
/** What stac-api-validator deletes first, though a catalogue may answer 404 where there is nothing to delete. */
const VICTIM = "S2A_47XNF_20230423_0_L2A";

interface Envelope {
  readonly data: { readonly payload: { readonly item: StacItem } };
}

function read<T>(url: URL): T {
  return JSON.parse(readFileSync(url, "utf8")) as T;
}

const FOUNDING = read<StacItem>(new URL("founding-item.json", folder));

/** Items of others: two of the ESGF's, one of them in the envelope of its event, and the founding README's. */
function realItems(): StacItem[] {
  const of = (name: string): URL => new URL(`stac/${name}`, dataFolder);
  return [
    read<StacItem>(of("CMIP6.ScenarioMIP.THU.CIESM.ssp585.r1i1p1f1.Amon.rsus.gr.v20200806.json")),
    read<Envelope>(of("esgf/CMIP6.ScenarioMIP.IPSL.IPSL-CM6A-LR.ssp245.r1i1p1f1.Amon.pr.gr.v20190119.json")).data
      .payload.item,
    FOUNDING,
  ];
}

async function runPython(script: string, argv: readonly string[], input = ""): Promise<string> {
  const env = { ...process.env, GYRE_SCHEMAS: fileURLToPath(new URL("schemas", dataFolder)), PYTHONWARNINGS: "ignore" };
  const path = fileURLToPath(new URL(script, folder));
  const child = spawn(python, [path, ...argv], { env, stdio: ["pipe", "pipe", "inherit"] });
  child.stdin.end(input);
  return text(child.stdout);
}

function linesOf(documents: Iterable<object>): string {
  return [...documents].map((document) => `${JSON.stringify(document)}\n`).join("");
}

describe("STAC clients at a running node", { skip }, () => {
  let home: string;
  let node: Server;
  let items: StacItem[];
  const at = (path: string): URL => new URL(path, node.url);

  /** Publishes, and waits until all can be searched. */
  async function publish(published: readonly StacItem[]): Promise<void> {
    const groups = Map.groupBy(published, ({ collection }) => collection as string);
    for (const [collection, features] of groups) {
      await written(at(`stac/collections/${collection}/items`), { type: "FeatureCollection", features });
    }
  }

  before(async () => {
    home = await mkdtemp(join(tmpdir(), "gyre-stac-"));
    // Root's PostgreSQL is another user's, who must be able to enter it.
    await chmod(home, 0o755);
    await gyre(home, ["generate", "1", "--format", "cog", "--months", "1", "--grid", "64x128", "--out", "archive"]);
    await mkdir(join(home, "data"));
    node = await startGyre(join(home, "archive"), { env: { GYRE_DATABASE: "embedded" }, dataDir: join(home, "data") });
    items = [...syntheticItems(200, 1), ...SCENES, ...realItems()];
    await publish(items);
  });

  after(async () => {
    await node?.stop();
    // Processes of the browser may end after it.
    await rm(home, { recursive: true, force: true, maxRetries: 10 });
  });

  test("pystac-client finds what a plain comparison finds", async () => {
    const printed = await runPython("client.py", [at("stac").href], linesOf(items));
    const checks = printed
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as { check: string; fault?: string });
    assert.deepEqual(
      checks.filter(({ fault }) => fault !== undefined),
      [],
    );
    assert.equal(checks.length, 15);
  });

  test("stac-api-validator has no error in all its classes", async () => {
    const [first] = SCENES;
    await publish([{ ...(first as StacItem), id: VICTIM, collection: "scratch" }]);
    const options: Readonly<Record<string, string>> = {
      "root-url": at("stac").href,
      collection: "sentinel-2-l2a",
      "transaction-collection": "scratch",
      geometry: JSON.stringify(WORLD),
      "fields-nested-property": "properties.eo:cloud_cover",
      "query-comparison-field": "eo:cloud_cover",
      ...Object.fromEntries(
        ["eq", "neq"].map((op) => [`query-${op}-value`, String(first?.properties["eo:cloud_cover"])]),
      ),
      ...Object.fromEntries(["lt", "lte", "gt", "gte"].map((op) => [`query-${op}-value`, "20"])),
      "query-substring-field": "platform",
      "query-starts-with-value": "sentinel",
      "query-ends-with-value": "2a",
      "query-contains-value": "nel",
      // It compares the letters of a text: one letter each.
      "query-in-field": "s2:sequence",
      "query-in-values": "0,1",
    };
    const argv = [
      ...CLASSES.map((name) => `--conformance=${name}`),
      ...Object.entries(options).map((of) => `--${of.join("=")}`),
    ];
    const printed = await runPython("api_validator.py", [...argv, "--log-level=ERROR"]);
    assert.match(printed, /^Errors: none$/m, printed);
  });

  test("stac-validator passes what is generated, and everything that the node answers", async () => {
    const answer = await fetch(at("stac/search?limit=1000"), { headers: { Accept: "application/x-ndjson" } });
    const read = (await answer.text())
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as StacItem);
    const { collections } = (await (await fetch(at("stac/collections"))).json()) as { collections: readonly object[] };
    const documents = [...syntheticItems(50, 2), ...SCENES, ...read, ...collections];
    assert.ok(read.length >= items.length);
    const printed = await runPython("validate.py", [], linesOf(documents));
    const judged = printed
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as { id: string; valid: boolean });
    // The founding README's item has a provider whose role is random letters.
    assert.deepEqual(
      judged.filter(({ valid }) => !valid).map(({ id }) => id),
      [FOUNDING.id],
    );
    assert.equal(judged.length, documents.length);
  });

  test("GDAL reads a mosaic of a search", {
    skip: gdal === undefined && missing("no gdalinfo").unavailable,
  }, async () => {
    const [name] = await readdir(join(home, "archive"), { recursive: true }).then((all) =>
      all.filter((one) => one.endsWith(".tif")),
    );
    const path = join(home, "archive", name as string);
    await publish([cogItem(path, await gdalinfo(path))]);
    const mosaic = await gdalinfo(`STACIT:"${at("stac/search?collections=rasters").href}":asset=data`);
    const direct = await gdalinfo(path);
    assert.deepEqual(mosaic.size, direct.size);
    assert.equal(mosaic.bands[0]?.checksum, direct.bands[0]?.checksum);
  });

  test("GDAL reads a collection as OGC API - Features, whole, by a filter and by a box, and has no complaint", {
    skip: gdal === undefined && missing("no gdalinfo").unavailable,
  }, async () => {
    const collection = "sentinel-2-l2a";
    const source = `OAPIF:${at("stac").href}`;
    const count = async (...options: readonly string[]): Promise<number> => {
      const { stdout, stderr } = await promisify(execFile)("ogrinfo", ["-ro", "-so", ...options, source, collection]);
      assert.equal(stderr, "");
      return Number(/^Feature Count: (\d+)$/m.exec(stdout)?.[1]);
    };
    const clear = SCENES.filter(({ properties }) => (properties["eo:cloud_cover"] as number) < 20);
    const eastern = SCENES.filter(({ bbox = [] }) => (bbox[2] as number) >= 0);
    assert.ok(clear.length > 0 && eastern.length > 0 && eastern.length < SCENES.length);
    assert.equal(await count(), SCENES.length);
    assert.equal(await count("-where", '"eo:cloud_cover" < 20'), clear.length);
    assert.equal(await count("-spat", "0", "-90", "180", "90"), eastern.length);
  });

  test("a browser on another origin walks the catalogue", {
    skip: chromium === undefined && missing("no chromium").unavailable,
  }, async () => {
    const page = createServer((_request, response) => {
      response.setHeader("Content-Type", "text/html");
      response.end(readFileSync(new URL("browser.html", folder)));
    }).listen(0, "127.0.0.1");
    await once(page, "listening");
    try {
      const { port } = page.address() as AddressInfo;
      const argv = ["--headless", "--no-sandbox", "--disable-gpu", `--user-data-dir=${join(home, "chromium")}`];
      const url = `http://127.0.0.1:${port}/?${new URLSearchParams({ root: at("stac").href })}`;
      const { stdout } = await promisify(execFile)(chromium as string, [
        ...argv,
        "--virtual-time-budget=60000",
        "--dump-dom",
        url,
      ]);
      const [, said = ""] = /<pre>(.*)<\/pre>/s.exec(stdout) ?? [];
      const all = (await (await fetch(at("stac/search"))).json()) as { numberMatched: number };
      assert.deepEqual(JSON.parse(said), { found: all.numberMatched, pages: 2, isTagged: true });
    } finally {
      page.close();
    }
  });
});

interface GdalInfo {
  readonly size: readonly number[];
  readonly geoTransform: readonly number[];
  readonly bands: readonly { readonly checksum: number }[];
}

async function gdalinfo(source: string): Promise<GdalInfo> {
  const { stdout } = await promisify(execFile)(gdal as string, ["-json", "-checksum", source]);
  return JSON.parse(stdout) as GdalInfo;
}

/** What GDAL's driver wants to know of a raster before it opens it. */
function cogItem(path: string, { size, geoTransform }: GdalInfo): StacItem {
  const [width = 0, height = 0] = size;
  const [x, dx, , y, , dy] = geoTransform as [number, number, number, number, number, number];
  const [west, south, east, north] = [x, y + height * dy, x + width * dx, y];
  const ring = [
    [west, south],
    [east, south],
    [east, north],
    [west, north],
    [west, south],
  ];
  return {
    type: "Feature",
    stac_version: "1.0.0",
    stac_extensions: ["https://stac-extensions.github.io/projection/v1.1.0/schema.json"],
    id: "raster",
    collection: "rasters",
    bbox: [west, south, east, north],
    geometry: { type: "Polygon", coordinates: [ring] },
    properties: { datetime: "2013-01-01T00:00:00Z", "proj:epsg": 4326 },
    links: [],
    assets: {
      data: {
        href: path,
        type: "image/tiff; application=geotiff; profile=cloud-optimized",
        roles: ["data"],
        "proj:shape": [height, width],
        "proj:transform": [dx, 0, x, 0, dy, y],
      },
    },
  };
}
