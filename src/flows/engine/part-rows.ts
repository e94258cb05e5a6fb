import type { Json } from "../../core/array.ts";
import type { Pool } from "../../db/database.ts";
import type { Failure, Settled } from "../flow.ts";
import type { RunState } from "../runs.ts";
import { type Bell, channelOf, type EndedParts } from "./bell.ts";
import { storable } from "./json.ts";

/** A step that a run is to start. */
export interface NewStep {
  readonly run: string;
  readonly execution: string;
  readonly part: string;
  readonly position: number;
  readonly name: string;
  readonly queue: string;
  readonly key: string;
  /** As JSON. */
  readonly input: string;
}

/** A part that a run had started before. */
export interface KnownPart {
  readonly part: string;
  readonly name: string;
  readonly position: number;
  readonly child: string | null;
  readonly isNew: boolean | null;
}

/** A part that has ended, as the database has it. */
export interface EndedRow {
  readonly part: string;
  readonly state: RunState;
  readonly output: Json | null;
  readonly error: Failure | null;
}

const ENDED = "('succeeded', 'failed', 'cancelled')";

/** What a run has started so far. */
export async function knownParts(pool: Pool, run: string): Promise<readonly KnownPart[]> {
  return pool.query<KnownPart>(
    `select part, name, position, child, is_new as "isNew" from flow_part where run = $1 order by position`,
    [run],
  );
}

/**
 * Queues steps that are not queued yet; those of runs that were stopped meanwhile are not. It does not wait for the
 * server's disk: an execution queues its steps again when the server came back, as one does after a crash of its own.
 */
export async function insertSteps(pool: Pool, bell: Bell, steps: readonly NewStep[]): Promise<void> {
  const news = await pool.query<{ told: string }>(
    `with hasty as (select set_config('synchronous_commit', 'off', true)),
     made as (
       insert into flow_part (run, part, position, name, queue, key, input, state)
       select s.run, s.part, s.position, s.name, s.queue, s.key, s.input::jsonb, 'queued'
       from hasty, jsonb_to_recordset($1::jsonb) as s(run text, execution uuid, part text, position int, name text, queue text,
         key text, input text)
       join flow_run r on r.id = s.run and r.execution = s.execution and r.ended is null
       for share of r
       on conflict do nothing returning run, queue)
     select told, pg_notify($2, $3 || told) from
       (select 'q' || queue as told from made union select 'c' || run from made) as news`,
    [storable(steps), bell.channel, bell.mark],
    { prepared: true },
  );
  for (const { told } of news) bell.tell(told);
}

/** Those of the named parts that have ended. */
export async function endedParts(pool: Pool, run: string, parts: readonly string[]): Promise<EndedParts> {
  const rows = await pool.query<EndedRow>(
    `select p.part, coalesce(r.state, p.state) as state,
       case when p.child is null then p.output else r.output end as output,
       case when p.child is null then p.error else r.error end as error
     from flow_part p left join flow_run r on r.id = p.child
     where p.run = $1 and p.part = any($2) and coalesce(r.state, p.state) in ${ENDED}`,
    [run, parts],
    { prepared: true },
  );
  return settledParts(rows);
}

export function settledParts(rows: readonly EndedRow[]): EndedParts {
  return new Map(rows.map((row) => [row.part, settledOf(row)]));
}

/** How a row that has ended did. */
export function settledOf({ state, output, error }: Omit<EndedRow, "part">): Settled<Json> {
  if (state === "succeeded") return { ok: true, value: output };
  const isCancelled = state === "cancelled";
  return { ok: false, error: error ?? { message: isCancelled ? "It was cancelled" : "It failed" }, isCancelled };
}

/**
 * Moves a run's progress to that of its parts: the mean of those known so far, never backwards. Tells those who look at
 * it, or at a run that it is part of.
 */
export async function moveRun(pool: Pool, run: string): Promise<void> {
  await pool.query(
    `with parts as (
       select coalesce(c.percent, p.percent, 0) as percent, coalesce(c.state, p.state) as state,
         coalesce(c.doing, p.doing) as doing, coalesce(c.bytes, p.bytes) as bytes,
         coalesce(c.total_bytes, p.total_bytes) as total_bytes, coalesce(p.moved, c.started) as moved
       from flow_part p left join flow_run c on c.id = p.child where p.run = $1),
     sums as (
       select coalesce(avg(case when state in ${ENDED} then 100 else percent end), 0)::real as percent,
         (array_agg(doing order by moved desc nulls last) filter (where doing is not null))[1] as doing,
         sum(bytes)::bigint as bytes, sum(total_bytes)::bigint as total_bytes
       from parts),
     moved as (
       update flow_run r set percent = greatest(r.percent, s.percent), doing = coalesce(s.doing, r.doing),
         bytes = s.bytes, total_bytes = s.total_bytes
       from sums s where r.id = $1 and r.state = 'running'
         and (r.percent, r.doing, r.bytes, r.total_bytes) is distinct from
           (greatest(r.percent, s.percent), coalesce(s.doing, r.doing), s.bytes, s.total_bytes)
       returning r.id)
     select count(pg_notify($2, 'c' || id)) from
       (select id from moved union select p.run from flow_part p join moved on p.child = moved.id) as told`,
    [run, channelOf(pool.schema)],
    { prepared: true },
  );
}
