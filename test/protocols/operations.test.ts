import assert from "node:assert/strict";
import { before, test } from "node:test";
import { publicSource, publicText } from "../../src/core/public-source.ts";
import { favourite } from "../../src/protocols/accept.ts";
import { createInfo } from "../../src/protocols/info.ts";
import { kerchunk } from "../../src/protocols/kerchunk.ts";
import { createOperations, type Readiness } from "../../src/protocols/operations.ts";
import { zarr } from "../../src/protocols/zarr.ts";
import { testProtocol } from "../contract/protocol.ts";
import { BASE, createArchive, serve } from "./archive.ts";
import { createGrid } from "./grid.ts";

const since = "2026-01-02T03:04:05.000Z";
const PROBLEMS = [
  {
    source: "file:///secret/archive/a%20b/x.nc",
    offset: 8,
    reason: "file:///secret/archive/a%20b/x.nc at byte 8: 4294967295 <dimensions>",
    since,
  },
  {
    source: "https://user:word@store.example/y.nc?signature=abc",
    reason: "leads to file:///secret/archive/z.nc, which is not there",
    since,
  },
];

let fetch: ReturnType<typeof serve>;
let readiness: Readiness;
let archive: Awaited<ReturnType<typeof createArchive>>;

before(async () => {
  archive = await createArchive();
  archive.add("grid", await createGrid(archive));
  const protocols = [kerchunk, zarr, createInfo({ version: "1.2.3", plugins: new Map(), protocols: [kerchunk, zarr] })];
  const operations = createOperations({
    version: "1.2.3",
    protocols,
    roots: [new URL("file:///secret/archive/")],
    problems: () => PROBLEMS,
    ready: () => readiness,
    metrics: () => "x 1\n",
  });
  fetch = serve(archive.access, [operations, ...protocols]);
});

const ask = (path: string, accept = "*/*"): Promise<Response> =>
  fetch(new Request(`http://inside.test/${path}`, { headers: { accept } }));
const page = async (path: string): Promise<string> => (await ask(path, "text/html,*/*;q=0.8")).text();

testProtocol("operations", async () => ({
  fetch,
  base: BASE,
  entities: ["", "docs", "redoc", "openapi.json", "problems", "?prefix=gr"],
  missing: ["nothing", "docs/", "openapi.yaml"],
  bad: ["?order=up", "?prefix=a&prefix=b"],
}));

test("pages are for browsers, JSON is for programs, and caches are told", async () => {
  for (const path of ["", "problems"]) {
    assert.match((await ask(path)).headers.get("content-type") ?? "", /json/);
    const response = await ask(path, "text/html,application/xhtml+xml,*/*;q=0.8");
    assert.match(response.headers.get("content-type") ?? "", /html/);
    assert.match(response.headers.get("vary") ?? "", /Accept(?:,|$)/);
  }
});

test("Accept is weighed by its most specific range", () => {
  const of = (accept: string): string =>
    favourite(new Request("http://a.test/", { headers: { accept } }), ["application/json", "text/html"]);
  assert.equal(of("*/*"), "application/json");
  assert.equal(of("text/*;q=0.5, */*;q=0.1"), "text/html");
  assert.equal(of("text/html;q=0.2, application/json;q=0.9"), "application/json");
  assert.equal(of("text/html;q=0, */*"), "application/json");
  assert.equal(of("image/png"), "application/json");
});

test("problems name files from the served folder on, and nothing that is secret", async () => {
  const { problems } = (await (await ask("problems")).json()) as { problems: { source: string; reason: string }[] };
  assert.deepEqual(
    problems.map(({ source, reason }) => [source, reason]),
    [
      ["archive/a b/x.nc", "4294967295 <dimensions>"],
      ["https://store.example/y.nc", "leads to archive/z.nc, which is not there"],
    ],
  );
  const text = await page("problems");
  assert.ok(text.includes("4294967295 &lt;dimensions&gt;"));
  assert.doesNotMatch(text, /secret|signature|user:word/);
});

test("without a root only the name of a local file is shown", () => {
  assert.equal(publicSource("file:///secret/place/a%20b.nc"), "a b.nc");
  assert.equal(publicSource("file:///secret/store.zarr/"), "store.zarr/");
  const root = [new URL("file:///secret/data")];
  assert.equal(publicSource("file:///secret/data/a/b.nc", root), "data/a/b.nc");
  assert.equal(publicSource("file:///secret/database/b.nc", root), "b.nc", "another folder, whose name begins alike");
  assert.equal(publicText("file:///secret/a.nc: wrong. See s3://bucket/key?x=1."), "a.nc: wrong. See s3://bucket/key.");
});

test("the home page lists datasets by prefix, and says when there are more", async () => {
  assert.ok((await page("")).includes(`href="${BASE}datasets/grid/"`));
  const none = await page('?prefix="><script>');
  assert.ok(none.includes("There are no datasets") && !none.includes("<script>"));
  const grid = await createGrid(archive, "many");
  for (let i = 0; i < 1001; i++) archive.add(`many.${i}`, grid);
  assert.match(await page("?prefix=many"), /The first 1,000 datasets/);
  assert.match(await page("?prefix=many.100"), /2 datasets/);
});

test("every operation that the OpenAPI document has is on the page, with a line to try", async () => {
  const { paths } = (await (await ask("openapi.json")).json()) as { paths: Record<string, object> };
  const [docs, redoc] = [await page("docs"), await page("redoc")];
  assert.ok(Object.keys(paths).length > 20);
  for (const path of Object.keys(paths)) {
    assert.ok(docs.includes(`<code>${path}</code>`), path);
    assert.ok(redoc.includes(`<code>${path}</code>`), path);
  }
  assert.ok(docs.includes(`curl &#39;${BASE}datasets/broken/info&#39;`));
  assert.doesNotMatch(docs + redoc, /<script|<(?:link|img|iframe)|src=/);
});

test("the OpenAPI document is of the version that is asked for", async () => {
  const type = (version: string): string => `application/vnd.oai.openapi+json;version=${version}`;
  for (const [accept, answered, openapi] of [
    ["*/*", /^application\/json/, "3.1.0"],
    [type("3.1"), /version=3\.1$/, "3.1.0"],
    [`${type("3.0")}, application/json`, /version=3\.0$/, "3.0.3"],
  ] as const) {
    const answer = await ask("openapi.json", accept);
    assert.match(answer.headers.get("content-type") ?? "", answered);
    assert.match(answer.headers.get("vary") ?? "", /\bAccept\b(?!-)/);
    assert.equal(((await answer.json()) as { openapi: string }).openapi, openapi);
  }
});

test("readyz answers 503 until the sources have been looked through; healthz always answers", async () => {
  readiness = { isReady: false, detail: "scanning", progress: { seen: 5 } };
  const early = await ask("readyz");
  assert.equal(early.status, 503);
  assert.ok(Number(early.headers.get("retry-after")) > 0);
  assert.deepEqual(await early.json(), { ready: false, detail: "scanning", progress: { seen: 5 } });
  assert.equal((await ask("healthz")).status, 200);
  readiness = { isReady: true, detail: "ready" };
  const late = await ask("readyz");
  assert.equal(late.status, 200);
  assert.equal(late.headers.get("cache-control"), "no-store");
  assert.match((await ask("metrics")).headers.get("content-type") ?? "", /^text\/plain; version=0\.0\.4/);
});
