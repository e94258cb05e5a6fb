import type { Database } from "../db/database.ts";
import { GyreError } from "../errors.ts";
import { type Progress, type Region, withoutBackfill, withPattern } from "./coverage.ts";
import type { Position } from "./event-log.ts";

/** Told in the transaction in which a consumer takes another pattern; see `FollowOptions.onPattern`. */
export type PatternChange = (from: string, to: string, tx: Database) => Promise<"kept" | "removed">;

export interface CursorOptions {
  readonly db: Database;
  readonly consumer: string;
  /** Unique to one follower. */
  readonly owner: string;
  readonly pattern: string;
  readonly leaseMs: number;
}

/** What a follower owns now. */
export interface Claim {
  readonly members: readonly string[];
  readonly owned: ReadonlyMap<string, Progress>;
  /** Every partition that is this follower's share is its own; else some follower has yet to let go. */
  readonly isWhole: boolean;
  /** Messages that retention took before they were read. */
  readonly missed: number;
}

/** From where to where a partition's position moves. */
export interface Move {
  readonly partition: string;
  readonly from: number;
  readonly to: number;
}

interface PositionRow {
  readonly partition: string;
  readonly next: number;
  readonly backfill: number | null;
  readonly applied: readonly Region[];
  readonly owner: string | null;
}

/** Positions and leases of one consumer, in the database of its projection. */
export class Cursors {
  readonly #options: CursorOptions;

  constructor(options: CursorOptions) {
    this.#options = options;
  }

  /**
   * Makes the consumer known, with its pattern. Where it had another one, all partitions are taken from their owners,
   * who follow by a pattern that no longer holds.
   */
  async enter(onPattern: PatternChange): Promise<void> {
    const { db, consumer, pattern } = this.#options;
    await db.transaction(async (tx) => {
      await tx.query("insert into consumer (name, pattern) values ($1, $2) on conflict (name) do nothing", [
        consumer,
        pattern,
      ]);
      const known = await lockPattern(tx, consumer);
      if (known === pattern) return;
      const past = await onPattern(known, pattern, tx);
      for (const row of await positionsOf(tx, consumer, "for update")) {
        await store(tx, consumer, row.partition, withPattern(progressOf(row), known, pattern, past));
      }
      await tx.query("update consumer set pattern = $2 where name = $1", [consumer, pattern]);
    });
  }

  /** Says that this follower lives; answers who does, and how many partitions this one still has. */
  async renew(): Promise<{ readonly members: readonly string[]; readonly held: number }> {
    const { db, consumer, owner, leaseMs } = this.#options;
    await db.query(
      `insert into consumer_member (consumer, owner, until) values ($1, $2, now() + make_interval(secs => $3))
       on conflict (consumer, owner) do update set until = excluded.until`,
      [consumer, owner, leaseMs / 1000],
    );
    const rows = await db.query<{ owner: string; held: number }>(
      `select owner, (select count(*) from consumer_position where consumer = $1 and owner = $2) as held
       from consumer_member where consumer = $1 and until > now() order by owner collate "C"`,
      [consumer, owner],
    );
    return { members: rows.map((row) => row.owner), held: rows[0]?.held ?? 0 };
  }

  /** Lets go of what is others' share, and takes of its own what is free. A new consumer may start at the end. */
  async claim(starts: Position, ends: Position, isFromEnd: boolean): Promise<Claim> {
    const { db, consumer, owner, pattern } = this.#options;
    const { members } = await this.renew();
    return db.transaction(async (tx) => {
      const current = await lockPattern(tx, consumer);
      if (current !== pattern) {
        throw new GyreError("Conflict", `consumer ${consumer} has got another topic pattern meanwhile: ${current}`);
      }
      const isNew = (await positionsOf(tx, consumer)).length === 0;
      await addPartitions(tx, consumer, isNew && isFromEnd ? ends : {}, Object.keys(ends));
      // What the log no longer has (a topic of Kafka's that was deleted) is nobody's.
      const rows = (await positionsOf(tx, consumer)).filter(({ partition }) => Object.hasOwn(ends, partition));
      const share = rows.filter((_, i) => members[i % members.length] === owner);
      const free = share.filter((row) => row.owner === null || row.owner === owner || !members.includes(row.owner));
      const names = free.map(({ partition }) => partition);
      await tx.query(
        "update consumer_position set owner = null where consumer = $1 and owner = $2 and partition <> all($3)",
        [consumer, owner, names],
      );
      // As they are now: one whose lease has ended may have moved them since they were read.
      const taken = await tx.query<PositionRow>(
        `update consumer_position stored set owner = $2, next = greatest(next, tail)
         from unnest($3::text[], $4::bigint[]) as kept (partition, tail)
         where stored.consumer = $1 and stored.partition = kept.partition
         returning stored.partition, next, backfill, applied, owner`,
        [consumer, owner, names, names.map((partition) => starts[partition] ?? 0)],
      );
      for (const { partition, next } of taken) refuseOther(consumer, partition, next, starts, ends);
      return {
        members,
        owned: new Map(taken.map((row) => [row.partition, progressOf(row)])),
        isWhole: taken.length === share.length,
        missed: free.reduce((sum, { partition, next }) => {
          return sum + (next === 0 ? 0 : Math.max(0, (starts[partition] ?? 0) - next));
        }, 0),
      };
    });
  }

  /** Throws Conflict when one of the partitions is not this follower's any more, or is elsewhere. */
  async move(column: "next" | "backfill", moves: readonly Move[], tx: Database): Promise<void> {
    if (moves.length === 0) return;
    const { consumer, owner } = this.#options;
    const rows = await tx.query(
      `update consumer_position stored set ${column} = moved.target
       from unnest($3::text[], $4::bigint[], $5::bigint[]) as moved (partition, source, target)
       where stored.consumer = $1 and stored.owner = $2
         and stored.partition = moved.partition and stored.${column} = moved.source
       returning 1`,
      [consumer, owner, moves.map((move) => move.partition), moves.map(({ from }) => from), moves.map(({ to }) => to)],
      { prepared: true },
    );
    if (rows.length !== moves.length) throw lost(consumer, moves.length - rows.length);
  }

  /** The past was looked through. */
  async endBackfill(partition: string, progress: Progress): Promise<void> {
    const { db, consumer, owner, pattern } = this.#options;
    const { applied } = withoutBackfill(progress, pattern);
    const rows = await db.query(
      `update consumer_position set backfill = null, applied = $4::jsonb
       where consumer = $1 and partition = $2 and owner = $3 returning 1`,
      [consumer, partition, owner, JSON.stringify(applied)],
    );
    if (rows.length === 0) throw lost(consumer, 1);
  }

  /** Lets go of everything, so that others need not wait for the lease to end. */
  async leave(): Promise<void> {
    const { db, consumer, owner } = this.#options;
    await db.query("update consumer_position set owner = null where consumer = $1 and owner = $2", [consumer, owner]);
    await db.query("delete from consumer_member where consumer = $1 and (owner = $2 or until < now())", [
      consumer,
      owner,
    ]);
  }
}

function lost(consumer: string, count: number): GyreError {
  return new GyreError("Conflict", `${count} partitions of consumer ${consumer} have another owner now`);
}

/** A log that ends before what was read of it is another log: to go on would pass over what it gets next. */
function refuseOther(consumer: string, partition: string, next: number, starts: Position, ends: Position): void {
  const end = Math.max(ends[partition] ?? 0, starts[partition] ?? 0);
  if (next <= end) return;
  const fault = `has read partition ${partition} up to ${next}, but the log ends at ${end}: it is not the same log`;
  throw new GyreError("Conflict", `consumer ${consumer} ${fault}`);
}

/** Held to the end of the transaction: followers of one consumer divide its partitions one after the other. */
async function lockPattern(tx: Database, consumer: string): Promise<string> {
  const [row] = await tx.query<{ pattern: string }>("select pattern from consumer where name = $1 for update", [
    consumer,
  ]);
  if (row === undefined) throw new GyreError("NotFound", `consumer ${consumer} was removed`);
  return row.pattern;
}

async function addPartitions(
  tx: Database,
  consumer: string,
  from: Position,
  partitions: readonly string[],
): Promise<void> {
  // What lies before the start counts as applied: a pattern that is widened later does not bring it back.
  await tx.query(
    `insert into consumer_position (consumer, partition, next, applied)
     select $1, partition, next,
       case when next > 0 then jsonb_build_array(jsonb_build_object('patterns', '[".*"]'::jsonb, 'until', next))
         else '[]' end
     from unnest($2::text[], $3::bigint[]) as added (partition, next)
     on conflict (consumer, partition) do nothing`,
    [consumer, partitions, partitions.map((partition) => from[partition] ?? 0)],
  );
}

function positionsOf(tx: Database, consumer: string, lock: "for update" | "" = ""): Promise<PositionRow[]> {
  return tx.query<PositionRow>(
    `select partition, next, backfill, applied, owner from consumer_position
     where consumer = $1 order by partition collate "C" ${lock}`,
    [consumer],
  );
}

function progressOf({ next, backfill, applied }: PositionRow): Progress {
  return { next, backfill: backfill ?? undefined, applied };
}

async function store(tx: Database, consumer: string, partition: string, progress: Progress): Promise<void> {
  await tx.query(
    `update consumer_position set next = $3, backfill = $4, applied = $5::jsonb, owner = null
     where consumer = $1 and partition = $2`,
    [consumer, partition, progress.next, progress.backfill ?? null, JSON.stringify(progress.applied)],
  );
}
