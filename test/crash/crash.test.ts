import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { createRandom } from "../../src/core/random.ts";
import { startKafka } from "../services/kafka.ts";
import { type Accepted, Cluster, Witness } from "./cluster.ts";

const SEED = Number(process.env.CRASH_SEED ?? Date.now() % 1_000_000);
const KILLS = 20;
const HISTORICAL = ".*\\.historical\\..*";
const NODES = { east: ".*", west: ".*", secondary: HISTORICAL };
/** Of one test: some seconds for each kill, and what follows; many more on a machine that does much else. */
const LIMIT_MS = 1_800_000;
/** How long nodes may take to have everything, after the last kill. */
const PATIENCE_MS = 600_000;

/** A list with each target so often as it must be killed at least, the rest by chance, in an order by chance. */
function victims(random: () => number, least: Readonly<Record<string, number>>): string[] {
  const names = Object.keys(least);
  const list = names.flatMap((name) => Array.from({ length: least[name] ?? 0 }, () => name));
  while (list.length < KILLS) list.push(names[Math.floor(random() * names.length)] as string);
  for (let i = list.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [list[i], list[j]] = [list[j] as string, list[i] as string];
  }
  return list;
}

/** What every node must have: all events, or those of its topics. */
function expectedOf(name: string, accepted: readonly Accepted[]): readonly Accepted[] {
  return name === "secondary" ? accepted.filter(({ item }) => item.includes(".historical.")) : accepted;
}

async function compare(cluster: Cluster, accepted: readonly Accepted[]) {
  const results: Record<string, { missing: number; repeated: number }> = {};
  for (const name of cluster.names) {
    const applied = await cluster.applied(name);
    const counts = expectedOf(name, accepted).map(({ event }) => applied.get(event) ?? 0);
    results[name] = {
      missing: counts.filter((count) => count === 0).length,
      repeated: [...applied.values()].filter((count) => count > 1).length,
    };
  }
  return results;
}

/** Waits until no node misses anything, or for as long as they may take. */
async function converged(cluster: Cluster, accepted: readonly Accepted[]) {
  for (const end = Date.now() + PATIENCE_MS; ; ) {
    const results = await compare(cluster, accepted);
    if (Object.values(results).every(({ missing }) => missing === 0) || Date.now() > end) return results;
  }
}

async function run(t: Parameters<NonNullable<Parameters<typeof test>[0]>>[0], withKafka: boolean): Promise<void> {
  t.diagnostic(`CRASH_SEED=${SEED}`);
  const random = createRandom(SEED, String(withKafka));
  const kafka = withKafka ? await startKafka() : undefined;
  if (kafka?.unavailable !== undefined) return t.skip(kafka.unavailable);
  if (kafka !== undefined) t.after(() => kafka.stop());
  const cluster = await Cluster.start(t, NODES, kafka && `kafka://${kafka.brokers.join(",")}`);
  const fsync = await cluster.database("east", async (db) => {
    const [row] = await db.query<{ fsync: string }>("show fsync");
    return row?.fsync;
  });
  assert.equal(fsync, "on");
  const witness = new Witness(t, {
    nodes: [cluster.urlOf("east"), cluster.urlOf("west")],
    file: join(cluster.folder, "accepted.jsonl"),
    seed: SEED,
    writers: 4,
  });
  const kills: Record<string, () => Promise<void>> = {
    node: () => cluster.killNode(cluster.names[Math.floor(random() * cluster.names.length)] as string),
    database: () => cluster.killDatabase(),
    ...(kafka === undefined
      ? {}
      : {
          async broker() {
            await kafka.kill();
            await kafka.restart();
          },
        }),
  };
  const least = Object.fromEntries(Object.keys(kills).map((name) => [name, 5]));
  for (const victim of victims(random, least)) {
    await Promise.race([witness.more(1 + Math.floor(random() * 40)), cluster.fallen]);
    await Promise.race([kills[victim]?.(), cluster.fallen]);
  }
  await Promise.race([witness.more(20), cluster.fallen]);
  const accepted = await witness.end();
  const results = await converged(cluster, accepted);
  t.diagnostic(`${accepted.length} events accepted; ${JSON.stringify(results)}`);
  for (const name of cluster.names) assert.deepEqual(results[name], { missing: 0, repeated: 0 }, name);
  assert.equal(new Set(accepted.map(({ event }) => event)).size, accepted.length);
  cluster.done();
}

// That such a run finds out one who commits the position before the effect is shown in test/log/crash.test.ts, by a
// mutant of the projection: the product has no place where a node could be told to be wrong.
const LIMIT = { timeout: LIMIT_MS };

test(`${KILLS} kills of nodes and of the database: no accepted event is lost, none is applied twice`, LIMIT, (t) =>
  run(t, false),
);

test(`${KILLS} kills of nodes, of the database and of the broker: likewise with the log in Kafka`, LIMIT, (t) =>
  run(t, true),
);
