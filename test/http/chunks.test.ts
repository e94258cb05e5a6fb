import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { Answer } from "../../src/http/answer.ts";
import { createApp } from "../../src/http/app.ts";
import { chunkServer } from "../../src/http/chunks.ts";
import { type Listening, listen } from "../../src/http/listen.ts";
import { kerchunk } from "../../src/protocols/kerchunk.ts";
import { zarr } from "../../src/protocols/zarr.ts";
import { createArchive } from "../protocols/archive.ts";
import { createGrid } from "../protocols/grid.ts";

let archive: Awaited<ReturnType<typeof createArchive>>;
let short: Listening;
let long: Listening;
const byApp: string[] = [];

before(async () => {
  archive = await createArchive();
  archive.add("grid", await createGrid(archive), { modified: new Date(Date.UTC(2026, 0, 1)) });
  const app = createApp({ access: archive.access, protocols: [kerchunk, zarr] });
  const watched = (request: Request): Promise<Response> => {
    byApp.push(new URL(request.url).pathname);
    return app(request);
  };
  const first = chunkServer({ access: archive.access });
  short = await listen(watched, { host: "127.0.0.1", port: 0, first });
  long = await listen(app, { host: "127.0.0.1", port: 0 });
});
after(() => Promise.all([short.close(0), long.close(0)]));

const SHORT = [
  ...["tas/0.0.0", "tas/2.0.0", "tas/9.9.9", "nothing/0", "height/0.0", "crs/0"].map((key) => `kerchunk/${key}`),
  ...["tas/0.0.0", "tas/c/1/0/0", "tas/c/9/9/9", "tas/c/0", "crs/0"].map((key) => `zarr/${key}`),
];
const LONG = ["tas/.zarray", ".zgroup", "t%61s/0.0.0", "tas/0.0.0?x=1"];

async function told(server: Listening, path: string, headers: Record<string, string>): Promise<unknown[]> {
  const response = await fetch(new URL(path, server.url), { headers });
  const { date: _, ...rest } = Object.fromEntries(response.headers);
  const body = Buffer.from(await response.arrayBuffer()).toString("base64");
  // How a body is framed is the socket's affair where nobody gave its length.
  for (const name of ["connection", "keep-alive", "transfer-encoding", "content-length"]) delete rest[name];
  return [response.status, rest, body];
}

test("the short way of chunks answers what the route answers", async () => {
  const tags = ["kerchunk/tas/0.0.0", "zarr/tas/0.0.0"].map(async (key) => {
    const { headers } = await fetch(new URL(`datasets/grid/${key}`, long.url));
    return headers.get("etag") as string;
  });
  const conditions: Record<string, string>[] = [
    {},
    { range: "bytes=2-5" },
    { range: "bytes=99999-" },
    { "if-match": '"another"' },
    { "if-modified-since": "Thu, 01 Jan 2026 00:00:00 GMT" },
    { "if-unmodified-since": "Thu, 01 Jan 2025 00:00:00 GMT" },
    ...(await Promise.all(tags)).map((tag) => ({ "if-none-match": tag })),
  ];
  const [ifMatch, since, unmodified] = await Promise.all(
    conditions.slice(3, 6).map((headers) => told(short, "datasets/grid/zarr/tas/0.0.0", headers)),
  );
  assert.deepEqual([ifMatch![0], since![0], unmodified![0]], [412, 304, 412]);
  for (const headers of conditions) {
    for (const id of ["grid", "alias", "broken", "absent"]) {
      for (const key of SHORT) {
        const path = `datasets/${id}/${key}`;
        const what = `${path} ${JSON.stringify(headers)}`;
        assert.deepEqual(await told(short, path, headers), await told(long, path, headers), what);
      }
    }
  }
  assert.deepEqual(byApp, []);
});

test("it tells of every answer", async (t) => {
  const answered = Promise.withResolvers<Answer>();
  const first = chunkServer({ access: archive.access, onAnswer: answered.resolve });
  const server = await listen(async () => new Response(), { host: "127.0.0.1", port: 0, first });
  t.after(() => server.close(0));
  const response = await fetch(new URL("datasets/grid/kerchunk/tas/0.0.0", server.url));
  const { byteLength } = await response.arrayBuffer();
  // It is told of when it is through, which its reader may know before.
  const { method, route, status, bytes } = await answered.promise;
  assert.deepEqual([method, route, status, bytes], ["GET", "/datasets/{id}/kerchunk/{key}", 200, byteLength]);
});

test("it leaves everything else to the app", async () => {
  byApp.length = 0;
  for (const key of LONG) await (await fetch(new URL(`datasets/grid/kerchunk/${key}`, short.url))).arrayBuffer();
  assert.equal(byApp.length, LONG.length);
});
