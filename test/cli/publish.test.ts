import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { chmodSync, globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { main } from "../../src/cli/main.ts";
import { loadConfig } from "../../src/config.ts";
import type { StacItem } from "../../src/core/stac.ts";
import { createNode } from "../../src/node.ts";

const DATASET = "CMIP6.CMIP.GYRE.GYRE-ESM1.historical.r1i1p1f1.Amon.tas.gn.v20250101";
const folder = mkdtempSync(join(tmpdir(), "gyre-publish-"));
const archive = join(folder, "archive");
let at = "";
let stop = async (): Promise<void> => undefined;

interface Ran {
  readonly code: number;
  readonly out: readonly string[];
  readonly err: string;
}

async function gyre(...argv: string[]): Promise<Ran> {
  const out: string[] = [];
  const err: string[] = [];
  const code = await main(argv, "0.0.0", {
    out: (line) => out.push(line),
    err: (line) => err.push(line),
    tty: false,
    env: {},
    signal: new AbortController().signal,
  });
  return { code, out, err: err.join("\n") };
}

async function stored(collection: string, id: string): Promise<StacItem | undefined> {
  const response = await fetch(`${at}stac/collections/${collection}/items/${id}`);
  return response.ok ? ((await response.json()) as StacItem) : undefined;
}

function results({ out }: Ran): Record<string, string> {
  const lines = out.map((line) => JSON.parse(line) as { id: string; result: string });
  return Object.fromEntries(lines.map(({ id, result }) => [id, result]));
}

/** A node that serves an archive of two files and has a catalogue of its own. */
before(async () => {
  // The database's user must be able to enter it.
  chmodSync(folder, 0o755);
  await gyre("generate", "1", "--format", "netcdf", "--out", archive, "--grid", "6x12", "--months", "24");
  const settings = {
    listen: { port: 0 },
    sources: [archive],
    dataDir: join(folder, "data"),
    follow: [{ topics: ".*" }],
  };
  const node = await createNode(loadConfig(JSON.stringify({ ...settings, rescanSeconds: 0 }), {}), { folder });
  stop = () => node.close();
  await node.scan();
  const listening = await node.listen();
  stop = async () => {
    await listening.close(0);
    await node.close();
  };
  await node.published();
  at = listening.url.href;
});
after(async () => {
  await stop();
  rmSync(folder, { recursive: true, force: true });
});

test("a served folder is published, found, and its assets open", async () => {
  const first = await gyre("publish", archive, "--node", at, "--json");
  assert.deepEqual([first.code, results(first)], [0, { [DATASET]: "published" }], first.err);
  assert.doesNotMatch(first.err, /does not serve/);
  assert.match(first.err, /cmip6:pid: is missing/);

  const search = await fetch(`${at}stac/search?collections=CMIP6&bbox=5,5,6,6&datetime=2014-06-01T00:00:00Z`);
  const { features } = (await search.json()) as { features: StacItem[] };
  assert.deepEqual(
    features.map(({ id }) => id),
    [DATASET],
  );
  const { assets, bbox, properties } = features[0]!;
  assert.deepEqual(bbox, [-180, -90, 180, 90]);
  assert.equal(properties.start_datetime, "2013-01-01T00:00:00Z");
  assert.equal(properties.end_datetime, "2015-01-01T00:00:00Z");
  const names = ["201301-201312", "201401-201412"].map((of) => `tas_Amon_GYRE-ESM1_historical_r1i1p1f1_gn_${of}.nc`);
  assert.deepEqual(Object.keys(assets), ["zarr", "kerchunk", ...names]);
  for (const name of ["zarr", ...names]) {
    const metadata = await fetch(`${assets[name]!.href}/.zmetadata`);
    assert.equal(metadata.status, 200, name);
    assert.ok("tas/.zarray" in ((await metadata.json()) as { metadata: object }).metadata, name);
  }
  const references = (await (await fetch(assets.kerchunk!.href)).json()) as { refs: object };
  assert.ok(".zgroup" in references.refs);
});

test("what is published again stays, and what differs is replaced when that is asked for", async () => {
  assert.deepEqual(results(await gyre("publish", archive, "--node", at, "--json")), { [DATASET]: "unchanged" });
  assert.deepEqual(results(await gyre("publish", "--from-node", "--node", at, "--json")), { [DATASET]: "unchanged" });
  assert.deepEqual(results(await gyre("publish", DATASET, "--node", at, "--json")), { [DATASET]: "unchanged" });

  const changed = await gyre("update", "CMIP6", DATASET, "--partial", '{"properties":{"latest":false}}', "--node", at);
  assert.equal(changed.code, 0, changed.err);
  assert.equal((await stored("CMIP6", DATASET))?.properties.latest, false);
  const differing = await gyre("publish", archive, "--node", at);
  assert.equal(differing.code, 1);
  assert.match(differing.out.join(), /different .*1 different at/);
  assert.match(differing.err, /--update replaces it/);
  assert.deepEqual(results(await gyre("publish", archive, "--node", at, "--update", "--json")), {
    [DATASET]: "updated",
  });
  assert.equal((await stored("CMIP6", DATASET))?.properties.latest, true);
});

test("--dry-run prints items with what is wrong with them and sends nothing; --checksum reads the files", async () => {
  const [file] = globSync("**/*_201301-201312.nc", { cwd: archive });
  const { code, out, err } = await gyre(
    ...["publish", join(archive, file!), "--dry-run", "--checksum", "--json"],
    ...["--node", "http://127.0.0.1:9/", "--served-at", "https://data.example.org/gyre"],
  );
  assert.equal(code, 0, err);
  const item = JSON.parse(out[0]!) as StacItem;
  assert.match(err, /\/properties\/cmip6:pid: is missing/);
  const name = file!.split("/").at(-1)!;
  const bytes = readFileSync(join(archive, file!));
  assert.equal(item.assets[name]?.["file:size"], bytes.length);
  assert.equal(item.assets[name]?.["file:checksum"], `1220${createHash("sha256").update(bytes).digest("hex")}`);
  assert.match(item.assets.zarr!.href, /^https:\/\/data\.example\.org\/gyre\/datasets\/[^/]+\/zarr$/);
  assert.equal(item.assets.zarr?.["alternate:name"], "data.example.org");
});

function item(id: string, more: object = {}): object {
  return {
    type: "Feature",
    stac_version: "1.1.0",
    id,
    geometry: { type: "Point", coordinates: [1, 2] },
    bbox: [1, 2, 1, 2],
    properties: { datetime: "2020-01-01T00:00:00Z" },
    links: [],
    assets: {},
    ...more,
  };
}

test("items of files go as they are; one that is refused keeps none of the others", async () => {
  const features = [item("a"), item("b", { properties: { datetime: "never" } }), item("c", { collection: "other" })];
  const path = join(folder, "items.json");
  writeFileSync(path, JSON.stringify({ type: "FeatureCollection", features }));
  const ran = await gyre("publish", path, "--collection", "mine", "--node", at, "--json");
  assert.equal(ran.code, 1);
  assert.deepEqual(results(ran), { a: "published", b: "failed", c: "published" });
  assert.match(ran.err, /\/properties\/datetime: is no RFC 3339 date and time/);
  assert.ok(await stored("mine", "a"));
  assert.equal(await stored("mine", "b"), undefined);
  assert.ok(await stored("other", "c"));

  writeFileSync(path, JSON.stringify({ type: "FeatureCollection", features: [item("a"), item("a")] }));
  const twice = await gyre("publish", path, "--collection", "mine", "--node", at, "--json");
  assert.equal(twice.code, 1);
  assert.match(twice.err, /are of one dataset/);
});

test("what is no item is told of and keeps none of the others; an item needs neither links nor assets", async () => {
  const path = join(folder, "mixed.json");
  const { links: _, assets: __, ...partial } = item("partial") as { [name: string]: unknown };
  const wrong = [null, 5, item("n", { id: 5 }), item("l", { links: [null] }), item("c", { collection: 5 }), {}];
  writeFileSync(path, JSON.stringify({ type: "FeatureCollection", features: [...wrong, partial] }));
  for (const result of ["published", "unchanged"]) {
    const ran = await gyre("publish", path, "--collection", "mine", "--node", at, "--json");
    assert.deepEqual([ran.code, results(ran)], [1, { partial: result }]);
    for (const i of wrong.keys()) assert.match(ran.err, new RegExp(`mixed.json, feature ${i}: is no STAC item`));
  }
});

test("a broken file is told of and keeps none of the others", async () => {
  const mixed = join(folder, "mixed");
  await gyre("generate", "1", "--format", "netcdf", "--out", mixed, "--grid", "4x8", "--months", "12", "--seed", "2");
  writeFileSync(join(mixed, "broken.nc"), "CDF\u0001 and no more");
  const ran = await gyre("publish", mixed, "--node", at, "--json");
  assert.equal(ran.code, 1);
  assert.match(ran.err, /broken\.nc/);
  assert.match(ran.err, /1 of the sources cannot be read/);
  assert.equal(ran.out.length, 1);
});

test("a whole item replaces another, under a condition if there is one", async () => {
  const known = (await stored("mine", "a"))!;
  const path = join(folder, "a.json");
  writeFileSync(path, JSON.stringify({ ...known, properties: { ...known.properties, title: "A" } }));
  const stale = await gyre("update", "mine", "a", "--file", path, "--if-match", "stale", "--node", at);
  assert.equal(stale.code, 1);
  assert.match(stale.err, /answers 412/);
  assert.equal((await gyre("update", "mine", "a", "--file", path, "--node", at)).code, 0);
  assert.equal((await stored("mine", "a"))?.properties.title, "A");
  const patch = '[{"op":"remove","path":"/properties/title"}]';
  assert.equal((await gyre("update", "mine", "a", "--partial", patch, "--node", at)).code, 0);
  assert.equal((await stored("mine", "a"))?.properties.title, undefined);
});

test("copies of another node are alternates of the assets, and can be withdrawn", async () => {
  const to = "http://127.0.0.1:9/";
  const ran = await gyre("replicate", "CMIP6", DATASET, "--from", at, "--to", to);
  assert.equal(ran.code, 0, ran.err);
  assert.match(ran.err, new RegExp(`${to} does not serve ${DATASET}`));
  const { zarr } = (await stored("CMIP6", DATASET))!.assets;
  const alternate = zarr?.alternate as Record<string, { href: string; "alternate:name": string }>;
  assert.deepEqual(alternate["127.0.0.1:9"]?.href, `${to}datasets/${DATASET}/zarr`);
  assert.equal(alternate["127.0.0.1:9"]?.["alternate:name"], "127.0.0.1:9");
  assert.equal((await gyre("replicate", "CMIP6", DATASET, "--from", at, "--to", to, "--withdraw")).code, 0);
  assert.equal((await stored("CMIP6", DATASET))?.assets.zarr?.alternate, undefined);
  const again = await gyre("replicate", "CMIP6", DATASET, "--from", at, "--to", to, "--withdraw");
  assert.equal(again.code, 1);
  assert.match(again.err, /no copy at 127\.0\.0\.1:9/);
});

test("a retracted item hides its dataset; one that is removed is gone from the catalogue", async () => {
  const keys = async (): Promise<number> => (await fetch(`${at}datasets/${DATASET}/keys`)).status;
  const listed = async (): Promise<string[]> => (await fetch(`${at}datasets`)).json() as Promise<string[]>;
  assert.equal(await keys(), 200);
  const before = await listed();
  assert.ok(before.includes(DATASET));
  assert.equal((await gyre("retract", "CMIP6", DATASET, "--node", at)).code, 0);
  assert.equal((await stored("CMIP6", DATASET))?.properties.retracted, true);
  assert.equal(await keys(), 410);
  assert.equal((await fetch(`${at}datasets/${DATASET}/kerchunk/tas/.zarray`)).status, 410);
  const after = await listed();
  const answers = await Promise.all(
    before.map(async (id) => [id, (await fetch(`${at}datasets/${id}/keys`)).status] as const),
  );
  const gone = answers.flatMap(([id, status]) => (status === 410 ? id : []));
  assert.ok(gone.length > 1, "the files of a retracted dataset are gone with it");
  assert.deepEqual(
    after,
    before.filter((id) => !gone.includes(id)),
    "what is gone is not listed",
  );
  assert.equal(
    (await gyre("update", "CMIP6", DATASET, "--partial", '{"properties":{"retracted":false}}', "--node", at)).code,
    0,
  );
  assert.equal(await keys(), 200);
  assert.deepEqual(await listed(), before);
  assert.equal((await gyre("retract", "mine", "a", "--hard", "--node", at)).code, 0);
  assert.equal(await stored("mine", "a"), undefined);
  const missing = await gyre("retract", "mine", "a", "--node", at);
  assert.equal(missing.code, 1);
  assert.match(missing.err, /answers 404/);
});

test("usage that is wrong ends with 2, what is not there with 1", async () => {
  writeFileSync(join(folder, "broken.json"), "{");
  writeFileSync(join(folder, "other.json"), "{}");
  for (const [code, said, ...argv] of [
    [2, /at least one source/, "publish"],
    [2, /is no node/, "publish", archive, "--node", "south"],
    [2, /no JSON/, "publish", join(folder, "broken.json"), "--node", at],
    [1, /neither a dataset nor a STAC item/, "publish", join(folder, "other.json"), "--node", at],
    [1, /no file nothing, and .* serves no dataset/, "publish", "nothing", "--node", at],
    [1, /absent.nc is not there/, "publish", join(folder, "absent.nc"), "--node", at],
    [2, /COLLECTION and ITEM/, "update", "a"],
    [2, /one of --partial and --file/, "update", "a", "b"],
    [2, /--partial is no JSON/, "update", "a", "b", "--partial", "{"],
    [2, /neither an object nor a list/, "update", "a", "b", "--partial", "5"],
    [2, /cannot be read/, "update", "a", "b", "--partial", "@absent.json"],
    [2, /exclude each other/, "retract", "a", "b", "--hard", "--soft"],
    [2, /--from and --to/, "replicate", "a", "b"],
    [1, /has no item a\/b/, "replicate", "a", "b", "--from", at, "--to", "east"],
  ] as const) {
    const ran = await gyre(...argv);
    assert.equal(ran.code, code, `${argv.join(" ")}: ${ran.err}`);
    assert.match(ran.err, said);
  }
});
