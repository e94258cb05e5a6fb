import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { test } from "node:test";
import type { CubePart } from "../../../src/core/cube.ts";
import { isGyreError } from "../../../src/errors.ts";
import { createLocalFiles } from "../../../src/files/local.ts";
import { createMemoryFiles } from "../../../src/files/memory.ts";
import { csvRows } from "../../../src/formats/catalogs/csv.ts";
import {
  type CatalogOptions,
  catalogKind,
  expandSource,
  type SourceEntry,
} from "../../../src/formats/catalogs/expand.ts";

const FIXTURES = new URL("../../fixtures/catalogs/", import.meta.url);
const DATA = new URL(
  process.env.GYRE_DATA === undefined ? "../../../../shared/data/" : `file://${process.env.GYRE_DATA}/`,
  import.meta.url,
);
const skip = existsSync(DATA) ? false : "the shared data are not there";
const files = createLocalFiles();

async function expand(url: URL, options: CatalogOptions = {}): Promise<{ entries: SourceEntry[]; problems: string[] }> {
  const problems: string[] = [];
  const report = (source: string, reason: string): void => void problems.push(`${source.split("/").pop()}: ${reason}`);
  return { entries: await Array.fromAsync(expandSource(url, files, { report, ...options })), problems };
}

async function inMemory(
  contents: Record<string, string>,
  start: string,
  options: CatalogOptions = {},
): Promise<SourceEntry[]> {
  const memory = createMemoryFiles(
    Object.entries(contents).map(([k, v]) => [`memory:///${k}`, Buffer.from(v)] as const),
  );
  return Array.fromAsync(expandSource(new URL(start, "memory:///"), memory, options));
}

const here = (path: string): string => new URL(path, FIXTURES).href;

test("Intake: parameters become ids, catalogues are followed, what cannot be read is reported", async () => {
  const { entries, problems } = await expand(new URL(here("main.yaml")));
  const parts = Object.fromEntries(entries.map((e) => [e.id, e.part]));
  const google = "https://storage.googleapis.com/bucket";
  assert.deepEqual(parts, {
    air: here("air.nc"),
    "era5.surface.day.x": `${google}/surface/day.zarr/`,
    "era5.surface.mon.x": `${google}/surface/mon.zarr/`,
    "era5.500.day.x": `${google}/500/day.zarr/`,
    "era5.500.mon.x": `${google}/500/mon.zarr/`,
    months: { rules: { concat: "t" }, parts: [here("monthly/*.nc")] },
    refs: here("refs.json"),
    cached: "https://example.org/a.nc",
    "below.one": here("one.zarr/"),
  });
  assert.equal(entries[0]!.title, "Air temperature");
  assert.equal(problems.length, 4);
  assert.match(problems[0]!, /main\.yaml: the catalogue contains itself/);
  assert.match(problems[1]!, /lost\.yaml: .*not there/);
  assert.match(problems[2]!, /driver "csv"/);
  assert.match(problems[3]!, /expression/);
});

test("id pattern, allow-list and dropped variables", async () => {
  const options = { id: "era-{level}-{freq}", allow: ["era5.*.mon.*"], drop: ["*_bnds"] };
  const { entries } = await expand(new URL(here("main.yaml")), options);
  assert.deepEqual(
    entries.map(({ id, drop }) => [id, drop]),
    [
      ["era-surface-mon", ["*_bnds"]],
      ["era-500-mon", ["*_bnds"]],
    ],
  );
});

test("hostile catalogues: bombs, loops and endless lists end in an error", async () => {
  const bomb = `a: &a [x,x,x,x,x,x,x,x,x,x]\n${"bcdefghi"
    .split("")
    .map((c, i) => `${c}: &${c} [${Array(10).fill(`*${"abcdefgh"[i]}`).join(",")}]`)
    .join("\n")}\nsources: {x: *i}`;
  await assert.rejects(inMemory({ "c.yaml": bomb }, "c.yaml"), (error) => isGyreError(error, "BadSource"));
  const many = `sources:\n${Array.from({ length: 20 }, (_, i) => `  s${i}: {driver: zarr, args: {urlpath: "x${i}"}}`).join("\n")}`;
  await assert.rejects(inMemory({ "c.yaml": many }, "c.yaml", { maxEntries: 10 }), (error) =>
    isGyreError(error, "TooLarge"),
  );
  const wide = `sources: {s: {driver: zarr, args: {urlpath: "x"}, parameters: {${"abcdefg".split("").map((p) => `${p}: {allowed: [1,2,3,4,5,6,7,8,9,0]}`)}}}}`;
  await assert.rejects(inMemory({ "c.yaml": wide }, "c.yaml"), (error) => isGyreError(error, "TooLarge"));
  await assert.rejects(inMemory({ "c.yaml": "hello" }, "c.yaml"), (error) => isGyreError(error, "Unsupported"));
  await assert.rejects(inMemory({ "c.yaml": "sources: {a: [}" }, "c.yaml"), (error) => isGyreError(error, "BadSource"));
  const loop = JSON.stringify({
    type: "Catalog",
    stac_version: "1.0.0",
    id: "l",
    links: [{ rel: "child", href: "c.json" }],
  });
  assert.deepEqual(await inMemory({ "c.json": loop }, "c.json"), []);
});

test("CSV: quotes, line ends, a byte order mark, and what is broken", () => {
  assert.deepEqual(
    [...csvRows('\ufeffa,"b ""c"", d"\r\n1,"x\ny"\n\n,\n')],
    [
      ["a", 'b "c", d'],
      ["1", "x\ny"],
      ["", ""],
    ],
  );
  assert.throws(() => [...csvRows('a,"b')], /not closed/);
  assert.throws(() => [...csvRows('"a"b,c')], /behind a quoted field/);
});

function leaves(part: CubePart): string[] {
  return typeof part === "string" ? [part] : part.parts.flatMap(leaves);
}

test("intake-esm: rows become cubes as the collection says", { skip }, async () => {
  const { entries } = await expand(new URL("catalogs/intake-esm/cmip6-netcdf.json", DATA));
  // Rows, and distinct values of groupby_attrs, as Python's csv module counts them.
  assert.equal(entries.flatMap((e) => leaves(e.part)).length, 59);
  assert.equal(entries.length, 24);
  const bcc = entries.find((e) => e.id === "CMIP.BCC.BCC-ESM1.piControl.Amon.gn")!;
  assert.deepEqual(typeof bcc.part === "string" ? undefined : bcc.part.rules, {
    newDim: { name: "member_id", values: ["r1i1p1f1"] },
  });
  assert.match(leaves(bcc.part)[0]!, /catalogs\/intake-esm\/tests\/sample_data\/.*tasmax_Amon_BCC-ESM1/);
});

test("intake-esm: a table compressed by gzip, with Zarr stores", { skip }, async () => {
  const { entries } = await expand(new URL("catalogs/intake-esm/pangeo-gcp-subset.json", DATA), { maxEntries: 10_000 });
  const stores = entries.flatMap((e) => leaves(e.part));
  assert.ok(entries.length > 50 && stores.length >= entries.length);
  assert.ok(stores.every((s) => s.startsWith("https://storage.googleapis.com/cmip6/") && s.endsWith("/")));
});

test("STAC: a catalogue with collections and items, assets that are data", { skip }, async () => {
  const { entries } = await expand(new URL("stac/stac-spec/catalog.json", DATA));
  const ids = entries.map((e) => e.id);
  assert.ok(ids.includes("proj-example.B1") && ids.includes("proj-example.B8"), ids.join());
  assert.ok(
    ids.every((id) => !/thumbnail|metadata/.test(id)),
    ids.join(),
  );
});

test("STAC: items alone and lists of items", { skip }, async () => {
  const one = await expand(new URL("stac/item.json", DATA));
  assert.equal(one.entries.length, 1);
  assert.match(String(one.entries[0]!.part), /\.nc$/);
  const sentinel = await expand(new URL("stac/fixtures__item.json", DATA));
  assert.deepEqual(sentinel.entries.map((e) => e.id.split(".").pop()).sort(), ["B01", "B09"]);
  const cmip = await expand(
    new URL("stac/CMIP6.ScenarioMIP.THU.CIESM.ssp585.r1i1p1f1.Amon.rsus.gr.v20200806.json", DATA),
  );
  assert.equal(cmip.entries.length, 1);
});

test("STAC: files of one item that follow each other are one cube", async () => {
  const asset = (years: string): object => ({
    href: `./tas_Amon_X_${years}.nc`,
    type: "application/x-netcdf",
    roles: ["data"],
  });
  const item = {
    type: "Feature",
    stac_version: "1.0.0",
    id: "tas",
    assets: { a: asset("2001-2002"), b: asset("1999-2000") },
  };
  const text = JSON.stringify({
    type: "FeatureCollection",
    features: [item, { ...item, id: "other", assets: { a: asset("1-2") } }],
  });
  const entries = await inMemory({ "x/items.json": text }, "x/items.json");
  assert.deepEqual(entries[0]!.part, {
    rules: { concat: "time" },
    parts: ["memory:///x/tas_Amon_X_1999-2000.nc", "memory:///x/tas_Amon_X_2001-2002.nc"],
  });
  assert.equal(entries[1]!.part, "memory:///x/tas_Amon_X_1-2.nc");
});

test("what a catalogue is can be told from its beginning", () => {
  assert.equal(catalogKind('{"esmcat_version": "0.1.0"}'), "intake-esm");
  assert.equal(catalogKind('{"stac_version": "1.0.0"}'), "stac");
  assert.equal(catalogKind("# comment\nsources:\n  a: {}"), "intake");
  assert.equal(catalogKind('{"version": 1, "refs": {}}'), undefined);
});
