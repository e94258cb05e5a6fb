import assert from "node:assert/strict";
import { test } from "node:test";
import { z } from "zod";
import type { Access } from "../../src/core/access.ts";
import { GyreError } from "../../src/errors.ts";
import { createApp } from "../../src/http/app.ts";
import { baseOf } from "../../src/http/base.ts";
import { openapi } from "../../src/protocols/openapi.ts";
import type { Protocol, RouteCall } from "../../src/protocols/protocol.ts";

const text = (body: string, headers: Record<string, string> = {}): Response =>
  new Response(body, {
    headers: { "Content-Type": "text/plain", "Content-Length": String(body.length), ETag: '"v1"', ...headers },
  });

const handlers: Readonly<Record<string, (call: RouteCall) => Promise<Response>>> = {
  "/long": async () => text("x".repeat(5000)),
  "/tag": async ({ request }) => text(request.headers.get("if-none-match") ?? "none"),
  "/same": async () => new Response(null, { status: 304, headers: { ETag: '"v1"' } }),
  "/base": async ({ base }) => text(base.href),
  "/things/:id/:key{.+}": async ({ params }) => text(`${params.id} ${params.key}`),
  "/limited": async ({ query }) => text(JSON.stringify(query)),
  "/broken": async () => {
    throw new Error("secret detail");
  },
  "/denied": async () => {
    const allowed = ["file:///secret/archive/"];
    throw new GyreError("Denied", `file:///etc/passwd is outside the allowed prefixes (${allowed})`, { allowed });
  },
  "/busy": async () => {
    throw new GyreError("Busy", "the tape is being mounted", { retryAfter: 10800 });
  },
};

const protocol: Protocol = {
  name: "test",
  summary: "routes of the test",
  conformsTo: [],
  routes: Object.entries(handlers).map(([path, handle]) => ({
    method: "GET",
    path,
    summary: path,
    responses: { 200: { description: "text", types: ["text/plain"] } },
    role: "read",
    ...(path === "/limited" ? { query: z.strictObject({ limit: z.coerce.number().max(10).optional() }) } : {}),
    handle,
  })),
};
const errors: unknown[] = [];
const app = createApp({
  access: {} as Access,
  protocols: [protocol],
  onError: (error) => errors.push(error),
});
const get = (path: string, headers: Record<string, string> = {}, method = "GET"): Promise<Response> =>
  app(new Request(`http://node.test${path}`, { headers, method }));

test("long texts are compressed for who takes it, and the tag says so", async () => {
  const plain = await get("/long");
  assert.equal(plain.headers.get("content-encoding"), null);
  assert.equal(plain.headers.get("vary"), "Accept-Encoding");
  const zipped = await get("/long", { "accept-encoding": "gzip, deflate" });
  assert.equal(zipped.headers.get("content-encoding"), "gzip");
  assert.equal(zipped.headers.get("etag"), '"v1-gzip"');
  const refused = await get("/long", { "accept-encoding": "zstd;q=0, identity" });
  assert.equal(refused.headers.get("content-encoding"), null);
  assert.equal(await (await get("/tag", { "if-none-match": '"v1-gzip", "v2"' })).text(), '"v1", "v2"');
  const head = await get("/long", { "accept-encoding": "gzip" }, "HEAD");
  assert.deepEqual(
    ["etag", "content-encoding", "content-length"].map((name) => head.headers.get(name)),
    ['"v1-gzip"', "gzip", null],
    "HEAD names the form that GET sends",
  );
  const same = await get("/same", { "if-none-match": '"v1-gzip"', "accept-encoding": "gzip" });
  assert.deepEqual([same.status, same.headers.get("etag")], [304, '"v1-gzip"']);
  assert.match(same.headers.get("vary") ?? "", /Accept-Encoding/);
  assert.equal(
    (await get("/same", { "if-none-match": '"v1"', "accept-encoding": "gzip" })).headers.get("etag"),
    '"v1"',
  );
});

test("HEAD answers as GET does, without the body", async () => {
  const head = await get("/tag", {}, "HEAD");
  assert.equal(head.status, 200);
  assert.equal(head.headers.get("content-length"), "4");
  assert.equal(await head.text(), "");
});

test("every answer carries CORS, and preflight is answered", async () => {
  assert.equal((await get("/nowhere")).headers.get("access-control-allow-origin"), "*");
  const preflight = await get("/tag", {}, "OPTIONS");
  assert.equal(preflight.status, 204);
  assert.match(preflight.headers.get("access-control-allow-methods") ?? "", /GET/);
});

test("path parameters are decoded once; other methods and unknown paths are problems", async () => {
  assert.equal(await (await get("/things/a%20b/x/%2525")).text(), "a b x/%25");
  const wrong = await get("/tag", {}, "POST");
  assert.equal(wrong.status, 405);
  assert.equal(wrong.headers.get("allow"), "GET, HEAD, OPTIONS");
  const missing = await get("/things");
  assert.equal(missing.status, 404);
  assert.equal(missing.headers.get("content-type"), "application/problem+json");
});

test("query parameters are checked: unknown, wrong and repeated ones are refused by name", async () => {
  assert.equal(await (await get("/limited?limit=3")).text(), '{"limit":3}');
  for (const [query, name] of [
    ["limit=11", "^query parameter limit: "],
    ["limit=1&limit=2", "^parameter limit is given twice"],
    ["other=1&more=2", "^there is no query parameter other, more$"],
  ] as const) {
    const response = await get(`/limited?${query}`);
    assert.equal(response.status, 400);
    assert.match(((await response.json()) as { detail: string }).detail, new RegExp(name));
  }
});

test("our own faults say nothing of the inside and are reported; Busy carries Retry-After", async () => {
  const broken = await get("/broken");
  assert.equal(broken.status, 500);
  assert.doesNotMatch(await broken.text(), /secret/);
  assert.match(String(errors.at(-1)), /secret detail/);
  const denied = await get("/denied");
  assert.equal(denied.status, 403);
  assert.doesNotMatch(await denied.text(), /secret|etc/);
  const busy = await get("/busy");
  assert.equal(busy.status, 503);
  assert.equal(busy.headers.get("retry-after"), "10800");
});

test("the base comes from publicUrl, else from forwarding headers when they are trusted", async () => {
  const forwarded = {
    "x-forwarded-proto": "https",
    "x-forwarded-host": "data.example",
    "x-forwarded-prefix": "/gyre/",
  };
  const request = new Request("http://127.0.0.1:8080/x", { headers: forwarded });
  assert.equal(baseOf(request, {}).href, "http://127.0.0.1:8080/");
  assert.equal(baseOf(request, { trustForwarded: true }).href, "https://data.example/gyre/");
  assert.equal(baseOf(request, { trustForwarded: true, publicUrl: new URL("https://a.b/c") }).href, "https://a.b/c/");
  const evil = new Request("http://127.0.0.1/", { headers: { "x-forwarded-host": "a.b/?x=" } });
  assert.throws(() => baseOf(evil, { trustForwarded: true }), /X-Forwarded/);
});

test("the OpenAPI document names each declared route with its parameters", () => {
  const { paths, info } = openapi([protocol], "1.2.3", new URL("http://node.test/"));
  assert.equal(info.version, "1.2.3");
  assert.deepEqual(
    paths["/things/{id}/{key}"]?.get?.parameters.map((p) => `${p.in} ${p.name}`),
    ["path id", "path key"],
  );
  assert.deepEqual(paths["/limited"]?.get?.parameters[0]?.name, "limit");
  assert.equal(Object.keys(paths).length, Object.keys(handlers).length);
});
