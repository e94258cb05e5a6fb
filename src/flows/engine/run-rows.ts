import { randomUUID } from "node:crypto";
import type { Json } from "../../core/array.ts";
import type { Principal } from "../../core/principal.ts";
import type { Database, Pool } from "../../db/database.ts";
import type { Failure } from "../flow.ts";
import { channelOf } from "./bell.ts";
import { executionSql } from "./dbos.ts";

/** A run that is to be made. */
export interface NewRun {
  readonly id: string;
  readonly flow: string;
  readonly parent?: string;
  readonly who: Principal;
  /** As JSON. */
  readonly input: string;
}

/** How a run or a step ended; the output as JSON. */
export type Outcome =
  | { readonly state: "succeeded"; readonly output: string }
  | { readonly state: "failed"; readonly error: Failure };

/** Makes a run, and has it executed; false when one of that id is there. One statement: a run is made or is not. */
export async function insertRun(db: Database, schema: string, run: NewRun): Promise<boolean> {
  const [row] = await db.query<{ made: number }>(
    `with made as (
       insert into flow_run (id, flow, parent, subject, roles, input, execution) values ($1, $2, $3, $4, $5, $6, $7)
       on conflict (id) do nothing returning id, execution),
     queued as (select ${executionSql(schema, "id", "execution")}, pg_notify($8, 's') from made)
     select count(*) as made from queued`,
    [run.id, run.flow, run.parent ?? null, run.who.subject, run.who.roles, run.input, randomUUID(), channelOf(schema)],
    { prepared: true },
  );
  return row?.made === 1;
}

/** Has a run executed once the transaction commits. */
export async function enqueue(tx: Database, schema: string, run: string, execution: string): Promise<void> {
  await tx.query(`select ${executionSql(schema, "$1", "$2")}, pg_notify($3, 's')`, [run, execution, channelOf(schema)]);
}

/** A run whose execution begins. */
export interface BegunRun {
  readonly flow: string;
  readonly subject: string;
  readonly roles: readonly string[];
  readonly input: Json;
  /** No execution before this one can have started anything. */
  readonly isFirst: boolean;
}

/**
 * Begins to execute a run; undefined when it was cancelled, deleted or begun anew since. That it began may be forgotten
 * by a server that crashes: the execution goes on all the same.
 */
export async function beginRun(pool: Pool, id: string, execution: string): Promise<BegunRun | undefined> {
  const [row] = await pool.query<BegunRun>(
    `with hasty as (select set_config('synchronous_commit', 'off', true)),
     it as (
       select id, started is null as "isFirst" from flow_run
       where id = $1 and execution = $2 and state in ('queued', 'running') for update),
     begun as (
       update flow_run r set state = 'running', started = coalesce(started, now()) from hasty, it where r.id = it.id
       returning r.id, flow, subject, roles, input, "isFirst"),
     told as (
       select count(pg_notify($3, 'c' || id)) from
         (select id from begun union select p.run from flow_part p join begun on p.child = begun.id) as it)
     select begun.* from begun, told`,
    [id, execution, channelOf(pool.schema)],
    { prepared: true },
  );
  return row;
}

/** Ends a run, unless it was cancelled or begun anew; what it still has under way is cancelled. */
export async function endRun(pool: Pool, id: string, execution: string, outcome: Outcome): Promise<void> {
  const isDone = outcome.state === "succeeded";
  await pool.transaction(
    async (tx) => {
      const ended = await tx.query(
        `update flow_run set state = $3, output = $4, error = $5, ended = now(),
         percent = case when $3 = 'succeeded' then 100 else percent end
         where id = $1 and execution = $2 and ended is null returning id`,
        [id, execution, outcome.state, isDone ? outcome.output : null, isDone ? null : JSON.stringify(outcome.error)],
      );
      if (ended.length > 0) await stopParts(tx, pool.schema, [id]);
      await tellRuns(tx, pool.schema, [id]);
    },
    { retries: 5 },
  );
}

/** Cancels runs that go on, with their parts and with children that no other run waits for; answers whether any did. */
export async function stopRuns(tx: Database, schema: string, ids: readonly string[]): Promise<boolean> {
  const stopped = await tx.query<{ id: string }>(
    `update flow_run set state = 'cancelled', ended = now() where id = any($1) and state in ('queued', 'running')
     returning id`,
    [ids],
  );
  if (stopped.length === 0) return false;
  const runs = stopped.map(({ id }) => id);
  await tx.query("select count(pg_notify($1, 'x' || id)) from unnest($2::text[]) as id", [channelOf(schema), runs]);
  await stopParts(tx, schema, runs);
  await tellRuns(tx, schema, runs);
  return true;
}

/** Tells that runs ended, or go on again, those who wait for them or for runs that these are parts of. */
export async function tellRuns(tx: Database, schema: string, ids: readonly string[]): Promise<void> {
  await tx.query(
    `select count(pg_notify($1, 'e' || id)) from
     (select unnest($2::text[]) as id union select run from flow_part where child = any($2)) as told`,
    [channelOf(schema), ids],
  );
}

async function stopParts(tx: Database, schema: string, runs: readonly string[]): Promise<void> {
  const steps = await tx.query<{ run: string; wasRunning: boolean }>(
    `with it as (
       select run, part, attempt, worker, queued, started, state from flow_part
       where run = any($1) and state in ('queued', 'running') order by run, part for update),
     attempts as (
       insert into flow_attempt (run, part, number, worker, state, queued, started)
       select run, part, attempt, worker, 'cancelled', queued, started from it)
     update flow_part p set state = 'cancelled', ended = now() from it where p.run = it.run and p.part = it.part
     returning p.run, it.state = 'running' as "wasRunning"`,
    [runs],
  );
  const told = [...new Set(steps.filter(({ wasRunning }) => wasRunning).map(({ run }) => run))];
  await tx.query("select count(pg_notify($1, 'x' || id)) from unnest($2::text[]) as id", [channelOf(schema), told]);
  const children = await tx.query<{ child: string }>(
    `select distinct p.child from flow_part p join flow_run c on c.id = p.child and c.ended is null
     where p.run = any($1) and not exists (
       select from flow_part other join flow_run r on r.id = other.run and r.ended is null
       where other.child = p.child and other.run <> all($1))`,
    [runs],
  );
  if (children.length > 0)
    await stopRuns(
      tx,
      schema,
      children.map(({ child }) => child),
    );
}
