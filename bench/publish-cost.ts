/**
 * Processor time of publishing, per item, of this process and of PostgreSQL: the door, and then each node that applies.
 * Not the clock's time, so that a busy machine changes little.
 * `node bench/publish-cost.ts [items] [--nodes 1] [--post 100] [--batch 500] [--url postgres://of-this-machine]`
 */
import { randomBytes } from "node:crypto";
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import type { Change } from "../src/catalog/catalog.ts";
import { createCatalog } from "../src/catalog/postgres-catalog.ts";
import { createCatalogProjection } from "../src/catalog/projection.ts";
import { syntheticItems } from "../src/catalog/synthetic/items.ts";
import { MemorySchemas } from "../src/catalog/validate/schema-store.ts";
import { createValidator } from "../src/catalog/validate/validator.ts";
import { withValidation } from "../src/catalog/with-validation.ts";
import { createWrites } from "../src/catalog/writes.ts";
import { ANONYMOUS } from "../src/core/principal.ts";
import { ALL_TOPICS, topicTemplate } from "../src/core/topic.ts";
import type { Pool } from "../src/db/database.ts";
import { startEmbedded } from "../src/db/embedded.ts";
import { migrate } from "../src/db/migrate.ts";
import { connect, type ServerAddress } from "../src/db/postgres.ts";
import { type FollowStatus, follow } from "../src/log/follow.ts";
import { createPostgresLog } from "../src/log/postgres.ts";

const MICROSECONDS_OF_A_TICK = 10_000;
const WARM = 2000;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    nodes: { type: "string", default: "1" },
    post: { type: "string", default: "100" },
    batch: { type: "string", default: "500" },
    url: { type: "string" },
  },
});
const count = Number(positionals[0] ?? 20_000);
const nodes = Number(values.nodes);
const call = { who: ANONYMOUS };
const closing: (() => unknown)[] = [];

async function server(): Promise<ServerAddress> {
  if (values.url !== undefined) return { url: values.url };
  const folder = mkdtempSync(join(tmpdir(), "gyre-cost-"));
  chmodSync(folder, 0o755);
  const embedded = await startEmbedded({ folder });
  closing.push(async () => {
    await embedded.close();
    rmSync(folder, { recursive: true, force: true });
  });
  return embedded.address;
}

async function run(address: ServerAddress): Promise<void> {
  const open = async (set: string): Promise<Pool> => {
    const pool = await connect({ ...address, schema: `cost_${set}_${randomBytes(4).toString("hex")}` });
    closing.push(async () => {
      await pool.query(`drop schema ${pool.schema} cascade`);
      await pool.close();
    });
    await migrate(pool, { name: set });
    return pool;
  };
  const log = await createPostgresLog(await open("log"));
  closing.push(() => log.close());
  const pools: Pool[] = [];
  for (let i = 0; i < nodes; i++) pools.push(await open("node"));
  const [pool] = pools as [Pool];
  const meter = await Meter.of(pool);
  const topic = topicTemplate("{mip_era}.{experiment_id}.{source_id}", "other");
  const door = createWrites({ pool, log, topic });
  closing.push(() => door.close());
  const validator = createValidator({ store: new MemorySchemas(), policyOf: () => ({ level: "warn" }) });
  const writes = withValidation(door, validator, createCatalog(pool));

  const items = [...syntheticItems(WARM + count, 7)];
  const publish = async (some: typeof items, size: number): Promise<void> => {
    for (let i = 0; i < some.length; i += size) {
      const changes = some.slice(i, i + size).map(
        (item): Change => ({
          payload: { method: "POST", collection_id: item.collection as string, item },
          requester: { client_id: "bench", iss: "bench", sub: "bench" },
          requestId: "bench",
          publisher: { package: "gyre-bench", version: "0" },
        }),
      );
      await writes.accept(changes, call);
    }
  };
  const apply = async (expected: number): Promise<void> => {
    await Promise.all(
      pools.map(async (db, i) => {
        const stop = new AbortController();
        const projection = createCatalogProjection({ topics: ALL_TOPICS });
        const onStatus = ({ applied, failed, lastError }: FollowStatus): void => {
          if (lastError !== undefined) console.error(lastError);
          if (applied + failed >= expected) stop.abort();
        };
        await follow(
          { log, db, projection, node: `node${i}`, owner: `bench${i}`, batch: Number(values.batch), onStatus },
          { ...call, signal: stop.signal },
        );
      }),
    );
  };

  await publish(items.slice(0, WARM), Number(values.post));
  await apply(WARM);
  await meter.measure("door", count, () => publish(items.slice(WARM), Number(values.post)));
  await meter.measure(`apply x ${nodes}`, count * nodes, () => apply(count));
  const [sizes] = await pool.query<{ table: number; all: number }>(
    "select pg_table_size('item') as table, pg_total_relation_size('item') as all",
  );
  console.log(`bytes on disk per item: table ${per(sizes?.table)}, with indexes ${per(sizes?.all)}`);
}

function per(bytes = 0): number {
  return Math.round(bytes / (WARM + count));
}

/** Processor time of this process, and of the server with all its processes. */
class Meter {
  readonly #postmaster: number;

  constructor(postmaster: number) {
    this.#postmaster = postmaster;
  }

  static async of(pool: Pool): Promise<Meter> {
    const [row] = await pool.query<{ pid: number }>("select pg_backend_pid() as pid");
    return new Meter(Number(statOf(row?.pid ?? 0)?.[1]));
  }

  async measure(name: string, count: number, work: () => Promise<void>): Promise<void> {
    const [before, start, clock] = [this.#server(), process.cpuUsage(), performance.now()];
    await work();
    const { user, system } = process.cpuUsage(start);
    const seconds = (performance.now() - clock) / 1000;
    const [node, server] = [(user + system) / count, (this.#server() - before) / count];
    console.log(
      `${name}: ${count} items, Node ${node.toFixed(0)} us, PostgreSQL ${server.toFixed(0)} us of CPU per item; ` +
        `${(count / seconds).toFixed(0)}/s`,
    );
  }

  /** Microseconds, with those of its processes that have ended. */
  #server(): number {
    let ticks = 0;
    for (const name of readdirSync("/proc")) {
      const stat = /^\d+$/.test(name) ? statOf(Number(name)) : undefined;
      if (stat === undefined) continue;
      const isPostmaster = Number(name) === this.#postmaster;
      if (!isPostmaster && Number(stat[1]) !== this.#postmaster) continue;
      const [user, system, endedUser, endedSystem] = stat.slice(11, 15).map(Number) as [number, number, number, number];
      ticks += user + system + (isPostmaster ? endedUser + endedSystem : 0);
    }
    return ticks * MICROSECONDS_OF_A_TICK;
  }
}

/** Fields of `/proc/PID/stat` from the state on (proc(5): the third). */
function statOf(pid: number): readonly string[] | undefined {
  try {
    return readFileSync(`/proc/${pid}/stat`, "utf8").split(") ").at(-1)?.split(" ");
  } catch {
    return undefined;
  }
}

try {
  await run(await server());
} finally {
  for (const close of closing.reverse()) await close();
}
