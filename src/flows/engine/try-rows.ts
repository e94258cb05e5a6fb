import type { Pool } from "../../db/database.ts";
import type { Failure, Progress } from "../flow.ts";
import { channelOf } from "./bell.ts";
import type { Claimed } from "./claim.ts";
import { storable } from "./json.ts";

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
export async function endTries(pool: Pool, tries: readonly EndedTry[]): Promise<void> {
  await pool.query(
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
       from it where p.run = it.run and p.part = it.part returning p.run, p.queue, it.state, it."isLimited")
     select count(pg_notify($2, told)) from
       (select case state when 'queued' then 'c' else 'e' end || run as told from ended
        union select 'q' || queue from ended where state = 'queued' or "isLimited") as told`,
    [storable(tries), channelOf(pool.schema)],
  );
}

/** Keeps what tries told while they run. */
export async function keepTold(pool: Pool, all: readonly Told[]): Promise<void> {
  const moved = all.flatMap(({ run, part, try: id, progress }) =>
    progress === undefined ? [] : [{ run, part, try: id, ...progress }],
  );
  const notes = all.flatMap(({ run, part, attempt, notes }) => notes.map((note) => ({ run, part, attempt, ...note })));
  await pool.query(
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
    [storable(moved), storable(notes), channelOf(pool.schema)],
  );
}
