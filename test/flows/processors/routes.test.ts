import assert from "node:assert/strict";
import { test } from "node:test";
import type { Access } from "../../../src/core/access.ts";
import { createApp } from "../../../src/http/app.ts";
import { createProcessorRoutes } from "../../../src/http/routes/packages/processors.ts";
import { setUp } from "./harness.ts";

test("/v1/processors, in the shapes and words of the founding system", async (t) => {
  const harness = await setUp(t);
  const loaded = await harness.processors({ founding: true });
  const app = createApp({
    access: {} as Access,
    protocols: [createProcessorRoutes({ processors: async () => loaded })],
    publicUrl: new URL("http://node.test/"),
  });
  const ask = async (path: string): Promise<[number, string, unknown]> => {
    const response = await app(new Request(`http://node.test/v1/processors${path}`));
    return [response.status, response.headers.get("content-type") ?? "", await response.json()];
  };
  const [status, type, all] = await ask("");
  assert.deepEqual([status, type.split(";")[0]], [200, "application/json"]);
  const datasets = all as { name: string; versions: { name: string }[] }[];
  assert.deepEqual(
    datasets.find(({ name }) => name === "natural_earth_vector")?.versions.map(({ name }) => name),
    ["natural_earth_vector.countries_10m", "natural_earth_vector.version_1"],
  );
  assert.equal(datasets.length, 10);
  const [, , one] = await ask("/gridfinder");
  assert.deepEqual(
    one,
    datasets.find(({ name }) => name === "gridfinder"),
  );
  const [, , version] = await ask("/gridfinder/version_1");
  assert.deepEqual((one as { versions: unknown[] }).versions, [version]);
  assert.deepEqual(Object.keys(version as object), [
    ...["name", "description", "version", "data_author", "data_title", "data_title_long", "data_summary"],
    ...["data_citation", "data_license", "data_origin_url", "data_formats"],
  ]);
  assert.deepEqual((version as { data_formats: unknown }).data_formats, ["GeoTIFF", "GEOPKG"]);
  for (const [path, text] of [
    ["/nothing", "no such processor: nothing"],
    ["/gridfinder/version_9", "no such processor version: gridfinder.version_9"],
    ["/test_processor", "no such processor: test_processor"],
  ] as const) {
    const [code, problem, body] = await ask(path);
    assert.deepEqual([code, problem], [404, "application/problem+json"]);
    assert.equal((body as { detail: string }).detail, text);
  }
});
