import assert from "node:assert/strict";
import { createReadStream } from "node:fs";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { peer } from "../scripts/peers.ts";
import { type Bench, type MissingPeer, needed, type Peer, type Row } from "./bench.ts";
import { type Filled, fillOurs, fillTheirs, itemsFile, openOurs, openTheirs } from "./search/catalogues.ts";
import { openPostgres } from "./search/postgres.ts";
import { type Body, type Shape, shapes } from "./search/shapes.ts";

const ITEMS = Number(process.env.BENCH_ITEMS ?? 1_000_000);
/** Requests of one shape and round, as far as there is time. */
const REQUESTS = 100;
const SECONDS = 20;
/** Requests of a shape whose answers are compared. */
const COMPARED = 20;
const PEER = "stac-fastapi-pgstac";

interface Page {
  readonly features: readonly { readonly id: string }[];
  readonly links: readonly { readonly rel: string; readonly body?: Body }[];
  readonly numberMatched?: number;
}

/** One of both sides: where it is searched, and what its requests have besides. */
interface Side {
  readonly url: URL;
  /** pgstac counts only for who asks for it. */
  readonly counting: Body;
}

async function searched(side: Side, body: Body): Promise<Page> {
  return JSON.parse(new TextDecoder().decode(await answered(side, body))) as Page;
}

async function answered({ url }: Side, body: Body): Promise<ArrayBuffer> {
  const headers = { "Content-Type": "application/json" };
  const answer = await fetch(url, { method: "POST", headers, body: JSON.stringify(body) });
  const bytes = await answer.arrayBuffer();
  if (answer.ok) return bytes;
  const text = new TextDecoder().decode(bytes.slice(0, 300));
  throw new Error(`${url} answers ${answer.status} to ${JSON.stringify(body)}: ${text}`);
}

/** The bodies of a shape's requests on one side: for a later page by its own links. */
async function bodiesOf(side: Side, { bodies, pages = 0, isCount = false }: Shape): Promise<readonly Body[]> {
  if (isCount) return bodies.map((body) => ({ ...body, ...side.counting }));
  if (pages === 0) return bodies;
  let [body] = bodies as [Body];
  for (let page = 0; page < pages; page++) {
    const next = (await searched(side, body)).links.find(({ rel }) => rel === "next");
    if (next?.body === undefined) throw new Error(`${side.url} has no page ${page + 2}`);
    body = { ...body, ...next.body };
  }
  return [body];
}

/** Behind those that were compared, which pgstac has counted, and when there are no more from the first again. */
function* cycle(bodies: readonly Body[]): Generator<Body, never> {
  yield* bodies.slice(COMPARED);
  for (;;) yield* bodies;
}

/** What must be the same: the ids, in their order where there is one, or how many match. */
function saidOf({ isCount }: Shape, { sortby }: Body, page: Page): unknown {
  if (isCount) return page.numberMatched;
  const ids = page.features.map(({ id }) => id);
  return sortby === undefined ? ids.sort() : ids;
}

interface Times {
  readonly p50: number;
  readonly p99: number;
}

/** Milliseconds from a request to the end of its answer, uncompressed and not parsed, one after the other. */
async function timesOf(side: Side, bodies: Generator<Body, never>): Promise<Times> {
  const times: number[] = [];
  const end = performance.now() + SECONDS * 1000;
  for (let i = 0; i < REQUESTS && performance.now() < end; i++) {
    const body = bodies.next().value;
    const start = performance.now();
    await answered(side, body);
    times.push(performance.now() - start);
  }
  times.sort((a, b) => a - b);
  const at = (part: number): number => times[Math.min(Math.floor(part * times.length), times.length - 1)] as number;
  return { p50: at(0.5), p99: at(0.99) };
}

export const bench: Bench = {
  summary: `search among ${ITEMS} items over HTTP, one server process each, one PostgreSQL 15`,
  async prepare(log) {
    const python = needed(peer("pgstac"));
    needed(peer("postgis"));
    const folder = fileURLToPath(new URL(`../.peers/data/search-${ITEMS}`, import.meta.url));
    const items = await itemsFile(folder, ITEMS);
    const postgres = await openPostgres(folder);
    const closing: (() => Promise<void>)[] = [() => postgres.stop()];
    const close = async (): Promise<void> => {
      for (const stop of closing) await stop();
    };
    try {
      log(await postgres.described());
      log("filling both, unless they are full");
      const own = await fillOurs(postgres, folder, items, ITEMS);
      const other = await fillTheirs(postgres, folder, items, ITEMS, python);
      log(`read ${await postgres.readFiles()} GB, so that neither waits for the disk`);
      const gyre = await openOurs(postgres, folder);
      closing.unshift(() => gyre.stop());
      const pgstac = await openTheirs(postgres, python);
      closing.unshift(() => pgstac.stop());
      const ours: Side = { url: new URL("stac/search", gyre.url), counting: {} };
      const theirs: Side = { url: new URL("search", pgstac.url), counting: { conf: { context: "on" } } };
      const rows: Row[] = [];
      for (const shape of shapes(await someIds(items))) rows.push(...(await rowsOf(shape, ours, theirs, log)));
      return { rows: [...rows, ...fillingRows(own, other)], close };
    } catch (error) {
      await close();
      throw error;
    }
  },
};

/** Ids from all over the file. */
async function someIds(items: string): Promise<string[]> {
  const ids: string[] = [];
  const step = Math.max(1, Math.floor(ITEMS / 100));
  let line = 0;
  for await (const text of createInterface({ input: createReadStream(items) })) {
    if (line++ % step === 0) ids.push((JSON.parse(text) as { id: string }).id);
  }
  return ids;
}

/** Throws unless both sides answer the first requests of a shape the same. */
async function compare(shape: Shape, ours: Side, own: readonly Body[], theirs: Side, other: readonly Body[]) {
  for (const [i, body] of own.slice(0, COMPARED).entries()) {
    const [a, b] = [await searched(ours, body), await searched(theirs, other[i] as Body)];
    assert.deepEqual(saidOf(shape, body, a), saidOf(shape, body, b), `to ${JSON.stringify(body)}`);
  }
}

async function rowsOf(shape: Shape, ours: Side, theirs: Side, log: (line: string) => void): Promise<Row[]> {
  const [own, other] = [await bodiesOf(ours, shape), await bodiesOf(theirs, shape)];
  const [asked, theirAsked] = [cycle(own), cycle(other)];
  // The 99th percentiles and limits are of the same requests as the medians.
  const p99 = { own: [] as number[], other: [] as number[] };
  const p50: number[] = [];
  const shift = (of: number[]) => async (): Promise<number> => of.shift() as number;
  // They are compared below, all shapes before anything is timed.
  const same = async (): Promise<void> => undefined;
  const floors = { name: PEER, floor: 3, goal: 10, same };
  let median: Peer | MissingPeer = {
    ...floors,
    async measure() {
      const times = await timesOf(theirs, theirAsked);
      p99.other.push(times.p99);
      return times.p50;
    },
  };
  let last: Peer | MissingPeer = { ...floors, measure: shift(p99.other) };
  try {
    await compare(shape, ours, own, theirs, other);
  } catch (error) {
    // The other shapes can be compared all the same.
    log(`${shape.name}: ${(error as Error).message}`);
    median = last = { name: PEER, missing: "the answers differ" };
  }
  return [
    {
      name: `${shape.name}: p50`,
      unit: "ms",
      kind: "time",
      peer: median,
      async ours() {
        const times = await timesOf(ours, asked);
        p50.push(times.p50);
        p99.own.push(times.p99);
        return times.p50;
      },
    },
    {
      name: `${shape.name}: p99`,
      unit: "ms",
      kind: "time",
      peer: last,
      ours: shift(p99.own),
    },
    {
      name: `${shape.name}: p50 itself`,
      unit: "ms",
      kind: "time",
      limit: { most: 10, goal: 3 },
      ours: async () => p50.pop() as number,
    },
  ];
}

function fillingRows(own: Filled, other: Filled): Row[] {
  const row = (name: string, unit: string, kind: Row["kind"], mine: number, peer?: number): Row => ({
    ...{ name, unit, kind, rounds: 1, ours: async () => mine },
    ...(peer === undefined
      ? {}
      : { peer: { name: PEER, floor: 0, goal: 1, measure: async () => peer, same: async () => undefined } }),
  });
  const { itemsPerSecond, megabytes, logMegabytes = 0 } = own;
  return [
    row("ingest: by the door and the log; pypgstac load", "/s", "rate", itemsPerSecond, other.itemsPerSecond),
    row("size on disk: without the log", "MB", "time", megabytes - logMegabytes, other.megabytes),
    row("size on disk: of the log", "MB", "time", logMegabytes),
  ];
}
