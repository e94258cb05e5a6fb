import { mkdirSync, mkdtempSync, renameSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { TestContext } from "node:test";
import { createDecoder } from "../../src/codecs/pool.ts";
import { createCodecRegistry } from "../../src/codecs/registry.ts";
import { loadConfig } from "../../src/config.ts";
import type { ArraySpec, Attr } from "../../src/core/array.ts";
import type { TypedArray } from "../../src/core/dtype.ts";
import { createNode, type Node, type NodeOptions } from "../../src/node.ts";
import type { Clock } from "../../src/read/registry.ts";
import { writeNetcdf3 } from "../../src/write/netcdf3.ts";
import { deflated } from "../../src/write/netcdf4/filters.ts";
import { writeNetcdf4 } from "../../src/write/netcdf4/write.ts";
import { inMemory, type Source } from "../../src/write/source.ts";
import { atEnd } from "../db/server-process.ts";

const encoder = createDecoder({ registry: createCodecRegistry(), workers: 0 });
let writes = 0;

/** A folder for one test. */
export function temporary(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), "gyre-node-"));
  atEnd(t, () => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Replaces a file as a careful writer does. Its time is another one even where the system's clock is coarse. */
export function put(path: string, content: string | Uint8Array): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(`${path}.part~`, content);
  const seconds = 1_700_000_000 + ++writes;
  utimesSync(`${path}.part~`, seconds, seconds);
  renameSync(`${path}.part~`, path);
}

/** Days from `first` on, and a value a day at three places: `10 * day + place`, all of it plus `more`. */
function daily(first: number, days: number, more: number): Source {
  const text = (value: string): Attr => ({ dtype: "string", value });
  const codecs = [{ name: "bytes", configuration: { endian: "little" } }];
  const base = { codecs, fill: null };
  const time: ArraySpec = {
    ...base,
    dtype: "float64",
    dims: ["time"],
    shape: [days],
    chunks: [days],
    attrs: new Map([["units", text("days since 2000-01-01")]]),
  };
  const tas: ArraySpec = {
    ...base,
    codecs: deflated(2),
    dtype: "int16",
    dims: ["time", "place"],
    shape: [days, 3],
    chunks: [1, 3],
    attrs: new Map(),
  };
  const values = Int16Array.from({ length: days * 3 }, (_, i) => 10 * (first + Math.floor(i / 3)) + (i % 3) + more);
  return {
    attrs: new Map([["title", text(`${days} days`)]]),
    dimensions: new Map([
      ["time", { size: days, unlimited: false }],
      ["place", { size: 3, unlimited: false }],
    ]),
    groups: new Map(),
    variables: new Map([
      [
        "time",
        inMemory(
          "time",
          time,
          Float64Array.from({ length: days }, (_, i) => first + i),
        ),
      ],
      ["tas", inMemory("tas", tas, values as TypedArray)],
    ]),
  };
}

async function joined(parts: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  return Buffer.concat(await Array.fromAsync(parts));
}

/** A NetCDF-4 file with a chunk for each day. */
export function netcdf4(first = 0, days = 2, more = 0): Promise<Uint8Array> {
  return joined(writeNetcdf4(daily(first, days, more), { encoder }));
}

export function netcdf3(first = 0, days = 2, more = 0): Promise<Uint8Array> {
  return joined(writeNetcdf3(daily(first, days, more)));
}

/** A clock that stands until it is set, and tells when something is planned. */
export interface TestClock extends Clock {
  advance(ms: number): void;
  /** Resolves when something is to happen within `ms`. */
  planned(ms: number): Promise<void>;
}

export function testClock(): TestClock {
  let now = Date.UTC(2026, 0, 1);
  let timers: { readonly at: number; readonly work: () => void }[] = [];
  let waiting: { readonly ms: number; readonly done: () => void }[] = [];
  const isPlanned = (ms: number): boolean => timers.some(({ at }) => at - now <= ms);
  return {
    now: () => now,
    after(ms, work) {
      const timer = { at: now + ms, work };
      timers.push(timer);
      for (const one of waiting.filter((w) => isPlanned(w.ms))) one.done();
      waiting = waiting.filter((w) => !isPlanned(w.ms));
      return () => {
        timers = timers.filter((other) => other !== timer);
      };
    },
    advance(ms) {
      now += ms;
      const due = timers.filter(({ at }) => at <= now);
      timers = timers.filter(({ at }) => at > now);
      for (const { work } of due) work();
    },
    planned: (ms) =>
      isPlanned(ms) ? Promise.resolve() : new Promise((done) => waiting.push({ ms, done: () => done() })),
  };
}

export interface Served extends Node {
  readonly clock: TestClock;
  /** Errors that were nobody's request. */
  readonly errors: string[];
  ids(): Promise<string[]>;
  get(path: string, headers?: Record<string, string>): Promise<Response>;
  json<T>(path: string): Promise<T>;
  problems(): Promise<{ readonly source: string; readonly reason: string }[]>;
  /** Values of `tas` on a day, by the computed API. */
  day(id: string, day: number): Promise<number[]>;
  /** Resolves with the next whole look through a source. */
  scanned(): Promise<void>;
}

/** A node over `gyre.yaml`'s text; relative paths start from `folder`, and the data are in `folder/data`. */
export async function start(
  t: TestContext,
  folder: string,
  yaml: string,
  options: Partial<NodeOptions> & { readonly env?: Record<string, string> } = {},
): Promise<Served> {
  const clock = testClock();
  const errors: string[] = [];
  let told: (() => void)[] = [];
  const { env = {}, ...more } = options;
  const node = await createNode(
    loadConfig(`${yaml.includes("dataDir:") ? "" : "dataDir: data\n"}${yaml}`, { GYRE_DATABASE: "none", ...env }),
    {
      folder,
      clock,
      onError: (error, where) => errors.push(`${where}: ${(error as Error).message}`),
      onScan: (_source, { isDone }) => {
        if (!isDone) return;
        for (const done of told) done();
        told = [];
      },
      ...more,
    },
  );
  atEnd(t, () => node.close());
  const get: Served["get"] = (path, headers = {}) =>
    node.fetch(new Request(`http://node.test/${path}`, { headers: { Accept: "application/json", ...headers } }));
  const json = async <T>(path: string): Promise<T> => (await (await get(path)).json()) as T;
  return {
    ...node,
    clock,
    errors,
    get,
    json,
    ids: () => json("datasets"),
    problems: async () => (await json<{ problems: Awaited<ReturnType<Served["problems"]>> }>("problems")).problems,
    async day(id, day) {
      const response = await get(`datasets/${id}/zarr@chunks=time:1,codec=none/tas/${day}.0`);
      if (response.status !== 200) throw new Error(`${response.status} ${await response.text()}`);
      return [...new Int16Array(await response.arrayBuffer())];
    },
    scanned: () => new Promise((done) => told.push(done)),
  };
}
