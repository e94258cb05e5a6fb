import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { pathToFileURL } from "node:url";
import type { Opened } from "../../src/core/access.ts";
import type { Dataset, Variable } from "../../src/core/array.ts";
import { createFilesByPrefix } from "../../src/files/by-prefix.ts";
import { createLocalFiles } from "../../src/files/local.ts";
import { withCounting } from "../../src/files/with-counting.ts";
import type { Answer } from "../../src/http/answer.ts";
import { chunkServer } from "../../src/http/chunks.ts";
import { type Listening, listen } from "../../src/http/listen.ts";
import { createAccess } from "../../src/read/access.ts";
import { decoder } from "../protocols/archive.ts";

/** Behind them is one more, which nobody asks for before the file is another. */
const CHUNKS = 24;
const SIZE = 50_000;

let folder: string;
let file: URL;
let server: Listening;
let opened: Opened;
/** What is known without asking; undefined when a look is due. */
let current: Opened | undefined;
let reads: () => number;
const answers: Answer[] = [];

/** Chunk n holds the number n + `first` everywhere. */
const contentOf = (first: number): Buffer =>
  Buffer.concat(Array.from({ length: CHUNKS + 1 }, (_, n) => Buffer.alloc(SIZE, n + first)));

async function open(): Promise<Opened> {
  const { etag = "" } = (await createLocalFiles().head(file))!;
  const spec = {
    dtype: "uint8",
    dims: ["x"],
    shape: [(CHUNKS + 1) * SIZE],
    chunks: [SIZE],
    codecs: [{ name: "bytes" }],
    fill: 0,
    attrs: new Map(),
  } as const;
  const locate: Variable["locate"] = async ([n = 0]) => ({ url: file, offset: n * SIZE, length: SIZE, etag });
  const dataset: Dataset = {
    format: "test",
    version: etag.replaceAll('"', ""),
    attrs: new Map(),
    dimensions: new Map(),
    groups: new Map(),
    variables: new Map([["data", { name: "data", spec, locate }]]),
  };
  return { id: "a", dataset, source: file.href, tape: false };
}

before(async () => {
  folder = await mkdtemp(join(tmpdir(), "gyre-kept-"));
  const root = pathToFileURL(`${folder}/`);
  file = new URL("a.bin", root);
  await writeFile(file, contentOf(1));
  const counted = withCounting(createLocalFiles());
  reads = () => counted.counts.reads;
  const files = createFilesByPrefix([{ prefix: root, files: counted, mode: "r" }]);
  opened = current = await open();
  const holdings = {
    async *list() {},
    open: async () => opened,
    current: () => current,
  };
  const access = createAccess(holdings, { files, decoder });
  const first = chunkServer({ access, onAnswer: (answer) => answers.push(answer) });
  server = await listen(async () => new Response("the app", { status: 404 }), { host: "127.0.0.1", port: 0, first });
});
after(async () => {
  await server.close(0);
  await rm(folder, { recursive: true });
});

const ask = (n: number, headers: Record<string, string> = {}): Promise<Response> =>
  fetch(new URL(`datasets/a/kerchunk/data/${n}`, server.url), { headers });

async function told(response: Response): Promise<unknown[]> {
  const { date: _, ...headers } = Object.fromEntries(response.headers);
  const body = createHash("sha256").update(Buffer.from(await response.arrayBuffer()));
  return [response.status, headers, body.digest("hex")];
}

test("a chunk is answered alike when it is read, when it is kept, and from memory; and counted each time", async () => {
  const before = reads();
  const first = await told(await ask(0));
  assert.equal(first[2], createHash("sha256").update(Buffer.alloc(SIZE, 1)).digest("hex"));
  for (let i = 0; i < 4; i++) assert.deepEqual(await told(await ask(0)), first);
  assert.equal(reads() - before, 2);
  // Answers are told of when they are through, which their reader may know before.
  while (answers.length < 5) await turn();
  assert.deepEqual(
    answers.map(({ status, bytes, route }) => [status, bytes, route]),
    Array.from({ length: 5 }, () => [200, SIZE, "/datasets/{id}/kerchunk/{key}"]),
  );
});

test("conditions and ranges are kept to where the chunk is in memory", async () => {
  for (let i = 0; i < 3; i++) await (await ask(1)).arrayBuffer();
  const etag = (await ask(1)).headers.get("etag")!;
  assert.equal((await ask(1, { "if-none-match": etag })).status, 304);
  assert.equal((await ask(1, { "if-match": '"other"' })).status, 412);
  const part = await ask(1, { range: "bytes=10-19" });
  assert.deepEqual([part.status, (await part.arrayBuffer()).byteLength], [206, 10]);
  assert.equal((await ask(1)).status, 200);
});

test("answers of many clients are never mixed, whoever uses memory after whom", async () => {
  const right = async (n: number): Promise<void> => {
    const bytes = Buffer.from(await (await ask(n)).arrayBuffer());
    assert.ok(bytes.equals(Buffer.alloc(SIZE, n + 1)), `chunk ${n}`);
  };
  for (let round = 0; round < 4; round++) {
    await Promise.all(Array.from({ length: CHUNKS * 2 }, (_, i) => right((i * 7 + round) % CHUNKS)));
  }
});

test("requests sent in one go are answered in their order, from memory or not", async () => {
  for (let i = 0; i < 3; i++) await (await ask(2)).arrayBuffer();
  const socket = connect(Number(server.url.port), "127.0.0.1");
  const asked = [23, 2, 22, 2, 2];
  const line = (n: number, i: number): string =>
    `GET /datasets/a/kerchunk/data/${n} HTTP/1.1\r\nHost: a\r\n${i === asked.length - 1 ? "Connection: close\r\n" : ""}\r\n`;
  socket.write(asked.map(line).join(""));
  const all = Buffer.concat(await Array.fromAsync(socket as AsyncIterable<Buffer>));
  let at = 0;
  for (const n of asked) {
    const body = all.indexOf("\r\n\r\n", at) + 4;
    assert.match(all.subarray(at, body).toString(), /^HTTP\/1\.1 200 OK\r\n/);
    assert.ok(all.subarray(body, body + SIZE).equals(Buffer.alloc(SIZE, n + 1)), `chunk ${n}`);
    at = body + SIZE;
  }
  assert.equal(at, all.byteLength);
});

test("clients that leave in the middle disturb nobody", async () => {
  for (let i = 0; i < 10; i++) {
    const socket = connect(Number(server.url.port), "127.0.0.1");
    socket.write(`GET /datasets/a/kerchunk/data/${i % CHUNKS} HTTP/1.1\r\nHost: a\r\n\r\n`.repeat(20));
    await once(socket, "data");
    socket.destroy();
  }
  const bytes = Buffer.from(await (await ask(3)).arrayBuffer());
  assert.ok(bytes.equals(Buffer.alloc(SIZE, 4)));
});

test("what is in memory of a file is not answered for another that took its place", async () => {
  for (let i = 0; i < 3; i++) await (await ask(4)).arrayBuffer();
  const tag = (await ask(4)).headers.get("etag");
  const other = join(folder, "other");
  await writeFile(other, contentOf(101));
  await rename(other, file);
  current = undefined;
  const late = await ask(CHUNKS);
  assert.equal(late.status, 503, "bytes of the new file are not those that the dataset names");
  opened = current = await open();
  for (let i = 0; i < 3; i++) {
    const now = await ask(4);
    assert.notEqual(now.headers.get("etag"), tag);
    assert.equal(new Uint8Array(await now.arrayBuffer())[0], 105);
  }
});
