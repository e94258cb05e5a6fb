import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { stringify } from "yaml";
import { syntheticItems } from "../../src/catalog/synthetic/items.ts";
import { loadConfig } from "../../src/config.ts";
import type { StacItem } from "../../src/core/stac.ts";
import type { Pool } from "../../src/db/database.ts";
import { connect } from "../../src/db/postgres.ts";
import { createNode } from "../../src/node.ts";
import { atEnd, until } from "../db/server-process.ts";
import { testServer } from "../services/postgres.ts";

export { atEnd, until };

/** An empty database of its own on the private server of this process: nodes in it share a log. */
export async function newDatabase(t: TestContext): Promise<string> {
  const address = await testServer();
  assert.ok("host" in address);
  const { host, port, user, password } = address;
  const name = `publication_${randomBytes(6).toString("hex")}`;
  const admin = await connect({ ...address, schema: "public", max: 1 });
  await admin.query(`create database ${name}`);
  atEnd(t, async () => {
    await admin.query(`drop database ${name} with (force)`);
    await admin.close();
  });
  return `postgres://${user}:${password}@${encodeURIComponent(host)}:${port}/${name}`;
}

/** A pool on a node's schema. */
export async function poolOf(t: TestContext, url: string, schema: string): Promise<Pool> {
  const pool = await connect({ url, schema, max: 2 });
  atEnd(t, () => pool.close());
  return pool;
}

export interface TestNode {
  readonly url: URL;
  /** What went wrong that was nobody's request. */
  readonly errors: readonly string[];
  readonly notices: readonly string[];
  get(path: string): Promise<Response>;
  json<T>(path: string): Promise<T>;
  send(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<Response>;
  /** Publishes items of one collection. */
  publish(items: readonly StacItem[]): Promise<void>;
  count(): Promise<number>;
  close(): Promise<void>;
}

/** A node on a free port, in this process. */
export async function startNode(t: TestContext, settings: object): Promise<TestNode> {
  const folder = mkdtempSync(join(tmpdir(), "gyre-publication-"));
  atEnd(t, () => rmSync(folder, { recursive: true, force: true, maxRetries: 10 }));
  const config = loadConfig(stringify({ listen: { port: 0 }, dataDir: join(folder, "data"), ...settings }));
  const errors: string[] = [];
  const notices: string[] = [];
  const node = await createNode(config, {
    folder,
    onError: (error, where) => errors.push(`${where}: ${(error as Error).message}`),
    onNotice: (message) => notices.push(message),
  });
  const server = await node.listen();
  await node.scan();
  let closed: Promise<void> | undefined;
  const close = (): Promise<void> => {
    closed ??= (async () => {
      await server.close(0);
      await node.close();
    })();
    return closed;
  };
  atEnd(t, close);
  const { url } = server;
  const get = (path: string): Promise<Response> => fetch(new URL(path, url));
  const json = async <T>(path: string): Promise<T> => (await (await get(path)).json()) as T;
  const send: TestNode["send"] = (method, path, body, headers = {}) =>
    fetch(new URL(path, url), {
      method,
      headers: { "Content-Type": "application/json", ...headers },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  return {
    url,
    errors,
    notices,
    get,
    json,
    send,
    async publish(items) {
      const body = { type: "FeatureCollection", features: items };
      const answer = await send("POST", `stac/collections/${items[0]?.collection}/items`, body);
      assert.equal(answer.status, 202, await answer.text());
    },
    count: async () => (await json<{ numberMatched: number }>("stac/search?limit=1")).numberMatched,
    close,
  };
}

/** Items of one collection; of each ten one is of a historical run. */
export function someItems(count: number, seed = 1): StacItem[] {
  return [...syntheticItems(count, seed, "CMIP6")];
}

export function isHistorical({ id }: StacItem): boolean {
  return id.includes(".historical.");
}

/** An item of a topic of its own choice. */
export function itemOf(id: string, experiment: string, properties: object = {}): StacItem {
  const [model = someItems(1)[0]!] = someItems(1);
  const facets = { "cmip6:mip_era": "CMIP6", "cmip6:experiment_id": experiment, "cmip6:source_id": "MODEL" };
  return {
    ...model,
    id,
    collection: "things",
    properties: { ...model.properties, ...facets, ...properties },
  } as StacItem;
}
