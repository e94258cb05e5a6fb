import assert from "node:assert/strict";
import { cp, mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { loadConfig } from "../../src/config.ts";
import { ANONYMOUS } from "../../src/core/principal.ts";
import type { Listening } from "../../src/http/listen.ts";
import { createNode, type Node } from "../../src/node.ts";

// What clients may write in addresses and headers, against a whole node: in process, and over a socket, where nothing
// has normalised the request line before the node sees it.
const FIXTURES = fileURLToPath(new URL("../fixtures/", import.meta.url));
const SECRET = "this is outside the served folder";

let folder: string;
let node: Node;
let listening: Listening;
const faults: unknown[] = [];

before(async () => {
  folder = await mkdtemp(join(tmpdir(), "gyre-addresses-"));
  const data = join(folder, "data");
  await mkdir(data);
  await cp(`${FIXTURES}netcdf3/records.nc`, join(data, "records.nc"));
  await cp(`${FIXTURES}hdf5/dims.nc`, join(data, "dims.nc"));
  await cp(`${FIXTURES}protocols/v2.zarr`, join(data, "v2.zarr"), { recursive: true });
  await writeFile(join(folder, "secret.txt"), SECRET);
  await symlink(".", join(data, "loop"));
  const config = loadConfig("database: none\nsources: [data]\nrescanSeconds: 0\nlisten: {port: 0}");
  node = await createNode(config, { folder, onError: (error) => faults.push(error) });
  await node.scan();
  listening = await node.listen();
});

after(async () => {
  await listening.close();
  await node.close();
  await rm(folder, { recursive: true, force: true });
});

const LONG = "a".repeat(7000);
const TRICKS = [
  "..",
  "../secret.txt",
  "../../secret.txt",
  "%2e%2e/secret.txt",
  "%2e%2e%2fsecret.txt",
  "..%2fsecret.txt",
  "..%5csecret.txt",
  "..\\secret.txt",
  "%252e%252e%252fsecret.txt",
  "....//secret.txt",
  "%c0%ae%c0%ae/secret.txt",
  "%00",
  "records%00.nc",
  "%zz",
  "%",
  "%ff%fe",
  "%e2%80%ae",
  "%ed%a0%80",
  "%0d%0aX-Injected:%20yes",
  "%3Cscript%3Ealert(1)%3C/script%3E",
  "__proto__",
  "constructor",
  "toString",
  "file:%2f%2f%2fetc%2fpasswd",
  "http:%2f%2f127.0.0.1%2f",
  "~",
  "~~~",
  ".",
  "",
  "*",
  "{id}",
  ":id",
  LONG,
];
const INDICES = ["-1", "1e9", "0x0", "00", "9".repeat(15), "9".repeat(400), "0.0", "0/0", "NaN", " 0", "٣", "0.0.0.0"];
const VIEWS = [
  "zarr@",
  "zarr@@",
  "zarr@x=1",
  "zarr@bbox=1~2",
  "zarr@bbox=NaN~NaN~NaN~NaN",
  "zarr@bbox=1e308~-1e308~1e308~1e308",
  "zarr@time=~",
  "zarr@time=0000-00-00~9999999999",
  "zarr@vars=",
  `zarr@vars=${"tas~".repeat(1500)}tas`,
  "zarr@chunks=time:0",
  "zarr@chunks=time:1e99",
  "zarr@chunks=time:9007199254740993",
  "zarr@keepbits=-1",
  "zarr@keepbits.__proto__=3",
  "zarr@abs=0",
  "zarr@rel=Infinity",
  "zarr@codec=../../x",
  "zarr@vars=tas,vars=tas",
  "zarr%40vars=tas",
  "zarr@%76ars=tas",
];

function* paths(): Generator<string> {
  for (const trick of TRICKS) {
    yield `/${trick}`;
    yield `/datasets/${trick}`;
    yield `/datasets/${trick}/info`;
    yield `/datasets/records/${trick}`;
    yield `/datasets/records/groups/${trick}/keys`;
    yield `/datasets?prefix=${trick}`;
    for (const api of ["kerchunk", "kerchunk-tape-order", "zarr", "kerchunk.parquet"]) {
      yield `/datasets/v2/${api}/${trick}`;
      yield `/datasets/v2/${api}/tas/${trick}`;
    }
  }
  for (const index of INDICES) {
    for (const key of [
      `kerchunk/tas/${index}`,
      `kerchunk/tas/${index}.0.0`,
      `zarr/tas/${index}`,
      `zarr/tas/c/${index}`,
    ]) {
      yield `/datasets/v2/${key}`;
    }
  }
  for (const view of VIEWS) {
    for (const key of [".zmetadata", "zarr.json", "tas/0.0.0"]) yield `/datasets/v2/${view}/${key}`;
  }
}

async function checkAnswer(what: string, status: number, body: string, headers: string): Promise<void> {
  assert.notEqual(status, 500, `${what}: ${faults.map((error) => (error as Error).stack).join("\n")}`);
  assert.ok(status >= 200 && status < 600, `${what}: ${status}`);
  assert.ok(!body.includes(SECRET), `${what} shows a file outside`);
  assert.doesNotMatch(body, /root:x:0/, what);
  assert.doesNotMatch(headers, /^x-injected/im, what);
  assert.ok(!body.includes(folder), `${what} tells where the files lie`);
  const isPage = /content-type:\s*text\/html/i.test(headers);
  assert.ok(!isPage || !body.includes("<script>alert"), `${what} puts what it was asked into its page`);
}

async function ask(path: string, init?: RequestInit): Promise<number> {
  const response = await node.fetch(new Request(`http://127.0.0.1${path}`, init));
  const headers = [...response.headers].map(([name, value]) => `${name}: ${value}`).join("\n");
  await checkAnswer(`${init?.method ?? "GET"} ${path.slice(0, 200)}`, response.status, await response.text(), headers);
  return response.status;
}

test("addresses in process", { timeout: 600_000 }, async () => {
  for (const path of paths()) await ask(path);
});

test("addresses as they come over the wire", { timeout: 600_000 }, async () => {
  for (const path of paths()) {
    // Raw bytes: spaces and line ends would be another request.
    const target = path.replace(/[\s]/g, "%20");
    const [head = "", ...body] = (
      await exchange(`GET ${target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`)
    ).split("\r\n\r\n");
    const status = Number(/^HTTP\/1\.1 (\d{3})/.exec(head)?.[1] ?? Number.NaN);
    await checkAnswer(path.slice(0, 200), status, body.join("\r\n\r\n"), head);
  }
});

function exchange(request: string): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const { hostname, port } = listening.url;
  const socket = connect(Number(port), hostname, () => socket.write(request, "latin1"));
  const parts: Buffer[] = [];
  socket.on("data", (part: Buffer) => parts.push(part));
  socket.on("close", () => resolve(Buffer.concat(parts).toString("latin1")));
  socket.on("error", reject);
  return promise;
}

test("views as long as anybody likes", { timeout: 600_000 }, async () => {
  const members = `${"time:1~".repeat(20_000)}lat:1`;
  for (const view of [
    `chunks=${members}`,
    `vars=${"a~".repeat(50_000)}b`,
    "a=".repeat(50_000),
    ",".repeat(100_000),
    "~".repeat(100_000),
  ]) {
    const status = await ask(`/datasets/v2/zarr@${view}/zarr.json`);
    assert.ok(status >= 400 && status < 500, String(status));
  }
});

test("methods, headers and ranges", { timeout: 600_000 }, async () => {
  const chunk = "/datasets/v2/kerchunk/tas/0.0.0";
  const ranges = [
    "bytes=",
    "bytes=-",
    "bytes=-0",
    "bytes=0-",
    "bytes=5-1",
    "bytes=99999999999999999999-",
    "bytes=0-0,0-0",
    "lines=1-2",
  ];
  ranges.push(`bytes=${"0-0,".repeat(3000)}0-0`, "bytes=0-18446744073709551615", "bytes=-18446744073709551615");
  for (const range of ranges) await ask(chunk, { headers: { Range: range } });
  const headers: Record<string, string>[] = [
    { "If-None-Match": `${'"a",'.repeat(3000)}"b"` },
    { "If-None-Match": '"unclosed' },
    { "If-None-Match": "*" },
    { "If-Match": '"x"' },
    { "If-Modified-Since": "not a date" },
    { "Accept-Encoding": "gzip;q=x, *;q=9, ,,,br;q=" },
    { Accept: "*/*;q=a, text/html;;;" },
    { "X-Forwarded-Host": "evil.example\\@x", "X-Forwarded-Proto": "javascript" },
    { Host: "evil.example/<script>" },
    { Origin: "null" },
  ];
  for (const some of headers)
    for (const path of [chunk, "/datasets/v2/", "/datasets/v2/info"]) await ask(path, { headers: some });
  for (const method of ["HEAD", "OPTIONS", "POST", "PUT", "DELETE", "PATCH", "PROPFIND"]) {
    await ask(chunk, { method });
    await ask("/datasets", { method });
  }
});

test("queries: repeated, unknown, polluting", async () => {
  for (const query of [
    "prefix=a&prefix=b",
    "__proto__=1",
    "constructor[prototype][x]=1",
    "prefix[]=1",
    `x=${LONG}`,
    "&&&",
    "=",
    "%",
    "links=javascript:",
  ]) {
    for (const path of ["/datasets", "/datasets/.zmetadata", "/datasets/v2/kerchunk.json"])
      await ask(`${path}?${query}`);
  }
  assert.equal(({} as { x?: unknown }).x, undefined);
});

test("a folder that contains itself is walked once", async () => {
  const ids = await Array.fromAsync(node.access.list({ who: ANONYMOUS }));
  assert.deepEqual(
    ids.filter((id) => !id.startsWith("loop")),
    ["dims", "records", "v2"],
  );
  assert.ok(ids.length < 400, `${ids.length} datasets out of three`);
});
