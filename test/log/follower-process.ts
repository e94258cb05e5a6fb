/** A follower in a process of its own, which is killed by itself at a chosen moment, or by others at any. */
import { ANONYMOUS } from "../../src/core/principal.ts";
import type { Database, Pool } from "../../src/db/database.ts";
import { connect, type ServerAddress } from "../../src/db/postgres.ts";
import { follow } from "../../src/log/follow.ts";
import { createPostgresLog } from "../../src/log/postgres.ts";
import { counting } from "./effects.ts";

export interface FollowerProcess {
  readonly address: ServerAddress;
  readonly schema: string;
  /** Lag 0 with fewer messages than these in the log is not the end. */
  readonly expected: number;
  /** In which transaction it kills itself, and where in it; never without it. */
  readonly kill?: { readonly batch: number; readonly moment: "before" | "after" };
  /** The position is committed before the effect: what must never be. */
  readonly isMutant?: boolean;
}

const order = JSON.parse(process.argv[2] ?? "") as FollowerProcess;
const stop = new AbortController();
const db = await connect({ ...order.address, schema: order.schema, max: 4 });
const log = await createPostgresLog(db);
let batches = 0;

async function dieAt(moment: "before" | "after"): Promise<void> {
  if (order.kill?.moment !== moment || batches < order.kill.batch) return;
  process.kill(process.pid, "SIGKILL");
  // The signal is on its way; nothing may happen until it is there.
  await new Promise(() => undefined);
}

await follow(
  {
    log,
    db: order.isMutant === true ? withEarlyPositions(db) : db,
    projection: counting({
      async before() {
        batches++;
        process.stdout.write(".");
        await dieAt("before");
      },
      after: () => dieAt("after"),
    }),
    node: "east",
    owner: `process ${process.pid}`,
    leaseMs: 300,
    batch: 16,
    onStatus({ partitions, lag }) {
      // One that was left nothing to apply has begun as well.
      if (lag === 0 && Object.keys(partitions).length > 0) process.stdout.write(".");
      const seen = Object.values(partitions).reduce((sum, { position }) => sum + position, 0);
      if (lag === 0 && seen >= order.expected) stop.abort();
    },
  },
  { who: ANONYMOUS, signal: stop.signal },
);
await log.close();
await db.close();

/** Positions move by statements of their own, outside of the transaction. */
function withEarlyPositions(pool: Pool): Database {
  return {
    query: (sql, values, call) => pool.query(sql, values, call),
    stream: (sql, values, call) => pool.stream(sql, values, call),
    transaction: (work, options) =>
      pool.transaction(
        (tx) =>
          work({
            query: (sql, values, call) =>
              (sql.startsWith("update consumer_position stored") ? pool : tx).query(sql, values, call),
            stream: (sql, values, call) => tx.stream(sql, values, call),
            transaction: (inner) => tx.transaction(inner),
          }),
        options,
      ),
  };
}
