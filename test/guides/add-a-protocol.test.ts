import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { loadConfig } from "../../src/config.ts";
import { createNode } from "../../src/node.ts";
import { failureOf, filesOf, installed, typeErrorsOf } from "./guide.ts";

const FIXTURES = new URL("../fixtures/netcdf3/", import.meta.url);
const guide = filesOf("add-a-protocol.md");
const files = new Map<string, string | Uint8Array>([
  ...guide,
  ["archive/records.nc", readFileSync(new URL("records.nc", FIXTURES))],
]);

/** The guide speaks of a dataset tas of three dimensions; the fixture is records, with two. */
function ofFixture(text: string): string {
  return text.replaceAll("datasets/tas/", "datasets/records/").replaceAll("0,1:3,", "0,1:3").replaceAll("9,,", "9,");
}

test("the protocol of the guide is right by type, and passes the suite it names", (t) => {
  const folder = installed(t, new Map([...files, ["csv.test.ts", ofFixture(guide.get("csv.test.ts") ?? "")]]));
  assert.equal(typeErrorsOf(folder), "");
  assert.equal(failureOf(folder, "csv.test.ts"), undefined);
});

test("its answers are the values that the C library reads", async (t) => {
  const folder = installed(t, files);
  const config = { ...loadConfig(guide.get("gyre.yaml") ?? "", { GYRE_DATABASE: "none" }), rescanSeconds: 0 };
  const node = await createNode(config, { folder, isTransient: true });
  t.after(() => node.close());
  await node.scan();
  const get = (path: string): Promise<Response> => node.fetch(new Request(`http://node.test/${path}`));
  const expected = JSON.parse(readFileSync(new URL("expected.json", FIXTURES), "utf8")) as {
    records: { tas: { shape: [number, number]; dims: string[]; values: number[] } };
  };
  const { shape, dims, values } = expected.records.tas;
  const lines = (await (await get("datasets/records/csv/tas")).text()).trimEnd().split("\n");
  assert.equal(lines[0], `${dims.join(",")},tas`);
  assert.deepEqual(
    lines.slice(1),
    values.map((value, i) => `${Math.floor(i / shape[1])},${i % shape[1]},${value}`),
  );
  const some = await (await get("datasets/records/csv/tas?select=1,0:3:2")).text();
  assert.deepEqual(some.trimEnd().split("\n").slice(1), [`1,0,${values[shape[1]]}`, `1,2,${values[shape[1] + 2]}`]);
  const document = (await (await get("openapi.json")).json()) as { paths: object };
  assert.ok("/datasets/{id}/csv/{variable}" in document.paths);
  assert.match(await (await get("datasets/records/")).text(), /Values of/);
});
