import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import { pathToFileURL } from "node:url";
import { loadConfig } from "../../src/config.ts";
import { isGyreError } from "../../src/errors.ts";
import { createNode } from "../../src/node.ts";
import { netcdf3, netcdf4, put, start, temporary } from "./archive.ts";

/** A variable as `gyre.yaml` writes it. */
const from = (name: string): string => `\u0024{${name}}`;

const INTAKE = `sources:
  air: {driver: netcdf, args: {urlpath: "{{ CATALOG_DIR }}/1.nc"}}
  both: {driver: netcdf, args: {urlpath: "{{ CATALOG_DIR }}/*.nc", concat_dim: time}}
  away: {driver: netcdf, args: {urlpath: "https://example.org/archive/x.nc"}}
  far: {driver: zarr, args: {urlpath: "https://example.org/archive/y.zarr"}}
`;
const ESM = JSON.stringify({
  esmcat_version: "0.1.0",
  id: "sample",
  catalog_file: "table.csv",
  assets: { column_name: "path", format: "netcdf" },
  aggregation_control: {
    variable_column_name: "variable",
    groupby_attrs: ["model"],
    aggregations: [{ type: "join_existing", attribute_name: "years", options: { dim: "time" } }],
  },
});
const TABLE = "model,variable,years,path\nm1,tas,1,1.nc\nm1,tas,2,2.nc\n";
const STAC = JSON.stringify({
  type: "Feature",
  stac_version: "1.0.0",
  id: "item",
  assets: { data: { href: "./1.nc", type: "application/x-netcdf", roles: ["data"] } },
});

test("catalogues are sources, with what they name as datasets", async (t) => {
  const folder = temporary(t);
  put(join(folder, "c/1.nc"), await netcdf4(0, 2));
  put(join(folder, "c/2.nc"), await netcdf4(2, 2));
  put(join(folder, "c/intake.yaml"), INTAKE);
  put(join(folder, "c/esm.json"), ESM);
  put(join(folder, "c/table.csv"), TABLE);
  put(join(folder, "c/catalog.json"), STAC);
  for (const [source, cube, file] of [
    ["intake.yaml", "both", "air"],
    ["esm.json", "m1", undefined],
    ["catalog.json", undefined, "item"],
  ] as const) {
    const node = await start(t, folder, `sources: [c/${source}]\ndataDir: ${source}.d`);
    await node.scan();
    assert.deepEqual(await node.ids(), [cube, file].filter((id) => id !== undefined).sort(), source);
    if (cube !== undefined) assert.deepEqual(await node.day(cube, 3), [30, 31, 32]);
    if (file !== undefined) assert.deepEqual(await node.day(file, 1), [10, 11, 12]);
  }
});

test("prefixes that a catalogue needs and has not are said as they are to be typed", async (t) => {
  const folder = temporary(t);
  put(join(folder, "c/1.nc"), await netcdf4(0, 2));
  put(join(folder, "c/intake.yaml"), INTAKE);
  const node = await start(t, folder, "sources: [c/intake.yaml]");
  await node.scan();
  assert.deepEqual(
    (await node.problems()).map(({ reason }) => reason),
    ["2 of its 4 datasets lie outside what may be read; serve them with --allow https://example.org/archive/"],
  );
});

test("configured catalogues and cubes are looked at again, and choose among what they name", async (t) => {
  const folder = temporary(t);
  put(join(folder, "c/1.nc"), await netcdf4(0, 2));
  put(join(folder, "c/intake.yaml"), INTAKE);
  const yaml = `
catalogs: [{source: c/intake.yaml, id: "my-{id}", allow: [air, both], drop: [time]}]
cubes: [{id: all, glob: 'c/*.nc', concat: time}]`;
  const node = await start(t, folder, yaml);
  await node.scan();
  assert.deepEqual(await node.ids(), ["all", "my-air", "my-both"]);
  assert.deepEqual(await node.json("datasets/my-air/keys"), ["tas"]);
  assert.deepEqual(await node.problems(), []);
  put(join(folder, "c/2.nc"), await netcdf4(2, 2));
  put(join(folder, "c/intake.yaml"), INTAKE.replace("air:", "wind:").replace("1.nc", "2.nc"));
  const done = node.scanned();
  node.clock.advance(60_000);
  await done;
  await node.close();
  const again = await start(t, folder, yaml);
  await again.scan();
  assert.deepEqual(await again.ids(), ["all", "my-both"]);
  assert.deepEqual(await again.day("all", 3), [30, 31, 32]);
});

test("gyre.yaml: datasets, cubes and S3 with what the environment keeps secret", async (t) => {
  const folder = temporary(t);
  const object = await netcdf3(6, 1);
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(request.headers.authorization ?? "");
    const range = /bytes=(\d+)-(\d*)/.exec(request.headers.range ?? "");
    const first = Number(range?.[1] ?? 0);
    const last = Math.min(Number(range?.[2] || object.length - 1), object.length - 1);
    response.writeHead(range === null ? 200 : 206, {
      ETag: '"one"',
      "Content-Length": last - first + 1,
      ...(range === null ? {} : { "Content-Range": `bytes ${first}-${last}/${object.length}` }),
    });
    response.end(request.method === "HEAD" ? undefined : object.subarray(first, last + 1));
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  t.after(() => server.close());
  put(join(folder, "archive/1.nc"), await netcdf4(0, 2));
  put(join(folder, "archive/2.nc"), await netcdf4(2, 2));
  const yaml = `
sources: ['${from("ARCHIVE")}']
datasets:
  first: {source: archive/1.nc, drop: [time]}
  remote: {source: 's3://bucket/x.nc'}
cubes: [{id: whole, glob: [archive/1.nc, archive/2.nc], concat: time}]
s3: {bucket: {endpoint: 'http://127.0.0.1:${(server.address() as AddressInfo).port}', accessKeyId: '${from("KEY")}', secretAccessKey: '${from("SECRET")}'}}
limits: {selection: 1MiB, openDatasets: 8}`;
  const node = await start(t, folder, yaml, {
    env: { ARCHIVE: "archive", KEY: "key-of-the-environment", SECRET: "s" },
  });
  await node.scan();
  assert.deepEqual(await node.problems(), []);
  assert.deepEqual(await node.ids(), ["2", "first", "remote", "whole"]);
  assert.deepEqual(await node.day("remote", 0), [60, 61, 62]);
  assert.deepEqual(await node.day("whole", 2), [20, 21, 22]);
  assert.deepEqual(await node.json("datasets/first/keys"), ["tas"]);
  assert.ok(asked.every((header) => header.includes("Credential=key-of-the-environment/")) && asked.length > 0);
});

const PLUGIN = `
import { isMainThread } from "node:worker_threads";

const codec = { kind: "bytes-bytes", encode: (b) => b, decode: (b) => b.map(() => (isMainThread ? 1 : 2)) };
export const codecs = [{ name: "thread", kind: "bytes-bytes", summary: "says where it runs", encodes: true, create: () => codec }];

export const formats = [{
  name: "plain",
  summary: "bytes after a word",
  suffixes: [".plain"],
  sniff: ({ head }) => Buffer.from(head.subarray(0, 5)).toString() === "PLAIN",
  async open(url, { files }) {
    const { size, etag } = await files.head(url);
    const shape = [size - 5];
    const spec = { dtype: "uint8", dims: ["x"], shape, chunks: shape, fill: null, attrs: new Map(),
      codecs: [{ name: "bytes" }, { name: "thread" }] };
    const locate = async () => ({ url, offset: 5, length: size - 5, etag });
    return { format: "plain", version: etag.replaceAll('"', ""), attrs: new Map(), groups: new Map(),
      dimensions: new Map([["x", { size: size - 5, unlimited: false }]]), variables: new Map([["v", { name: "v", spec, locate }]]) };
  },
}];

export const protocols = [{
  name: "greeting",
  summary: "says hello",
  conformsTo: [],
  routes: [{
    method: "GET",
    path: "/hello/:id",
    summary: "Hello",
    responses: { 200: { description: "Hello" } },
    role: "read",
    handle: async ({ params, access, call }) => new Response("hello " + (await access.open(params.id, call))?.id),
  }],
}];
`;

test("a plugin outside the repository brings a format, a codec that also threads know, and a protocol", async (t) => {
  const folder = temporary(t);
  put(join(folder, "own/plugin.mjs"), PLUGIN);
  put(join(folder, "archive/small.plain"), "PLAINabc");
  put(join(folder, "archive/large.plain"), `PLAIN${"x".repeat(2 << 20)}`);
  const node = await start(t, folder, "sources: [archive]\nplugins: [./own/plugin.mjs]");
  await node.scan();
  assert.deepEqual(await node.ids(), ["large", "small"]);
  assert.equal(await (await node.get("hello/small")).text(), "hello small");
  const first = async (id: string): Promise<number> =>
    (await (await node.get(`datasets/${id}/zarr@codec=none/v/0`)).bytes())[0]!;
  assert.equal(await first("small"), 1, "in the main thread");
  assert.equal(await first("large"), 2, "in a thread of its own");
  const plugins = await node.json<Record<string, { path: string }>>("plugins");
  assert.equal(plugins["format.plain"]?.path, "./own/plugin.mjs");
  assert.equal(plugins["protocol.greeting"]?.path, "./own/plugin.mjs");
});

test("a plugin may be a package that only the folder of gyre.yaml has", async (t) => {
  const folder = temporary(t);
  const home = join(folder, "node_modules/gyre-plain");
  put(join(home, "package.json"), JSON.stringify({ name: "gyre-plain", type: "module", exports: "./index.js" }));
  put(join(home, "index.js"), PLUGIN);
  put(join(folder, "archive/small.plain"), "PLAINabc");
  const node = await start(t, folder, "sources: [archive]\nplugins: [gyre-plain]");
  await node.scan();
  assert.deepEqual(await node.ids(), ["small"]);
});

test("a plugin that is not there, and one that breaks, are named", async (t) => {
  const folder = temporary(t);
  put(join(folder, "broken.mjs"), "throw new Error('by design')");
  for (const [name, reason] of [
    ["./absent.mjs", /plugin \.\/absent\.mjs cannot be loaded: .*absent\.mjs/],
    ["./broken.mjs", /plugin \.\/broken\.mjs cannot be loaded: by design/],
    ["no-such-package", /plugin no-such-package cannot be loaded/],
  ] as const) {
    const config = loadConfig(`database: none\ndataDir: data\nplugins: ["${name}"]`);
    await assert.rejects(createNode(config, { folder }), (error) => {
      return isGyreError(error, "BadRequest") && reason.test(error.message);
    });
  }
});

test("links that lead out of the sources are not followed", async (t) => {
  const folder = temporary(t);
  put(join(folder, "outside/1.nc"), await netcdf4());
  put(join(folder, "c/catalog.json"), STAC.replace("./1.nc", pathToFileURL(join(folder, "outside/1.nc")).href));
  const node = await start(t, folder, "sources: [c/catalog.json]");
  await node.scan();
  assert.deepEqual(await node.ids(), []);
  const allowed = await start(t, folder, "sources: [c/catalog.json]\nallow: [outside]\ndataDir: other");
  await allowed.scan();
  assert.deepEqual(await allowed.ids(), ["item"]);
});
