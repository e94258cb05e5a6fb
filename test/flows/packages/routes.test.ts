import assert from "node:assert/strict";
import { before, test } from "node:test";
import type { Access } from "../../../src/core/access.ts";
import { createMemoryFiles } from "../../../src/files/memory.ts";
import { createPackageStore } from "../../../src/flows/packages/create-package-store.ts";
import type { PackageStore } from "../../../src/flows/packages/package-store.ts";
import type { Processor, Processors } from "../../../src/flows/processors/processor.ts";
import { createApp } from "../../../src/http/app.ts";
import { createPackageFiles } from "../../../src/http/routes/packages/files.ts";
import { createPackageRoutes } from "../../../src/http/routes/packages/packages.ts";
import { fileName, island, metadataOf, withMade } from "./samples.ts";

const BASE = "http://node.test/";
const TIF = fileName("roads", "atlantis", "tif");
const FOLDER = "/packages/atlantis/datasets/roads/version_1/";
const files = createMemoryFiles();
const root = new URL("memory://store/packages/");
const store: PackageStore = createPackageStore({ files, root, publicUrl: new URL(`${BASE}packages/`) });
let executing: readonly string[] = [];

const rivers: Processor = {
  metadata: metadataOf("rivers"),
  sourceDigest: async () => "",
  estimate: async () => ({}),
  generate: async () => assert.fail("nothing is made here"),
};
const processors: Processors = {
  list: () => [rivers],
  get: (name) => (name === "rivers.version_1" ? rivers : undefined),
};
const options = { store: async () => store, processors: async () => processors, executing: async () => executing };
const app = createApp({
  access: {} as Access,
  protocols: [createPackageRoutes(options), createPackageFiles(options)],
  publicUrl: new URL(BASE),
});

const ask = (path: string, init: RequestInit = {}): Promise<Response> => app(new Request(new URL(path, BASE), init));

const told = async (path: string) => JSON.parse(await (await ask(path)).text());

async function detail(path: string): Promise<[number, string]> {
  const { status, detail } = await told(path);
  return [status, detail];
}

before(async () => {
  await store.setUp(island("empty"));
  await withMade({ [TIF]: "0123456789" }, {}, (made) => store.publish(made));
});

test("packages are listed from storage", async () => {
  assert.deepEqual(await (await ask("/v1/packages")).json(), [
    { boundary_name: "atlantis", uri: `${BASE}packages/atlantis/` },
    { boundary_name: "empty", uri: `${BASE}packages/empty/` },
  ]);
});

test("a package is told in the founding system's shape", async () => {
  executing = ["rivers.version_1"];
  const one = await told("/v1/packages/atlantis");
  executing = [];
  assert.deepEqual(Object.keys(one), ["boundary_name", "uri", "boundary", "processors", "datapackage"]);
  assert.deepEqual([one.boundary_name, one.uri], ["atlantis", `${BASE}packages/atlantis/`]);
  assert.deepEqual([one.boundary.name, one.boundary.name_long], ["atlantis", "Atlantis"]);
  assert.deepEqual(one.boundary.geometry, island("atlantis").geometry);
  assert.deepEqual(
    one.processors.map(({ name }: { name: string }) => name),
    ["roads", "rivers"],
  );
  const versions = one.processors.flatMap(({ versions }: { versions: object[] }) => versions);
  assert.deepEqual(
    versions.map(({ name, status, uri }: Record<string, string>) => [name, status, uri]),
    [
      ["roads.version_1", "complete", `${BASE}packages/atlantis/datasets/roads/version_1/`],
      ["rivers.version_1", "executing", `${BASE}packages/atlantis/datasets/rivers/version_1/`],
    ],
  );
  assert.equal(versions[0].data_license.name, "CC-BY-4.0");
  assert.equal(one.datapackage.resources[1].path[0], `datasets/roads/version_1/data/${TIF}`);
});

test("what is not there is told in the founding system's words", async () => {
  assert.deepEqual(await detail("/v1/packages/nowhere"), [404, "Package nowhere not found"]);
  const none = "Package empty has no existing or executing datasets";
  assert.deepEqual(await detail("/v1/packages/empty"), [404, none]);
  executing = ["rivers.version_1"];
  assert.equal((await ask("/v1/packages/empty")).status, 200);
  executing = [];
});

test("a delta is told, or that it cannot be", async () => {
  const delta = await told("/v1/packages/atlantis/delta?since=1");
  assert.deepEqual([delta.version, delta.added[0].name, delta.replaced], ["2.0.0", "roads", []]);
  assert.equal((await ask("/v1/packages/atlantis/delta?since=7")).status, 410);
  assert.equal((await ask("/v1/packages/atlantis/delta?since=x")).status, 400);
  assert.equal((await ask("/v1/packages/nowhere/delta?since=1")).status, 404);
});

test("a file comes whole, in ranges, under conditions, and as its headers alone", async () => {
  const path = `${FOLDER}data/${TIF}`;
  const whole = await ask(path);
  assert.equal(await whole.text(), "0123456789");
  assert.equal(whole.headers.get("content-type"), "image/tiff; application=geotiff");
  assert.equal(whole.headers.get("content-length"), "10");
  assert.equal(whole.headers.get("content-disposition"), `attachment; filename="${TIF}"`);
  const etag = whole.headers.get("etag") ?? "";
  assert.match(etag, /^".+"$/);

  const range = async (value: string, more: Record<string, string> = {}): Promise<unknown[]> => {
    const response = await ask(path, { headers: { Range: value, ...more } });
    return [response.status, response.headers.get("content-range"), await response.text()];
  };
  assert.deepEqual(await range("bytes=2-4"), [206, "bytes 2-4/10", "234"]);
  assert.deepEqual(await range("bytes=8-"), [206, "bytes 8-9/10", "89"]);
  assert.deepEqual(await range("bytes=-3"), [206, "bytes 7-9/10", "789"]);
  assert.deepEqual(await range("bytes=0-999"), [206, "bytes 0-9/10", "0123456789"]);
  assert.deepEqual(await range("bytes=10-"), [416, "bytes */10", ""]);
  assert.deepEqual(await range("bytes=2-4", { "If-Range": etag }), [206, "bytes 2-4/10", "234"]);
  assert.deepEqual(await range("bytes=2-4", { "If-Range": '"other"' }), [200, null, "0123456789"]);
  assert.deepEqual(await range("lines=2-4"), [200, null, "0123456789"]);

  assert.equal((await ask(path, { headers: { "If-None-Match": etag } })).status, 304);
  assert.equal((await ask(path, { headers: { "If-Match": '"other"' } })).status, 412);
  const head = await ask(path, { method: "HEAD" });
  assert.deepEqual([head.status, head.headers.get("content-length"), await head.text()], [200, "10", ""]);
});

test("folders show their pages, and want their slash", async () => {
  for (const path of ["/packages/atlantis/", FOLDER, `${FOLDER}index.html`, "/packages/atlantis/version.html"]) {
    const response = await ask(path);
    assert.equal(response.status, 200, path);
    assert.equal(response.headers.get("content-type"), "text/html; charset=utf-8");
    assert.match(response.headers.get("content-security-policy") ?? "", /default-src 'none'/);
    assert.equal(response.headers.get("content-disposition"), null);
  }
  const moved = async (path: string) => {
    const response = await ask(path);
    return [response.status, response.headers.get("location")];
  };
  assert.deepEqual(await moved("/packages/atlantis"), [308, `${BASE}packages/atlantis/`]);
  assert.deepEqual(await moved(FOLDER.slice(0, -1)), [302, BASE + FOLDER.slice(1)]);
  assert.match(await (await ask("/packages")).text(), /href="http:\/\/node\.test\/packages\/atlantis\.zip"/);
});

test("no path leads out of a package", async () => {
  await files.write!(new URL("memory://store/packages/secret.txt"), new Uint8Array(1));
  await files.write!(new URL("memory://store/packages/atlantis/secret.txt"), new Uint8Array(1));
  for (const path of [
    ...["/packages/atlantis/secret.txt", "/packages/atlantis/../secret.txt", "/packages/secret.txt"],
    ...["/packages/atlantis/%2e%2e/secret.txt", "/packages/atlantis/..%2fsecret.txt", "/packages/..%2f"],
    ...[
      "/packages/atlantis/datasets/",
      "/packages/atlantis//etc/passwd",
      "/packages/atlantis/datasets/roads/version_1/data/",
    ],
    ...["/packages/%00/", "/packages/atlantis/%ff", "/packages/atlantis/..%5csecret.txt", "/packages/nowhere/"],
  ]) {
    const { status } = await ask(path);
    assert.ok(status === 404 || status === 400, `${path}: ${status}`);
  }
});

test("a replaced file is found at its first address", async () => {
  const metadata = metadataOf("lakes");
  const name = fileName("lakes", "atlantis", "tif");
  await withMade({ [name]: "old" }, { metadata }, (made) => store.publish(made));
  await withMade({ [name]: "newer" }, { metadata, sourceDigest: "sha256:2" }, (made) => store.publish(made));
  const path = `/packages/atlantis/datasets/lakes/version_1/data/${name}`;
  const response = await ask(path);
  assert.equal(response.status, 302);
  const location = response.headers.get("location") ?? "";
  assert.match(location, /\/data\/[0-9a-f]{16}\/lakes-version_1-atlantis\.tif$/);
  assert.equal(await (await ask(location)).text(), "newer");
});

test("a package comes as one archive of a known length", async () => {
  const head = await ask("/packages/atlantis.zip", { method: "HEAD" });
  const response = await ask("/packages/atlantis.zip");
  const body = await response.bytes();
  assert.equal(response.headers.get("content-type"), "application/zip");
  assert.equal(response.headers.get("content-disposition"), 'attachment; filename="atlantis.zip"');
  assert.equal(Number(response.headers.get("content-length")), body.byteLength);
  assert.equal(Number(head.headers.get("content-length")), body.byteLength);
  assert.deepEqual(await detail("/packages/nowhere.zip"), [404, "Package nowhere not found"]);
  const unknown = "Package atlantis has no dataset other.version_1";
  assert.deepEqual(await detail("/packages/atlantis.zip?datasets=other.version_1"), [404, unknown]);
  assert.equal((await ask("/packages/atlantis.zip?datasets=../x")).status, 400);
});
