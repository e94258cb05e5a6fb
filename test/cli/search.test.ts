import assert from "node:assert/strict";
import { once } from "node:events";
import { chmodSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { gyre, serving, temporary } from "./run.ts";

test("gyre search finds what gyre generate published, by words, filter, box, and all of it", async (t) => {
  const folder = temporary(t);
  // The private server of a root's test is another user, who keeps its files here as well.
  chmodSync(folder, 0o755);
  const node = serving(t, folder, ["--database", "embedded", "--data-dir", "data"]);
  const { url } = await node.event("listening");
  const search = (...argv: string[]) => gyre(folder, ["search", "--node", url, ...argv]);
  assert.equal((await search("--count")).out, "0\n");
  assert.equal((await gyre(folder, ["generate", "60", "--publish", "--node", url])).code, 0);
  for (let counted = 0; counted < 60; ) counted = Number((await search("--count")).out);

  const lines = async (...argv: string[]): Promise<string[]> => (await search(...argv)).out.trimEnd().split("\n");
  assert.equal((await lines("--all")).length, 60);
  assert.equal((await lines()).length, 10);
  const historical = await lines("--all", "--filter", "cmip6:experiment_id = 'historical'", "--json");
  assert.ok(historical.length > 5);
  for (const line of historical) assert.match((JSON.parse(line) as { id: string }).id, /\.historical\./);
  const cordex = await lines("--collection", "CORDEX-CMIP6", "--limit", "50");
  assert.equal(cordex.length, 6);
  for (const line of cordex) assert.match(line, /^CORDEX-CMIP6\/.* 1850-|^CORDEX-CMIP6\/.* 2015-/);
  assert.ok((await lines("precipitation", "--all")).length > 0);
  const sorted = await lines("--all", "--sortby=-size", "--json");
  const sizes = sorted.map((line) => (JSON.parse(line) as { properties: { size: number } }).properties.size);
  assert.deepEqual(
    sizes,
    sizes.toSorted((a, b) => b - a),
  );

  const wrong = await search("--filter", "a =");
  assert.equal(wrong.code, 1);
  assert.match(wrong.err, /answers 400/);
  assert.equal((await search("--limit", "0")).code, 2);
  assert.equal(await node.stop(), 0);
});

test("gyre search asks for page after page until it has what it wants", async (t) => {
  const folder = temporary(t);
  const server = createServer((request, response) => {
    const { searchParams } = new URL(request.url ?? "", "http://node.test");
    const at = Number(searchParams.get("token") ?? 0);
    const features = [at, at + 1].map((n) => ({ id: `i${n}`, collection: "c", properties: {} }));
    const next = { rel: "next", href: `https://public.test/stac/search?token=${at + 2}` };
    const page = { features: features.slice(0, Number(searchParams.get("limit"))), numberMatched: 9, links: [next] };
    response.setHeader("content-type", "application/json").end(JSON.stringify(page));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => server.close());
  const { port } = server.address() as AddressInfo;
  const ran = await gyre(folder, ["search", "--limit", "5", "--node", `http://127.0.0.1:${port}/`]);
  assert.deepEqual(ran.out.match(/i\d/g), ["i0", "i1", "i2", "i3", "i4"]);
  assert.match(ran.err, /5 of 9/);
});
