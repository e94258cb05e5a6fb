import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { type ProcessorsInput, processors } from "../../../src/config/processors.ts";
import { createMemoryFiles } from "../../../src/files/memory.ts";
import type { FileSource } from "../../../src/flows/sources/parts.ts";
import { createSourceCache } from "../../../src/flows/sources/source-cache.ts";
import { createSourceSet, type SourceSet } from "../../../src/flows/sources/source-set.ts";
import { rejects } from "../../files/rejects.ts";
import { type StaticServer, startStaticServer } from "../../files/static-server.ts";
import { zipOf } from "./zip-of.ts";

type Source = NonNullable<ProcessorsInput["raster"]>[number]["source"];

async function setUp(t: TestContext): Promise<{
  server: StaticServer;
  folder: string;
  set(source: Source): SourceSet;
}> {
  const server = await startStaticServer();
  const folder = await mkdtemp(join(tmpdir(), "gyre-sources-"));
  t.after(async () => {
    await server.close();
    await rm(folder, { recursive: true });
  });
  const cache = createSourceCache({
    ...{ files: createMemoryFiles(), root: new URL("memory:///sources/"), scratch: folder, allow: [server.url] },
    limit: 1_000_000,
  });
  return {
    server,
    folder,
    set(source) {
      const license = { name: "CC0-1.0", path: "https://creativecommons.org/publicdomain/zero/1.0/", title: "CC0" };
      const entry = { dataset: "a", version: "v1", description: "A", license, source };
      const [config] = processors.parse({ raster: [entry] }).raster;
      return createSourceSet([config!.source].flat() as FileSource[], { cache, folder });
    },
  };
}

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);

async function contents(set: SourceSet, folder: string): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  for (const item of await set.items(folder, {})) {
    const { path } = await item.take({});
    found[item.name] = await readFile(path, "utf8");
  }
  return found;
}

test("files that a page links to, below its folder, as chosen", async (t) => {
  const { server, folder, set } = await setUp(t);
  const names = ["inun_a.tif", "inun_perc_05.tif", "inun_b.tif", "inun_c.nc"];
  for (const name of names) server.files.set(`v2/${name}`, bytesOf(name));
  const links = [...names, "../up.tif", "http://192.0.2.1/v2/other.tif"].map((name) => `<a href="${name}">x</a>`);
  server.files.set("v2/index.html", bytesOf(links.join("\n")));
  const list = new URL("v2/index.html", server.url).href;
  const source = { list, files: ["*.tif"], except: ["*perc_05*"], count: 2 };
  assert.deepEqual(await contents(set(source), folder), { inun_a: "inun_a.tif", inun_b: "inun_b.tif" });
  await rejects(set({ ...source, count: 3 }).version({}), "BadSource", /2 of the files that are wanted, not 3/);
  server.files.set("v2/index.html", bytesOf("<li> inun_a.tif </li><li>inun_b.tif</li><li>a title</li>"));
  assert.deepEqual(Object.keys(await contents(set(source), folder)), ["inun_a", "inun_b"]);
});

test("files of a Zenodo record, checked by its MD5", async (t) => {
  const { server, folder, set } = await setUp(t);
  const lines = bytesOf("lines");
  const md5 = createHash("md5").update(lines).digest("hex");
  const record = (checksum: string): Uint8Array =>
    bytesOf(JSON.stringify({ id: 7, files: [{ key: "lv 1.tif", size: 5, checksum: `md5:${checksum}`, links: {} }] }));
  server.files.set("api/records/7", record(md5));
  server.files.set("api/records/7/files/lv 1.tif/content", lines);
  const source = { zenodo: 7, files: ["*.tif"], api: new URL("api/", server.url).href };
  const before = await set(source).version({});
  assert.equal(server.requests.filter(({ path }) => path.endsWith("content")).length, 0);
  assert.deepEqual(await contents(set(source), folder), { lv_1: "lines" });
  server.files.set("api/records/7", record("0".repeat(32)));
  assert.notEqual(await set(source).version({}), before);
  await rejects(contents(set(source), folder), "BadSource", /md5:0000/);
  server.files.set("api/records/7", bytesOf("<html>"));
  await rejects(set(source).version({}), "BadSource", /no record/);
});

test("members of an archive, by pattern, each checked, with what belongs to them", async (t) => {
  const { server, folder, set } = await setUp(t);
  const members = { "d/a.tif": "first", "d/e/a.tif": "second", "roads.shp": "shp", "roads.dbf": "dbf", "x.txt": "" };
  server.files.set("x.zip", zipOf(members));
  const zip = new URL("x.zip", server.url).href;
  assert.deepEqual(await contents(set({ zip, members: ["*.tif"], count: 2 }), folder), { a: "first", a_2: "second" });
  const [roads] = await set({ zip, members: ["roads.shp"] }).items(folder, {});
  const { path, id } = await roads!.take({});
  assert.equal(await readFile(path.replace(/shp$/, "dbf"), "utf8"), "dbf");
  assert.equal(id, `${zip}#roads.shp`);
  const checksum = `sha1:${createHash("sha1").update("first").digest("hex")}`;
  const checked = { zip, members: ["d/*.tif"], checksums: { "a.tif": checksum } };
  assert.deepEqual(await contents(set(checked), folder), { a: "first" });
  const wrong = { ...checked, members: ["d/e/*.tif"] };
  await rejects(contents(set(wrong), folder), "BadSource", /sha1:/);
  assert.equal(server.requests.filter(({ method }) => method === "GET").length, 1);
});

test("archives that lie are refused", async (t) => {
  const { server, folder, set } = await setUp(t);
  const cases: [string, Uint8Array, "BadSource" | "TooLarge", RegExp][] = [
    ["bomb", zipOf({ "a.tif": "x".repeat(100_000) }, { size: 10 }), "BadSource", /more than the 10 bytes/],
    ["large", zipOf({ "a.tif": "x" }, { size: 2_000_000 }), "TooLarge", /2000000/],
    ["damaged", zipOf({ "a.tif": "abc" }, { crc: 1 }), "BadSource", /another checksum/],
    ["garbage", zipOf({ "a.tif": "abc" }, { data: new Uint8Array(50).fill(255) }), "BadSource", /inflated/],
    ["slip", zipOf({ "../a.tif": "abc" }), "BadSource", /nothing like/],
    ["none", bytesOf("PK no zip"), "BadSource", /not a ZIP/],
  ];
  for (const [name, bytes, tag, message] of cases) {
    server.files.set(`${name}.zip`, bytes);
    const zip = new URL(`${name}.zip`, server.url).href;
    await rejects(contents(set({ zip, members: ["*.tif"] }), folder), tag, message);
  }
});

test("several sources are one; files of one name have names of their own", async (t) => {
  const { server, folder, set } = await setUp(t);
  server.files.set("x/a.tif", bytesOf("x"));
  server.files.set("y/a.tif", bytesOf("y"));
  const url = (path: string): string => new URL(path, server.url).href;
  const both = set([{ url: url("x/a.tif") }, { urls: [url("y/a.tif")] }]);
  assert.deepEqual(await both.look({}), { bytes: 2, missingBytes: 2, files: 2 });
  assert.deepEqual(await contents(both, folder), { a: "x", a_2: "y" });
  assert.deepEqual(await both.look({}), { bytes: 2, missingBytes: 0, files: 2 });
});

test("what a configuration may not say", () => {
  const license = { name: "CC0-1.0", path: "https://creativecommons.org/publicdomain/zero/1.0/", title: "CC0" };
  const faults = (source: unknown): string[] =>
    processors
      .safeParse({ raster: [{ dataset: "a", version: "v1", description: "A", license, source }] })
      .error?.issues.map(({ message }) => message) ?? [];
  assert.deepEqual(faults({ url: "a.tif" }), []);
  for (const source of [{}, { url: "a", zip: "b" }, { url: "a.tif", checksum: "md5:12" }, { zenodo: 1 }, []]) {
    assert.ok(faults(source).length > 0, JSON.stringify(source));
  }
});
