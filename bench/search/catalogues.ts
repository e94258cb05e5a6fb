import { execFile } from "node:child_process";
import { createReadStream, createWriteStream, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { syntheticItems } from "../../src/catalog/synthetic/items.ts";
import type { StacItem } from "../../src/core/stac.ts";
import { IMAGERY, imageryItems } from "../imagery.ts";
import { type Server, startGyre, startPgstac } from "../servers.ts";
import type { Postgres } from "./postgres.ts";

const OURS = "gyre";
const THEIRS = "pgstac";
/** Items of a request, and requests at once, when ours is filled through its door. */
const EACH = 500;
const AT_ONCE = 4;
const POLL_MS = 100;

export interface Filled {
  readonly itemsPerSecond: number;
  readonly megabytes: number;
  /** Of these what the event log takes. */
  readonly logMegabytes?: number;
}

/** Half climate records, which share a box around the world, half scenes, which are small; one after the other. */
function* mixed(count: number): Generator<StacItem> {
  const scenes = imageryItems(count >> 1, 1);
  for (const record of syntheticItems(count - (count >> 1), 1, "CMIP6")) {
    yield record;
    const scene = scenes.next();
    if (!scene.done) yield scene.value;
  }
}

/** The items of both sides as lines, written once. */
export async function itemsFile(folder: string, count: number): Promise<string> {
  const file = join(folder, "items.ndjson");
  if (existsSync(join(folder, "items.complete"))) return file;
  mkdirSync(folder, { recursive: true });
  const lines = function* (): Generator<string> {
    for (const item of mixed(count)) yield `${JSON.stringify(item)}\n`;
  };
  await pipeline(Readable.from(lines()), createWriteStream(file));
  writeFileSync(join(folder, "items.complete"), String(count));
  return file;
}

export function openOurs(postgres: Postgres, folder: string): Promise<Server> {
  const empty = join(folder, "empty");
  const dataDir = join(folder, "node");
  mkdirSync(empty, { recursive: true });
  mkdirSync(dataDir, { recursive: true });
  return startGyre(empty, { dataDir, env: { GYRE_DATABASE: postgres.url(OURS).href } });
}

export function openTheirs(postgres: Postgres, python: string): Promise<Server> {
  return startPgstac(python, postgres.env(THEIRS));
}

/** Makes and fills a database unless it is there already; the figures of when it was filled are kept beside it. */
async function once(folder: string, name: string, fill: () => Promise<Filled>): Promise<Filled> {
  const kept = join(folder, `${name}.json`);
  if (existsSync(kept)) return JSON.parse(readFileSync(kept, "utf8")) as Filled;
  const filled = await fill();
  writeFileSync(kept, JSON.stringify(filled));
  return filled;
}

async function emptied(postgres: Postgres, database: string): Promise<void> {
  await postgres.query("postgres", `drop database if exists ${database} with (force)`);
  await postgres.query("postgres", `create database ${database}`);
}

async function megabytesOf(postgres: Postgres, database: string): Promise<number> {
  await postgres.query(database, "vacuum analyze");
  const [row] = await postgres.query<{ bytes: string }>(
    database,
    "select pg_database_size(current_database()) as bytes",
  );
  return Number(row?.bytes) / 1e6;
}

/** Through the door, as anybody publishes: validated, in the log, and applied. The time ends when all can be found. */
export function fillOurs(postgres: Postgres, folder: string, items: string, count: number): Promise<Filled> {
  return once(folder, OURS, async () => {
    await emptied(postgres, OURS);
    const server = await openOurs(postgres, folder);
    try {
      const start = performance.now();
      const requests = requestsOf(items);
      await Promise.all(Array.from({ length: AT_ONCE }, () => sendAll(requests, server.url)));
      while ((await matchedOf(server.url)) < count) await sleep(POLL_MS);
      const itemsPerSecond = count / ((performance.now() - start) / 1000);
      const megabytes = await megabytesOf(postgres, OURS);
      const [log] = await postgres.query<{ bytes: string }>(
        OURS,
        "select sum(pg_total_relation_size(oid)) as bytes from pg_class where relkind = 'r' and relnamespace = 'log'::regnamespace",
      );
      return { itemsPerSecond, megabytes, logMegabytes: Number(log?.bytes) / 1e6 };
    } finally {
      await server.stop();
    }
  });
}

interface Post {
  readonly collection: string;
  readonly body: string;
}

/** Lines are sent as they are, never parsed. */
async function* requestsOf(file: string): AsyncGenerator<Post> {
  const open = new Map<string, string[]>();
  const post = (collection: string, features: readonly string[]): Post => {
    return { collection, body: `{"type":"FeatureCollection","features":[${features.join()}]}` };
  };
  for await (const line of createInterface({ input: createReadStream(file) })) {
    const collection = line.includes(`"collection":"${IMAGERY}"`) ? IMAGERY : "CMIP6";
    const features = open.get(collection) ?? [];
    features.push(line);
    open.set(collection, features);
    if (features.length < EACH) continue;
    open.delete(collection);
    yield post(collection, features);
  }
  for (const [collection, features] of open) yield post(collection, features);
}

async function sendAll(requests: AsyncGenerator<Post>, base: URL): Promise<void> {
  for (let next = await requests.next(); !next.done; next = await requests.next()) {
    const { collection, body } = next.value;
    const headers = { "Content-Type": "application/json" };
    const answer = await fetch(new URL(`stac/collections/${collection}/items`, base), {
      method: "POST",
      headers,
      body,
    });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`ours answers ${answer.status} to a POST: ${text.slice(0, 300)}`);
  }
}

async function matchedOf(base: URL): Promise<number> {
  const answer = await fetch(new URL("stac/search?limit=1", base));
  return ((await answer.json()) as { numberMatched?: number }).numberMatched ?? 0;
}

/** What its operator says that is asked for: else it sorts numbers as text, and looks at every item for a property. */
const QUERYABLES = `
  set search_path to pgstac, public;
  insert into queryables (name, definition, property_wrapper, property_index_type) values
    ('eo:cloud_cover', '{"type": "number"}', 'to_float', 'BTREE'),
    ('cmip6:source_id', '{"type": "string"}', 'to_text', 'BTREE'),
    ('cmip6:experiment_id', '{"type": "string"}', 'to_text', 'BTREE'),
    ('cmip6:variable_id', '{"type": "string"}', 'to_text', 'BTREE')`;

/** By pypgstac's own loader, straight into the tables. */
export function fillTheirs(
  postgres: Postgres,
  folder: string,
  items: string,
  count: number,
  python: string,
): Promise<Filled> {
  return once(folder, THEIRS, async () => {
    await emptied(postgres, THEIRS);
    const env = { ...process.env, ...postgres.env(THEIRS) };
    const pypgstac = (...argv: readonly string[]): Promise<unknown> =>
      promisify(execFile)(join(dirname(python), "pypgstac"), argv, { env, maxBuffer: 2 ** 28 });
    await pypgstac("migrate");
    await postgres.query(THEIRS, QUERYABLES);
    const collections = join(folder, "collections.ndjson");
    writeFileSync(collections, [IMAGERY, "CMIP6"].map((id) => `${JSON.stringify(collectionOf(id))}\n`).join(""));
    await pypgstac("load", "collections", collections, "--method", "insert");
    const start = performance.now();
    await pypgstac("load", "items", items, "--method", "insert");
    const itemsPerSecond = count / ((performance.now() - start) / 1000);
    return { itemsPerSecond, megabytes: await megabytesOf(postgres, THEIRS) };
  });
}

function collectionOf(id: string): object {
  return {
    type: "Collection",
    stac_version: "1.1.0",
    id,
    description: id,
    license: "other",
    links: [],
    extent: { spatial: { bbox: [[-180, -90, 180, 90]] }, temporal: { interval: [["1850-01-01T00:00:00Z", null]] } },
  };
}
