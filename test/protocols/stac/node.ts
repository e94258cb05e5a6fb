import assert from "node:assert/strict";
import { after } from "node:test";
import type { Catalog, Writes } from "../../../src/catalog/catalog.ts";
import { createCatalog } from "../../../src/catalog/postgres-catalog.ts";
import { createCatalogProjection } from "../../../src/catalog/projection.ts";
import { createValidator } from "../../../src/catalog/validate/validator.ts";
import { withValidation } from "../../../src/catalog/with-validation.ts";
import { createWrites } from "../../../src/catalog/writes.ts";
import type { Access } from "../../../src/core/access.ts";
import type { StacItem } from "../../../src/core/stac.ts";
import { ALL_TOPICS, topicTemplate } from "../../../src/core/topic.ts";
import type { Pool } from "../../../src/db/database.ts";
import { type AppOptions, createApp } from "../../../src/http/app.ts";
import { follow } from "../../../src/log/follow.ts";
import { createMemoryLog } from "../../../src/log/memory.ts";
import { createIngest } from "../../../src/protocols/stac/ingest.ts";
import { createStac, type StacOptions } from "../../../src/protocols/stac/stac.ts";
import { CALL } from "../../contract/catalog/node.ts";
import { type Ending, testDatabase } from "../../services/postgres.ts";

export const ROOT = "http://node.test";
const NO_SCHEMAS = { read: async () => undefined, write: async () => undefined, list: async () => [] };

/** Everything that is read of item `a` in collection `c`, once each. */
export const PATHS = [
  ...["", "/conformance", "/collections", "/children", "/search", "/queryables", "/aggregations"],
  ...["/aggregate?aggregations=total_count", "/collections/c", "/collections/c/items", "/collections/c/items/a"],
  ...["/collections/c/queryables", "/collections/c/aggregations", "/collections/c/aggregate?aggregations=total_count"],
].map((path) => `/stac${path}`);

/** What an answer was, read to its end. */
export interface Answer<Body = Json> {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Body;
}
// biome-ignore lint/suspicious/noExplicitAny: what a node answers is looked into member by member
export type Json = any;

export interface StacNode {
  readonly catalog: Catalog;
  readonly writes: Writes;
  readonly pool: Pool;
  fetch(request: Request): Promise<Response>;
  /** The JSON of an answer; an address without a host is one of this node. */
  ask(path: string, init?: RequestInit): Promise<Answer>;
  /** A JSON body is sent as such; what is written is waited for. */
  send(method: string, path: string, body?: unknown, headers?: Readonly<Record<string, string>>): Promise<Answer>;
  /** Accepts and applies items, past HTTP. */
  publish(items: readonly StacItem[]): Promise<void>;
}

/** A node's catalogue behind HTTP, with a follower that applies what its door accepts, until the test ends. */
export async function stacNode(
  ending: Ending,
  options: Partial<StacOptions> & Partial<AppOptions> & { readonly isReadOnly?: boolean } = {},
): Promise<StacNode> {
  const pool = await testDatabase(ending, { migrations: ["node"], max: 10 });
  const log = createMemoryLog();
  const catalog = createCatalog(pool, { countMs: 60_000 });
  const door = createWrites({ pool, log, topic: topicTemplate() });
  const validator = createValidator({ store: NO_SCHEMAS, policyOf: () => ({ level: "off" }) });
  const writes = withValidation(door, validator, catalog);
  const stop = new AbortController();
  const projection = createCatalogProjection({ topics: ALL_TOPICS });
  const following = follow(
    { log, db: pool, projection, node: "test", owner: "test" },
    { ...CALL, signal: stop.signal },
  );
  ending.after(async () => {
    await door.close();
    stop.abort();
    await following;
  });
  const { isReadOnly = false, publicUrl, trustForwarded = false, ...rest } = options;
  const stac: StacOptions = { catalog, ...(isReadOnly ? {} : { writes }), bodyBytes: 1 << 20, ...rest };
  const app = createApp({
    access: {} as Access,
    protocols: [createStac(stac), ...(isReadOnly ? [] : [createIngest(stac)])],
    trustForwarded,
    ...(publicUrl === undefined ? {} : { publicUrl }),
    onError(error) {
      throw error;
    },
  });
  const ask: StacNode["ask"] = async (path, init) => {
    const response = await app(new Request(new URL(path, ROOT), init));
    const text = await response.text();
    const isJson = /[/+]json\b/.test(response.headers.get("content-type") ?? "");
    return {
      status: response.status,
      headers: response.headers,
      body: isJson && text !== "" ? JSON.parse(text) : text,
    };
  };
  return {
    catalog,
    writes,
    pool,
    fetch: app,
    ask,
    send: (method, path, body, headers = {}) =>
      ask(path, {
        method,
        headers: {
          prefer: "wait=30",
          ...(body === undefined ? {} : { "content-type": "application/json" }),
          ...headers,
        },
        ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
      }),
    async publish(items) {
      const accepted = await writes.accept(
        items.map((one) => ({
          payload: { method: "POST", collection_id: one.collection as string, item: one },
          requester: { client_id: "test", iss: "", sub: "test" },
          requestId: "test",
          publisher: { package: "test", version: "1" },
        })),
        CALL,
      );
      const ids = accepted.map(({ event_id }) => event_id);
      const oneThat = async (is: string): Promise<string | undefined> => {
        const text = `select event_id from outcome where event_id = any($1) and ${is} limit 1`;
        return (await pool.query<{ event_id: string }>(text, [ids]))[0]?.event_id;
      };
      for (let id = await oneThat("applied is null"); id !== undefined; id = await oneThat("applied is null")) {
        await writes.settled(id, 60_000, CALL);
      }
      assert.equal(await oneThat("problem is not null"), undefined);
    },
  };
}

/** What the tests of a suite share ends with it, last first. To be called in the suite. */
export function suiteEnding(): Ending {
  const works: (() => Promise<void>)[] = [];
  after(async () => {
    for (const work of works.reverse()) await work();
  });
  return { after: (work) => void works.push(work) };
}

/** A problem document (RFC 9457) of this status; answers its members. */
export function assertProblem({ status, headers, body }: Answer, expected: number, detail?: RegExp): Json {
  assert.equal(status, expected, JSON.stringify(body));
  assert.equal(headers.get("content-type"), "application/problem+json");
  assert.equal(body.status, expected);
  for (const member of ["type", "title", "detail"]) assert.equal(typeof body[member], "string", member);
  if (detail !== undefined) assert.match(body.detail, detail);
  return body;
}

export function linkOf(document: Json, rel: string, method = "GET"): Json {
  return document.links.find((link: Json) => link.rel === rel && (link.method ?? "GET") === method);
}

export function idsOf(page: Json): string[] {
  return page.features.map(({ id }: Json) => id);
}
