import type { Json } from "../../core/array.ts";
import type { Database, Pool } from "../../db/database.ts";
import { LOCK_SPACE } from "../../db/postgres.ts";
import type { QueueSpec } from "../flow.ts";

/** A try that a worker has taken. */
export interface Claimed {
  readonly run: string;
  readonly part: string;
  readonly name: string;
  readonly queue: string;
  readonly input: Json;
  /** Of this try alone. */
  readonly try: string;
  readonly attempt: number;
  /** Tries before it that failed; those whose worker was lost are not counted. */
  readonly failures: number;
  readonly subject: string;
  readonly roles: readonly string[];
}

/** Takes at most `most` tries of a queue for a worker, oldest first, within the queue's limits. */
export async function claim(pool: Pool, queue: QueueSpec, worker: string, most: number): Promise<readonly Claimed[]> {
  const { name, perKey, everywhere } = queue;
  if (!isShared(queue)) return take(pool, FREE, [name, most, worker]);
  return pool.transaction(async (tx) => {
    // Who counts what runs must be alone until what it takes counts as well.
    await tx.query("select pg_advisory_xact_lock($1, hashtext($2))", [LOCK_SPACE, `${pool.schema} queue ${name}`]);
    const [running] = await tx.query<{ count: number }>(
      "select count(*) as count from flow_part where queue = $1 and state = 'running'",
      [name],
    );
    const room = Math.min(most, (everywhere ?? Number.POSITIVE_INFINITY) - (running?.count ?? 0));
    if (room <= 0) return [];
    if (perKey === undefined) return take(tx, FREE, [name, room, worker]);
    return take(tx, BY_KEY, [name, room, worker, perKey]);
  });
}

/** Queues again what a worker took without knowing: all that runs under its name but these tries. */
export async function release(pool: Pool, worker: string, known: readonly string[]): Promise<void> {
  await pool.query(
    `update flow_part set state = 'queued', worker = null, try = null, started = null
     where worker = $1 and state = 'running' and try <> all($2::uuid[])`,
    [worker, known],
  );
}

/** Whether processes share a limit of the queue. */
export function isShared({ perKey, everywhere }: QueueSpec): boolean {
  return perKey !== undefined || everywhere !== undefined;
}

/** Which of some queues have tries that may start now. */
export async function waitingQueues(pool: Pool, queues: readonly string[]): Promise<readonly string[]> {
  const rows = await pool.query<{ queue: string }>(
    `select queue from unnest($1::text[]) as queue where exists (
       select from flow_part p where p.queue = queue.queue and p.state = 'queued' and p.due <= now())`,
    [queues],
    { prepared: true },
  );
  return rows.map(({ queue }) => queue);
}

const FREE = `select run, part from flow_part where queue = $1 and state = 'queued' and due <= now()
  order by due, run, position limit $2 for update skip locked`;

/** One step of the index for each key that waits, not one for each try. */
const BY_KEY = `with recursive keys as (
    (select min(key) as key from flow_part where queue = $1 and state = 'queued')
    union all
    select (select min(key) from flow_part where queue = $1 and state = 'queued' and key > keys.key)
    from keys where keys.key is not null)
  select it.run, it.part from keys cross join lateral (
    select run, part, due from flow_part
    where queue = $1 and state = 'queued' and key = keys.key and due <= now()
    order by due, run, position
    limit greatest(0, $4::bigint - (
      select count(*) from flow_part where queue = $1 and state = 'running' and key = keys.key))) as it
  order by it.due limit $2`;

/**
 * A claim that the server forgets in a crash of its own is only taken again, and what the first one did is refused:
 * nobody waits for its disk.
 */
async function take(db: Database, which: string, values: readonly unknown[]): Promise<readonly Claimed[]> {
  return db.query<Claimed>(
    `with it as (${which}),
     hasty as (select set_config('synchronous_commit', 'off', true))
     update flow_part p set state = 'running', worker = $3, try = gen_random_uuid(), started = now(), percent = null,
       doing = null, bytes = null, total_bytes = null
     from hasty, it join flow_run r on r.id = it.run
     where p.run = it.run and p.part = it.part and p.state = 'queued'
     returning p.run, p.part, p.name, p.queue, p.input, p.try, p.attempt, p.failures, r.subject, r.roles`,
    values,
    { prepared: true },
  );
}
