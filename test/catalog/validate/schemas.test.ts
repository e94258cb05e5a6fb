import assert from "node:assert/strict";
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { pathToFileURL } from "node:url";
import { addSchema } from "../../../src/catalog/validate/add-schema.ts";
import { JsonSchemas } from "../../../src/catalog/validate/json-schemas.ts";
import { FileSchemas, MemorySchemas } from "../../../src/catalog/validate/schema-store.ts";
import { schemas } from "../../../src/cli/schemas.ts";
import { createLocalFiles } from "../../../src/files/local.ts";

const bytesOf = (schema: object): Uint8Array => new TextEncoder().encode(JSON.stringify(schema));
const nothing = (url: string): Promise<never> => Promise.reject(new Error(`fetched ${url}`));

async function folderOf(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "gyre-schemas-"));
  t.after(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

test("a folder keeps schemas by their addresses, whatever those are", async (t) => {
  const folder = await folderOf(t);
  const files = createLocalFiles();
  t.after(() => files.close?.());
  const store = new FileSchemas(files, pathToFileURL(`${folder}/`));
  const urls = ["https://example.org/a b/v1.0.0/schema.json?x=%2F..", "https://example.org/../../etc/schema.json"];
  for (const url of urls) await store.write(`${url}#`, bytesOf({ title: url }));
  assert.deepEqual(await store.list(), urls.toSorted());
  for (const url of urls) assert.deepEqual(await store.read(url), bytesOf({ title: url }));
  assert.equal(await store.read("https://example.org/c"), undefined);
  assert.equal((await readdir(folder)).length, 2);
  await assert.rejects(store.write(`https://example.org/${"x".repeat(300)}`, bytesOf({})), /cannot be stored/);
});

test("what a schema refers to is stored with it, once; a broken one leaves nothing", async () => {
  const store = new MemorySchemas();
  const remote: Record<string, object> = {
    "https://example.org/b.json": { $ref: "c.json#/definitions/x" },
    "https://example.org/c.json": {
      definitions: { x: { type: "number" } },
      $ref: "https://geojson.org/schema/Point.json",
    },
  };
  const asked: string[] = [];
  const fetch = async (url: string): Promise<Uint8Array> => {
    asked.push(url);
    return bytesOf(remote[url]!);
  };
  const url = "https://example.org/a.json";
  const added = await addSchema(store, { url, bytes: bytesOf({ properties: { x: { $ref: "b.json" } } }) }, fetch);
  assert.deepEqual(added, ["https://example.org/c.json", "https://example.org/b.json", url]);
  assert.deepEqual(asked, ["https://example.org/b.json", "https://example.org/c.json"]);
  assert.deepEqual(await new JsonSchemas(store).faults({ x: "5" }, url), [{ pointer: "/x", detail: "must be number" }]);
  await addSchema(store, { url, bytes: bytesOf({ $ref: "c.json" }) }, nothing);
  for (const broken of [bytesOf({ type: 5 }), bytesOf([]), new Uint8Array([0xff]), bytesOf({ $ref: "#/nowhere" })]) {
    await assert.rejects(addSchema(store, { url: "https://example.org/d.json", bytes: broken }, nothing), /d\.json/);
  }
  assert.deepEqual(await store.list(), [url, "https://example.org/b.json", "https://example.org/c.json"]);
});

test("compiled schemas are bounded, and one that comes later is found", async () => {
  const store = new MemorySchemas();
  let now = 0;
  const checker = new JsonSchemas(store, () => now);
  const urlOf = (i: number): string => `https://example.org/${i}.json`;
  assert.equal(await checker.faults({}, urlOf(1)), undefined);
  for (let i = 0; i < 70; i++) await store.write(urlOf(i), bytesOf({ required: [`a${i}`] }));
  // For a second it is not looked for again.
  now = 999;
  assert.equal(await checker.faults({}, urlOf(1)), undefined);
  now = 1000;
  for (let i = 0; i < 70; i++) assert.equal((await checker.faults({}, urlOf(i)))?.length, 1);
  // The first were forgotten, the last are kept: only the former see what is stored now.
  for (const i of [0, 69]) await store.write(urlOf(i), bytesOf({}));
  assert.equal((await checker.faults({}, urlOf(69)))?.length, 1);
  assert.equal((await checker.faults({}, urlOf(0)))?.length, 0);
});

test("gyre schemas adds by address and by file, and lists", async (t) => {
  const folder = await folderOf(t);
  const server = createServer((_request, response) => response.end(JSON.stringify({ type: "object" })));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => server.close());
  const remote = `http://127.0.0.1:${(server.address() as AddressInfo).port}/x/v1.0.0/schema.json`;
  const file = join(folder, "local.json");
  await writeFile(file, bytesOf({ $id: "https://example.org/local.json#", type: "object" }));
  const lines: string[] = [];
  const io = {
    out: (line: string) => lines.push(line),
    err: (line: string) => lines.push(`! ${line}`),
    tty: false,
    env: {},
    signal: new AbortController().signal,
  };
  const store = ["--store", join(folder, "store")];
  assert.equal(await schemas.run(["add", remote, file, ...store], io), 0);
  assert.deepEqual(lines.splice(0), [remote, "https://example.org/local.json"]);
  assert.equal(await schemas.run(["list", "--json", ...store], io), 0);
  assert.deepEqual(JSON.parse(lines.splice(0)[0]!), [remote, "https://example.org/local.json"]);
  assert.equal(await schemas.run(["add", ...store], io), 2);
  assert.equal(await schemas.run(["remove", "x"], io), 2);
});
