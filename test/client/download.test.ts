import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { type DownloadOptions, extractDownload } from "../../src/client/download.ts";
import { ClientError, createClient } from "../../src/client/index.ts";

const BYTES = Buffer.from("0123456789".repeat(20_000));

interface HostedFile {
  readonly path: string;
  readonly bytes: Uint8Array;
  /** What the package says of it, where that is not true. */
  readonly hash?: string;
}

interface Hosted {
  readonly url: string;
  /** Ranges that were asked for, or `whole`. */
  readonly asked: string[];
  readonly folder: string;
  download(options?: DownloadOptions): Promise<readonly string[]>;
}

/** A package as any server may tell of it; this one answers ranges. */
async function host(t: TestContext, files: readonly HostedFile[], name = "set"): Promise<Hosted> {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    const path = (request.url ?? "").slice(1);
    if (path.startsWith("v1/packages/")) {
      const resource = {
        ...{ name, version: "one", description: "", format: "GeoTIFF", licenses: [], sources: [] },
        path: files.map((file) => file.path),
        bytes: files.reduce((sum, { bytes }) => sum + bytes.byteLength, 0),
        hashes: files.map(({ bytes, hash }) => hash ?? `sha256:${createHash("sha256").update(bytes).digest("hex")}`),
      };
      response.end(JSON.stringify({ uri: "/packages/here/", datapackage: { resources: [resource] } }));
      return;
    }
    const file = files.find((one) => `packages/here/${one.path}` === path);
    const range = /^bytes=(\d+)-$/.exec(request.headers.range ?? "");
    asked.push(request.headers.range ?? "whole");
    const from = Number(range?.[1] ?? 0);
    if (file === undefined) response.writeHead(404).end("{}");
    else if (range !== null && from >= file.bytes.byteLength) response.writeHead(416).end();
    else response.writeHead(range === null ? 200 : 206).end(file.bytes.subarray(from));
  }).listen(0, "127.0.0.1");
  await new Promise((listening) => server.once("listening", listening));
  const folder = await mkdtemp(join(tmpdir(), "gyre-download-"));
  t.after(async () => {
    server.closeAllConnections();
    server.close();
    await rm(folder, { recursive: true });
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  return { url, asked, folder, download: (options) => extractDownload(createClient(url), "here", folder, options) };
}

const DATA = "datasets/set/one/data";

test("files are downloaded whole, into a folder for each dataset; replaced ones under their names", async (t) => {
  const files = [`${DATA}/a.tif`, `${DATA}/0123456789abcdef/b.tif`].map((path) => ({ path, bytes: BYTES }));
  const hosted = await host(t, files);
  const paths = await hosted.download();
  assert.deepEqual(
    paths,
    ["a.tif", "b.tif"].map((name) => join(hosted.folder, "here/set_one", name)),
  );
  for (const path of paths) assert.deepEqual(await readFile(path), BYTES);
});

test("what was begun goes on where it was; what is there whole is not asked for again", async (t) => {
  const hosted = await host(t, [{ path: `${DATA}/a.tif`, bytes: BYTES }]);
  const folder = join(hosted.folder, "here/set_one");
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, "a.tif.part"), BYTES.subarray(0, 1000));
  await hosted.download();
  assert.deepEqual(hosted.asked, ["bytes=1000-"]);
  assert.deepEqual(await readFile(join(folder, "a.tif")), BYTES);
  await hosted.download();
  assert.equal(hosted.asked.length, 1);
  assert.deepEqual(await readdir(folder), ["a.tif"]);
});

test("what was begun of other contents is fetched anew; a part that has all of it is taken", async (t) => {
  const hosted = await host(t, [{ path: `${DATA}/a.tif`, bytes: BYTES }]);
  const part = join(hosted.folder, "here/set_one/a.tif.part");
  await mkdir(join(part, ".."), { recursive: true });
  await writeFile(part, Buffer.alloc(500, 120));
  const [path = ""] = await hosted.download();
  assert.deepEqual(hosted.asked, ["bytes=500-", "whole"]);
  assert.deepEqual(await readFile(path), BYTES);
  await rm(path);
  await writeFile(part, BYTES);
  await hosted.download();
  assert.deepEqual(await readFile(path), BYTES);
});

test("damaged and longer files are refused and leave nothing that looks whole", async (t) => {
  const hash = `sha256:${"0".repeat(64)}`;
  const damaged = await host(t, [{ path: `${DATA}/a.tif`, bytes: BYTES, hash }]);
  await assert.rejects(damaged.download(), /SHA-256 is not that of the package/);
  assert.deepEqual(await readdir(join(damaged.folder, "here/set_one")), []);
});

test("files with other contents are kept unless they may be overwritten", async (t) => {
  const hosted = await host(t, [{ path: `${DATA}/a.tif`, bytes: BYTES }]);
  const path = join(hosted.folder, "here/set_one/a.tif");
  await mkdir(join(path, ".."), { recursive: true });
  await writeFile(path, "mine");
  await assert.rejects(hosted.download(), /is there with other contents/);
  assert.equal(await readFile(path, "utf8"), "mine");
  await hosted.download({ overwrite: true });
  assert.deepEqual(await readFile(path), BYTES);
});

test("only the wanted datasets are downloaded", async (t) => {
  const hosted = await host(t, [{ path: `${DATA}/a.tif`, bytes: BYTES }]);
  assert.deepEqual(await hosted.download({ datasetFilter: ["other.one"] }), []);
  assert.equal((await hosted.download({ datasetFilter: ["set.one"] })).length, 1);
});

for (const path of [`${DATA}/..`, `${DATA}/%2e%2e`, `${DATA}/a%2fb`, `${DATA}/`, `${DATA}/C:x`]) {
  test(`no name leads out of the folder: ${path}`, async (t) => {
    const hosted = await host(t, [{ path, bytes: BYTES }]);
    await assert.rejects(hosted.download(), ClientError);
    assert.deepEqual(await readdir(hosted.folder), []);
  });
}

test("neither do names of datasets", async (t) => {
  const hosted = await host(t, [{ path: "data/a.tif", bytes: BYTES }], "../set");
  await assert.rejects(hosted.download(), ClientError);
});

test("a second version of a dataset is found by its version, and two files of one name are refused", async (t) => {
  const second = await host(t, [{ path: `${DATA}/a.tif`, bytes: BYTES }], "set.one");
  const [path] = await second.download({ datasetFilter: ["set.one"] });
  assert.equal(path, join(second.folder, "here/set_one/a.tif"));
  const files = [`${DATA}/a.tif`, `${DATA}/0123456789abcdef/a.tif`].map((path) => ({ path, bytes: BYTES }));
  await assert.rejects((await host(t, files)).download(), /two files of one name/);
});
