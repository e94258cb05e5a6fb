import assert from "node:assert/strict";
import { test } from "node:test";
import { Ajv2020 } from "ajv/dist/2020.js";
import type { Catalog, Writes } from "../../src/catalog/catalog.ts";
import type { Access } from "../../src/core/access.ts";
import { createApp } from "../../src/http/app.ts";
import { type OpenApi, type Operation, openapi } from "../../src/protocols/openapi.ts";
import { createStac } from "../../src/protocols/stac/stac.ts";
import { collection, item } from "../contract/catalog/node.ts";

const stac = createStac({ catalog: {} as Catalog, writes: {} as Writes, bodyBytes: 1000 });
const DOCUMENT = JSON.parse(JSON.stringify(openapi([stac], "1.0.0", new URL("http://node.test/")))) as OpenApi;
const OPERATIONS = Object.entries(DOCUMENT.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
);

function bodyOf(method: string, path: string, type: string): object {
  const operation = DOCUMENT.paths[path]?.[method] as Operation;
  return operation.requestBody?.content[type]?.schema as object;
}

test("every write has a body that is described, by media type; what is read and removed has none", () => {
  for (const { path, method, operation } of OPERATIONS) {
    const isWithBody = method !== "get" && method !== "delete";
    assert.equal(operation.requestBody !== undefined, isWithBody, `${method} ${path}`);
    for (const { schema } of Object.values(operation.requestBody?.content ?? {})) {
      assert.ok(Object.keys(schema as object).length > 0, `${method} ${path}`);
    }
  }
  const patch = DOCUMENT.paths["/stac/collections/{collection}/items/{item}"]?.patch?.requestBody?.content ?? {};
  assert.deepEqual(Object.keys(patch), [
    "application/merge-patch+json",
    "application/json-patch+json",
    "application/json",
  ]);
});

test("errors are problem documents, and every reference leads somewhere", () => {
  for (const { path, method, operation } of OPERATIONS) {
    for (const [status, { content = {} }] of Object.entries(operation.responses)) {
      if (status < "400") continue;
      assert.deepEqual(Object.keys(content), ["application/problem+json"], `${method} ${path} ${status}`);
      assert.deepEqual(content["application/problem+json"]?.schema, { $ref: "#/components/schemas/Problem" });
    }
    assert.ok("default" in operation.responses);
  }
  assert.ok(DOCUMENT.components.schemas.Problem);
});

test("the schemas are JSON Schema, and take what the node takes", async () => {
  const ajv = new Ajv2020({ strict: false });
  const accepts = (schema: object, value: unknown): boolean => ajv.compile(schema)(value) as boolean;
  const search = bodyOf("post", "/stac/search", "application/json");
  assert.ok(accepts(search, { collections: ["a"], limit: 3, filter: { op: "=", args: [{ property: "n" }, 1] } }));
  assert.ok(accepts(search, { collections: "a", sortby: [{ field: "n" }], fields: { include: ["id"] } }));
  assert.ok(!accepts(search, { limit: "3" }) && !accepts(search, { nonsense: 1 }));
  const counts = bodyOf("post", "/stac/aggregate", "application/json");
  assert.ok(accepts(counts, { aggregations: ["total_count"] }) && !accepts(counts, {}));
  const items = bodyOf("post", "/stac/collections/{collection}/items", "application/geo+json");
  assert.ok(accepts(items, item("a")) && accepts(items, { type: "FeatureCollection", features: [item("a")] }));
  assert.ok(!accepts(items, { type: "Feature" }) && !accepts(items, []));
  assert.ok(accepts(bodyOf("put", "/stac/collections/{collection}", "application/json"), collection("c")));
  const app = createApp({ access: {} as Access, protocols: [stac] });
  const problem = await (await app(new Request("http://node.test/stac/search?bbox=1"))).json();
  assert.ok(accepts(DOCUMENT.components.schemas.Problem as object, problem));
});

test("a node without a door describes no writes", () => {
  const { paths } = openapi([createStac({ catalog: {} as Catalog, bodyBytes: 1 })], "1", new URL("http://node.test/"));
  const methods = Object.values(paths).flatMap((of) => Object.keys(of));
  assert.deepEqual([...new Set(methods)].sort(), ["get", "post"]);
  assert.deepEqual(Object.keys(paths["/stac/collections"] ?? {}), ["get"]);
});
