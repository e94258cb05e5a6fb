import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { syntheticItems } from "../src/catalog/synthetic/items.ts";
import type { StacItem } from "../src/core/stac.ts";
import { topicFilter, topicTemplate } from "../src/core/topic.ts";

const PROGRAM = fileURLToPath(new URL("../bin/gyre.ts", import.meta.url));
// Often enough for seconds, and seldom enough not to take the processor from what is measured.
const POLL_MS = 20;
/** What the third node follows. */
const SECONDARY = topicFilter(".*\\.historical\\..*");

export interface Published {
  /** From the first request to the end of the last answer. */
  readonly acceptedMs: number;
  /** From the first request until every node finds all that it follows. */
  readonly visibleMs: number;
  /** Messages that the nodes had still to apply when the last request was answered. */
  readonly behind: number;
}

export interface Playground {
  /** Sends records that were never sent before, so many in a request and so many requests at once. */
  publish(count: number, each: number, atOnce: number): Promise<Published>;
  stop(): Promise<void>;
}

interface Told {
  readonly event: string;
  readonly name: string;
  readonly node: string;
}

/** `gyre playground`: three nodes, a process each, and one log, in their database or in Kafka. */
export async function startPlayground(kafka?: string): Promise<Playground> {
  const folder = mkdtempSync(join(tmpdir(), "gyre-playground-"));
  // Root's PostgreSQL is another user's, who must be able to enter it.
  chmodSync(folder, 0o755);
  const options = ["--port", "0", "--data-dir", folder, "--json", ...(kafka === undefined ? [] : ["--kafka", kafka])];
  const child = spawn(process.execPath, [PROGRAM, "playground", ...options], { stdio: ["ignore", "pipe", "inherit"] });
  const nodes = new Map<string, URL>();
  for await (const line of createInterface({ input: child.stdout })) {
    const told = JSON.parse(line) as Told;
    if (told.event === "ready") break;
    nodes.set(told.name, new URL(told.node));
  }
  if (nodes.size !== 3) throw new Error("the playground ended before it was ready");
  child.stdout.resume();
  const at = (name: string, path: string): URL => new URL(path, nodes.get(name));
  const template = topicTemplate();
  const records = syntheticItems(10_000_000, 1);
  const sent = { east: 0, west: 0, secondary: 0 };

  /** How many records a node finds. */
  async function found(name: string): Promise<number> {
    return (await answer<{ numberMatched: number }>(at(name, "stac/search?limit=1"))).numberMatched;
  }

  async function behind(): Promise<number> {
    const lags = await Promise.all(
      Object.keys(sent).map((name) => answer<{ consumers: readonly { lag: number }[] }>(at(name, "events/consumers"))),
    );
    return lags.flatMap(({ consumers }) => consumers).reduce((sum, { lag }) => sum + lag, 0);
  }

  async function send(requests: Iterator<{ readonly collection: string; readonly body: string }>): Promise<void> {
    for (let next = requests.next(); !next.done; next = requests.next()) {
      const { collection, body } = next.value;
      const headers = { "Content-Type": "application/json" };
      await answer(at("east", `stac/collections/${collection}/items`), { method: "POST", headers, body });
    }
  }

  return {
    async publish(count, each, atOnce) {
      // `take` would close the records behind it.
      const items = Array.from({ length: count }, () => records.next().value as StacItem);
      const followed = items.filter((item) => SECONDARY.test(template.topicOf(item))).length;
      // Written before the clock starts: what is measured is the nodes.
      const requests = [...bodies(items, each)].values();
      sent.east += count;
      sent.west += count;
      sent.secondary += followed;
      const start = performance.now();
      await Promise.all(Array.from({ length: atOnce }, () => send(requests)));
      const acceptedMs = performance.now() - start;
      const left = await behind();
      // One node after the other: whoever has everything is asked no more.
      for (const [name, expected] of Object.entries(sent))
        while ((await found(name)) !== expected) await sleep(POLL_MS);
      return { acceptedMs, visibleMs: performance.now() - start, behind: left };
    },
    async stop() {
      const exit = once(child, "exit");
      child.kill("SIGINT");
      await exit;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Requests of items of one collection each. */
function* bodies(items: readonly StacItem[], each: number): Generator<{ collection: string; body: string }> {
  for (const [collection = "", of] of Map.groupBy(items, (item) => item.collection)) {
    for (let i = 0; i < of.length; i += each) {
      const features = of.slice(i, i + each);
      yield { collection, body: JSON.stringify(each === 1 ? features[0] : { type: "FeatureCollection", features }) };
    }
  }
}

async function answer<T>(url: URL, init?: RequestInit): Promise<T> {
  const response = await fetch(url, init);
  const text = await response.text();
  if (!response.ok) throw new Error(`${url} answers ${response.status}: ${text.slice(0, 300)}`);
  return JSON.parse(text) as T;
}
