import type { Database, Pool } from "../../db/database.ts";
import type { Failure, Progress } from "../flow.ts";
import { type Bell, channelOf } from "./bell.ts";
import type { Claimed } from "./claim.ts";
import { storable } from "./json.ts";
import { type EndedRow, settledParts } from "./part-rows.ts";

/** How a try ended, as the database is told. */
export interface EndedTry extends Pick<Claimed, "run" | "part" | "try"> {
  /** Queued: it is tried again. */
  readonly state: "succeeded" | "failed" | "queued";
  /** As JSON. */
  readonly output?: string;
  readonly error?: Failure;
  /** Before it is tried again. */
  readonly waitMs?: number;
  /** Not a failure of its own: its worker ends. */
  readonly isGivenBack?: boolean;
  /** Of a queue with a limit, in which another may start now. */
  readonly isLimited: boolean;
}

/** What a try told since it was asked last. */
export interface Told extends Pick<Claimed, "run" | "part" | "try" | "attempt"> {
  readonly progress?: Progress;
  readonly notes: readonly Note[];
}

export interface Note {
  readonly kind: "log" | "used" | "generated";
  readonly time: Date;
  readonly note: unknown;
}

/** Keeps how tries ended. Those that were cancelled or taken for dead meanwhile stay as they are. */
export async function endTries(pool: Pool, bell: Bell, tries: readonly EndedTry[]): Promise<void> {
  const news = await pool.query<{ told: string; parts: readonly EndedRow[] | null }>(
    `with told as (
       select * from jsonb_to_recordset($1::jsonb) as t(run text, part text, try uuid, state text, output text,
         error jsonb, "waitMs" float8, "isGivenBack" boolean, "isLimited" boolean)),
     it as (
       select t.*, p.attempt, p.worker, p.queued, p.started from flow_part p join told t using (run, part)
       where p.try = t.try and p.state = 'running' order by p.run, p.part for update of p),
     attempts as (
       insert into flow_attempt (run, part, number, worker, state, queued, started, error)
       select run, part, attempt, worker, case state when 'succeeded' then state else 'failed' end, queued, started, error
       from it),
     ended as (
       update flow_part p set state = it.state, output = it.output::jsonb,
         error = case it.state when 'failed' then it.error end,
         percent = case it.state when 'succeeded' then 100 else p.percent end,
         failures = p.failures + (it.error is not null and it."isGivenBack" is not true)::int,
         attempt = p.attempt + (it.state = 'queued')::int,
         ended = case when it.state <> 'queued' then now() end,
         queued = case it.state when 'queued' then now() else p.queued end,
         due = case it.state when 'queued' then now() + it."waitMs" * interval '1 ms' else p.due end,
         started = case when it.state <> 'queued' then p.started end,
         worker = case when it.state <> 'queued' then p.worker end,
         try = null
       from it where p.run = it.run and p.part = it.part
       returning p.run, p.part, p.queue, p.state, p.output, p.error, it."isLimited"),
     parts as (
       select run, part, queue, "isLimited", state = 'queued' as "isAgain",
         jsonb_build_object('part', part, 'state', state, 'output', output, 'error', error) as it from ended)
     select told, parts, pg_notify($2, $3 || told) from
       (select 'e' || run as told, jsonb_agg(it) as parts from parts where not "isAgain" group by run
        union all select distinct 'c' || run, null::jsonb from parts where "isAgain"
        union all select distinct 'q' || queue, null::jsonb from parts where "isAgain" or "isLimited") as news`,
    [storable(tries), bell.channel, bell.mark],
    { prepared: true },
  );
  for (const { told, parts } of news) bell.tell(told, parts === null ? undefined : settledParts(parts));
}

/** Keeps what tries told while they run. */
export async function keepTold(db: Database, schema: string, all: readonly Told[]): Promise<void> {
  const moved = all.flatMap(({ run, part, try: id, progress }) =>
    progress === undefined ? [] : [{ run, part, try: id, ...progress }],
  );
  const notes = all.flatMap(({ run, part, attempt, notes }) => notes.map((note) => ({ run, part, attempt, ...note })));
  await db.query(
    `with hasty as (select set_config('synchronous_commit', 'off', true)),
     told as (
       select t.* from hasty, jsonb_to_recordset($1::jsonb) as t(run text, part text, try uuid, percent real, text text,
         bytes float8, "totalBytes" float8)),
     moved as (
       update flow_part p set percent = coalesce(t.percent, p.percent), doing = coalesce(t.text, p.doing),
         bytes = coalesce(t.bytes::bigint, p.bytes), total_bytes = coalesce(t."totalBytes"::bigint, p.total_bytes),
         moved = now()
       from told t where p.run = t.run and p.part = t.part and p.try = t.try and p.state = 'running' returning p.run),
     noted as (
       insert into flow_note (run, part, attempt, kind, time, note)
       select n.run, n.part, n.attempt, n.kind, n.time, n.note
       from jsonb_to_recordset($2::jsonb) as n(run text, part text, attempt int, kind text, time timestamptz, note jsonb)
       join flow_part p on p.run = n.run and p.part = n.part
       returning run)
     select count(pg_notify($3, 'c' || run)) from (select run from moved union select run from noted) as told`,
    [storable(moved), storable(notes), channelOf(schema)],
    { prepared: true },
  );
}
