import assert from "node:assert/strict";
import { createServer, request } from "node:http";
import type { AddressInfo } from "node:net";
import { type TestContext, test } from "node:test";
import { createExternalProjection } from "../../src/catalog/external.ts";
import type { Payload } from "../../src/core/event.ts";
import { topicFilter } from "../../src/core/topic.ts";
import type { Database } from "../../src/db/database.ts";
import { BEGINNING, type Recorded } from "../../src/log/event-log.ts";
import { createHttpLog } from "../../src/log/http.ts";
import { item, messageOf, post } from "../contract/catalog/node.ts";
import { CALL } from "../log/following.ts";
import { atEnd, itemOf, newDatabase, someItems, startNode, type TestNode, until } from "./nodes.ts";

/** Two nodes that know nothing of each other: one publishes, the other is somebody's STAC API. */
async function pair(t: TestContext): Promise<{ source: TestNode; target: TestNode }> {
  const target = await startNode(t, { name: "target", database: await newDatabase(t) });
  const source = await startNode(t, {
    name: "source",
    database: await newDatabase(t),
    follow: [{}, { target: `${target.url}stac` }],
  });
  return { source, target };
}

const NO_DATABASE = {} as Database;

async function sent(node: TestNode, method: string, path: string, body?: object): Promise<void> {
  const answer = await node.send(method, `stac/collections/${path}`, body, { Prefer: "wait=30" });
  assert.ok(answer.ok, await answer.text());
}

type Titled = { readonly properties: { readonly title?: string } };

test("every change goes to an external catalogue, in its order", async (t) => {
  const { source, target } = await pair(t);
  await source.publish(someItems(20));
  await until(async () => (await target.count()) === 20);
  await sent(source, "POST", "things/items", itemOf("a", "historical"));
  await sent(source, "PATCH", "things/items/a", { properties: { title: "patched" } });
  const titleOf = async (): Promise<string | undefined> =>
    (await target.json<Partial<Titled>>("stac/collections/things/items/a")).properties?.title;
  await until(async () => (await titleOf()) === "patched");
  await sent(source, "PUT", "things/items/a", itemOf("a", "historical", { title: "put" }));
  await until(async () => (await titleOf()) === "put");
  await sent(source, "DELETE", "things/items/a");
  await until(async () => (await target.get("stac/collections/things/items/a")).status === 404);
  assert.deepEqual((await source.json<{ errors: unknown[] }>("events/errors")).errors, []);
});

/** A way to a node that forgets the names of writes, as other catalogues never knew them. */
async function forgetful(t: TestContext, node: TestNode): Promise<URL> {
  const server = createServer((incoming, answer) => {
    const { "idempotency-key": _, ...headers } = incoming.headers;
    // It answers when it has done what it was asked for.
    const options = { method: incoming.method, headers: { ...headers, prefer: "wait=30" } };
    const out = request(new URL(incoming.url ?? "", node.url), options, (reply) => {
      answer.writeHead(reply.statusCode ?? 500, reply.headers);
      reply.pipe(answer);
    });
    incoming.pipe(out);
  }).listen(0, "127.0.0.1");
  await new Promise((done) => server.once("listening", done));
  atEnd(t, () => {
    server.closeAllConnections();
    server.close();
  });
  return new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/stac/`);
}

test("what a crash repeats is recognised, also where writes have no names", async (t) => {
  const target = await startNode(t, { name: "target", database: await newDatabase(t) });
  const source = await startNode(t, { name: "source", database: await newDatabase(t) });
  await sent(source, "POST", "things/items", itemOf("a", "historical"));
  await sent(source, "PATCH", "things/items/a", { properties: { title: "patched" } });
  await sent(source, "POST", "things/items", itemOf("b", "historical"));
  await sent(source, "DELETE", "things/items/b");
  const log = createHttpLog(new URL("events", source.url));
  const history = await Array.fromAsync(log.read({ from: BEGINNING }, CALL));
  const messages = history.flatMap((batch) => [...batch.messages]);
  assert.equal(messages.length, 4);
  for (const api of [new URL("stac", target.url), await forgetful(t, target)]) {
    for (const message of messages) {
      // Whoever was killed between the request and its commit begins again with the same.
      for (let time = 0; time < 3; time++) {
        const projection = createExternalProjection({ name: "x", topics: topicFilter(".*"), api });
        assert.deepEqual(await projection.apply([message], NO_DATABASE), [], `${api} ${message.id}`);
        if (api.pathname === "/stac") {
          const settled = async (): Promise<boolean> =>
            (await target.json<{ status: string }>(`events/${message.id}`)).status === "applied";
          await until(settled);
        }
      }
    }
    const answer = await target.json<Titled>("stac/collections/things/items/a");
    assert.equal(answer.properties.title, "patched");
    assert.equal(await target.count(), 1);
    await sent(target, "DELETE", "things/items/a");
  }
});

/** Somebody's STAC API, as far as `answer` goes. */
async function api(
  t: TestContext,
  answer: (asked: Readonly<Record<"method" | "path" | "body" | "authorization", string>>) => number | "hangs up",
): Promise<URL> {
  const server = createServer((incoming, reply) => {
    const parts: Buffer[] = [];
    incoming.on("data", (part: Buffer) => parts.push(part));
    incoming.on("end", () => {
      const { method = "", url: path = "", headers } = incoming;
      const { authorization = "" } = headers;
      const status = answer({ method, path, authorization, body: String(Buffer.concat(parts)) });
      if (status === "hangs up") incoming.socket.destroy();
      else reply.writeHead(status).end("{}");
    });
  }).listen(0, "127.0.0.1");
  await new Promise((done) => server.once("listening", done));
  atEnd(t, () => server.close());
  return new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/stac`);
}

function recorded(...payloads: readonly Payload[]): Recorded[] {
  return payloads.map((payload) => ({ ...messageOf(payload), partition: "0", offset: 0, time: new Date(0) }));
}

test("one document that a catalogue fails at does not hold up the others", async (t) => {
  const taken: string[] = [];
  let isAway = false;
  const root = await api(t, ({ method, body }) => {
    if (isAway || (method === "POST" && body.includes('"poison"'))) return 500;
    if (method === "POST") taken.push(JSON.parse(body).id);
    return 200;
  });
  const messages = recorded(...["one", "poison", "two"].map((id) => post(item(id, { collection: "things" }))));
  const projection = createExternalProjection({ name: "x", topics: topicFilter(".*"), api: root });
  const failures = await projection.apply(messages, NO_DATABASE);
  assert.deepEqual(
    failures.map(({ message, type }) => [message.key, type]),
    [["things/poison", "stac_server"]],
  );
  assert.deepEqual(taken.sort(), ["one", "two"]);
  isAway = true;
  await assert.rejects(projection.apply(messages, NO_DATABASE), { name: "GyreError(Busy)" });
});

test("nor does one that it hangs up on, again and again; a catalogue that is away is waited for", async (t) => {
  let isAway = true;
  const root = await api(t, ({ body }) => (isAway || body.includes('"poison"') ? "hangs up" : 200));
  const messages = recorded(...["one", "poison", "two"].map((id) => post(item(id, { collection: "things" }))));
  const projection = createExternalProjection({ name: "x", topics: topicFilter(".*"), api: root });
  const busy = { name: "GyreError(Busy)", message: /does not answer/ };
  for (let time = 0; time < 20; time++) await assert.rejects(projection.apply(messages, NO_DATABASE), busy);
  isAway = false;
  for (let time = 1; time < 8; time++) await assert.rejects(projection.apply(messages, NO_DATABASE), busy);
  const failures = await projection.apply(messages, NO_DATABASE);
  assert.deepEqual(
    failures.map(({ message }) => message.key),
    ["things/poison"],
  );
});

test("a catalogue that lets nobody in is waited for: no document is to blame", async (t) => {
  const root = await api(t, ({ authorization }) => (authorization === "Bearer open sesame" ? 200 : 401));
  const messages = recorded(post(item("a")));
  const options = { name: "x", topics: topicFilter(".*"), api: root };
  for (const token of [undefined, "guess"]) {
    const work = createExternalProjection({ ...options, token }).apply(messages, NO_DATABASE);
    await assert.rejects(work, { name: "GyreError(Busy)", message: /answers 401/ });
  }
  const allowed = createExternalProjection({ ...options, token: "open sesame" });
  assert.deepEqual(await allowed.apply(messages, NO_DATABASE), []);
});

test("no name of a document leads elsewhere in a catalogue", async (t) => {
  const asked: string[] = [];
  const root = await api(t, ({ method, path }) => {
    asked.push(`${method} ${path}`);
    return 200;
  });
  const projection = createExternalProjection({ name: "x", topics: topicFilter(".*"), api: root });
  const gone = (collection_id: string, item_id: string): Payload => ({ method: "DELETE", collection_id, item_id });
  const messages = recorded(gone("c", ".."), gone("c", "."), gone("..", "a"), gone("c", "../a?b#c"));
  const failures = await projection.apply(messages, NO_DATABASE);
  assert.deepEqual(
    failures.map(({ message }) => message.key),
    ["c/..", "c/.", "../a"],
  );
  assert.deepEqual(asked, ["DELETE /stac/collections/c/items/..%2Fa%3Fb%23c"]);
});
