import { hostname } from "node:os";
import type { Pool } from "../../db/database.ts";
import { channelOf } from "./bell.ts";
import { dbosSchema } from "./dbos.ts";

/** Seconds after which a worker that was not seen is dead. */
const LEASE_SECONDS = 10;
/** A step that takes its worker with it is not tried for ever. */
const MOST_LOSSES = 5;

const LEASE_MS = LEASE_SECONDS * 1000;

/** Milliseconds between two signs of life. */
export const BEAT_MS = 2_000;

/** Keeps a worker known as alive, and finds those that are not. */
export class Lease {
  readonly id: string;
  readonly #pool: Pool;
  readonly #queues: readonly string[];
  #seen = 0;
  /** Of others nothing is known before. */
  #quiet = 0;

  constructor(pool: Pool, id: string, queues: readonly string[]) {
    this.id = id;
    this.#pool = pool;
    this.#queues = queues;
  }

  /** Signs for life. */
  async beat(): Promise<void> {
    await this.#pool.query(
      `with hasty as (select set_config('synchronous_commit', 'off', true))
       insert into flow_worker (id, host, queues) select $1, $2, $3::text[] from hasty
       on conflict (id) do update set seen = now()`,
      [this.id, hostname(), this.#queues],
    );
    const now = Date.now();
    // When the database was away nobody could sign: each gets the time to.
    if (this.#seen > 0 && now - this.#seen > LEASE_MS / 2) this.#quiet = now + LEASE_MS;
    this.#seen = now;
  }

  /** Tries that are still this worker's. */
  async tries(): Promise<ReadonlySet<string>> {
    const rows = await this.#pool.query<{ try: string }>(
      "select try from flow_part where worker = $1 and state = 'running'",
      [this.id],
    );
    return new Set(rows.map((row) => row.try));
  }

  /** Queues again what dead workers ran, and answers the executors of flows that are dead. */
  async bury(): Promise<readonly string[]> {
    if (Date.now() < this.#quiet) return [];
    await this.#pool.query(
      `with it as (
         select run, part, attempt, worker, queued, started, losses + 1 >= ${MOST_LOSSES} as "isLast" from flow_part p
         where state = 'running' and ${isDead("p.worker", "$3")}
         order by run, part for update skip locked),
       attempts as (
         insert into flow_attempt (run, part, number, worker, state, queued, started, error)
         select run, part, attempt, worker, 'failed', queued, started, $1::jsonb from it),
       buried as (
         update flow_part p set losses = p.losses + 1, try = null,
           state = case when "isLast" then 'failed' else 'queued' end,
           error = case when "isLast" then $1::jsonb end,
           ended = case when "isLast" then now() end,
           attempt = p.attempt + (not "isLast")::int,
           started = case when "isLast" then p.started end,
           worker = case when "isLast" then p.worker end,
           queued = case when "isLast" then p.queued else now() end
         from it where p.run = it.run and p.part = it.part returning p.run, p.queue)
       select count(pg_notify($2, told)) from
         (select 'e' || run as told from buried union select 'q' || queue from buried) as told`,
      [JSON.stringify({ message: "Its worker was lost" }), channelOf(this.#pool.schema), this.id],
    );
    await this.#pool.query(`delete from flow_worker w where seen < now() - interval '1 hour'`);
    const rows = await this.#pool.query<{ id: string }>(
      `select distinct s.executor_id as id from "${dbosSchema(this.#pool.schema)}".workflow_status s
       where s.status = 'PENDING' and ${isDead("s.executor_id", "$1")}`,
      [this.id],
    );
    return rows.map(({ id }) => id);
  }

  /** Lets others take up at once what this worker leaves. */
  async leave(): Promise<void> {
    await this.#pool.query("delete from flow_worker where id = $1", [this.id]);
    await this.#pool.query("select pg_notify($1, 'l')", [channelOf(this.#pool.schema)]);
  }
}

/** SQL: whoever asks is alive, however long nothing of his own was seen. */
function isDead(worker: string, own: string): string {
  return `${worker} <> ${own} and not exists (
    select from flow_worker w where w.id = ${worker} and w.seen > now() - interval '${LEASE_SECONDS} s')`;
}

/** The workers that are alive. */
export const LIVE_WORKERS = `select id, host, queues, started, seen from flow_worker
  where seen > now() - interval '${LEASE_SECONDS} s' order by started, id`;
