import assert from "node:assert/strict";
import { before, test } from "node:test";
import type { Answer } from "../../src/http/answer.ts";
import { createApp } from "../../src/http/app.ts";
import { all } from "../../src/protocols/all.ts";
import { createInfo } from "../../src/protocols/info.ts";
import { kerchunk } from "../../src/protocols/kerchunk.ts";
import { pathTemplate } from "../../src/protocols/openapi.ts";
import { createOperations } from "../../src/protocols/operations.ts";
import type { Protocol } from "../../src/protocols/protocol.ts";
import { zarr } from "../../src/protocols/zarr.ts";
import { createArchive } from "../protocols/archive.ts";
import { createGrid } from "../protocols/grid.ts";

const data: Protocol[] = [kerchunk, zarr, all, createInfo({ version: "1", plugins: new Map(), protocols: [] })];
const operations = createOperations({
  version: "1",
  protocols: data,
  problems: () => [],
  ready: () => ({ isReady: true, detail: "ready" }),
  metrics: () => "",
});
const protocols = [operations, ...data];
const answers: Answer[] = [];
let app: ReturnType<typeof createApp>;

before(async () => {
  const archive = await createArchive();
  archive.add("grid", await createGrid(archive));
  app = createApp({ access: archive.access, protocols, onAnswer: (answer) => answers.push(answer) });
});

/** What stands for the parameters of a route, so that it finds something. */
const VALUES: Readonly<Record<string, string>> = {
  id: "grid",
  key: ".zgroup",
  view: "zarr@vars=tas",
  group: "sub",
  path: ".zmetadata",
};
const routes = protocols.flatMap((protocol) => protocol.routes.map((route) => ({ protocol, route })));
const ask = (path: string, method: string): Promise<Response> =>
  app(new Request(`http://node.test${path}`, { method }));

for (const { protocol, route } of routes) {
  const path = pathTemplate(route.path).replace(/\{(\w+)\}/g, (_, name: string) => VALUES[name] ?? name);

  test(`${protocol.name} ${route.method} ${route.path}: HEAD, preflight and other methods`, async () => {
    assert.deepEqual([route.method, route.role], ["GET", "read"], "write routes need authentication first");
    answers.length = 0;
    const response = await ask(path, "GET");
    const body = await response.arrayBuffer();
    assert.ok([200, 308].includes(response.status), `${path}: ${response.status}`);
    assert.deepEqual(
      answers.map(({ method, route: at, status, bytes }) => [method, at, status, bytes]),
      [["GET", pathTemplate(route.path), response.status, body.byteLength]],
    );
    const head = await ask(path, "HEAD");
    assert.equal(head.status, response.status);
    assert.equal((await head.arrayBuffer()).byteLength, 0);
    assert.equal(head.headers.get("content-type"), response.headers.get("content-type"));
    for (const method of ["POST", "PUT", "PATCH", "DELETE"]) {
      const refused = await ask(path, method);
      assert.equal(refused.status, 405, method);
      assert.equal(refused.headers.get("allow"), "GET, HEAD, OPTIONS");
      assert.equal(refused.headers.get("content-type"), "application/problem+json");
    }
    const preflight = await ask(path, "OPTIONS");
    assert.equal(preflight.status, 204);
    assert.equal(preflight.headers.get("access-control-allow-methods"), "GET, HEAD, OPTIONS");
  });
}

test("no path is declared twice for one method", () => {
  const keys = routes.map(({ route }) => `${route.method} ${pathTemplate(route.path)}`);
  assert.equal(new Set(keys).size, keys.length);
});

test("where nothing is, every method finds nothing; an endless address is refused", async () => {
  for (const method of ["GET", "HEAD", "POST"]) assert.equal((await ask("/nothing/here", method)).status, 404);
  assert.equal((await ask(`/datasets?prefix=${"a".repeat(9000)}`, "GET")).status, 414);
});
