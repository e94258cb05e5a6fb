import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:net";
import { test } from "node:test";
import type { Access } from "../../src/core/access.ts";
import { type Answer, counted } from "../../src/http/answer.ts";
import { createApp } from "../../src/http/app.ts";
import { listen } from "../../src/http/listen.ts";
import type { Protocol, RouteCall } from "../../src/protocols/protocol.ts";

const get = (path: string, handle: (call: RouteCall) => Promise<Response>): Protocol["routes"][number] => {
  return { method: "GET", path, summary: path, responses: {}, role: "read", handle };
};

test("a client that goes away stops the work; a tag of a compressed form is understood over a socket", async (t) => {
  const started = Promise.withResolvers<void>();
  const stopped = Promise.withResolvers<void>();
  const routes = [
    get("/tag", async ({ request }) => new Response(request.headers.get("if-none-match"))),
    get("/slow", async ({ call }) => {
      const { signal } = call;
      signal?.addEventListener("abort", () => stopped.resolve());
      started.resolve();
      await stopped.promise;
      return new Response("too late");
    }),
  ];
  const protocols = [{ name: "t", summary: "", conformsTo: [], routes }];
  const server = await listen(createApp({ access: {} as Access, protocols }), { host: "127.0.0.1", port: 0 });
  t.after(() => server.close(0));

  const tagged = await fetch(new URL("tag", server.url), { headers: { "if-none-match": '"v-gzip"' } });
  assert.equal(await tagged.text(), '"v"');

  const client = new AbortController();
  const asked = fetch(new URL("slow", server.url), { signal: client.signal });
  await started.promise;
  client.abort();
  await assert.rejects(asked, { name: "AbortError" });
  await stopped.promise;
});

test("a connection on which nothing moves is cut", async (t) => {
  const app = async (): Promise<Response> => new Response("");
  const server = await listen(app, { host: "127.0.0.1", port: 0, idleMs: 20 });
  t.after(() => server.close(0));
  const socket = connect(Number(server.url.port), "127.0.0.1");
  socket.resume();
  await once(socket, "close");
});

test("streams are counted to their end, or to where the client left", async () => {
  const request = new Request("http://a.test/");
  const stream = (): Response =>
    new Response(ReadableStream.from([new Uint8Array(10), new Uint8Array(20), new Uint8Array(30)]));
  const told: Answer["bytes"][] = [];
  await counted(request, stream(), (bytes) => told.push(bytes)).arrayBuffer();
  const reader = counted(request, stream(), (bytes) => told.push(bytes)).body?.getReader();
  await reader?.read();
  await reader?.cancel();
  assert.equal(told[0], 60);
  assert.ok(told.length === 2 && (told[1] as number) < 60);
  const broken = new Response(
    new ReadableStream({
      pull: (controller) => controller.error(new Error("lost")),
    }),
  );
  await assert.rejects(counted(request, broken, (bytes) => told.push(bytes)).arrayBuffer(), /lost/);
  assert.deepEqual(told.slice(2), [0]);
});
