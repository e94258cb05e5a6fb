import { randomUUID } from "node:crypto";
import type { Database } from "../../db/database.ts";
import { channelOf } from "./bell.ts";
import { enqueue, tellRuns } from "./run-rows.ts";

/**
 * Lets a run that failed or was cancelled go on from its first failure. What was begun before that failure was known
 * cannot depend on it: it stays where it succeeded, and is tried again where it did not. What was begun later is
 * forgotten, as the flow may now go another way. False: the run is not in such a state.
 */
export async function retryRun(tx: Database, schema: string, id: string): Promise<boolean> {
  const execution = randomUUID();
  const again = await tx.query(
    `update flow_run set state = 'queued', queued = now(), execution = $2, ended = null, error = null, percent = 0
     where id = $1 and state in ('failed', 'cancelled') returning id`,
    [id, execution],
  );
  if (again.length === 0) return false;
  const [cut] = await tx.query<{ at: string | null }>(
    `select min(coalesce(c.ended, p.ended))::text as at from flow_part p left join flow_run c on c.id = p.child
     where p.run = $1 and coalesce(c.state, p.state) in ('failed', 'cancelled')`,
    [id],
  );
  if (typeof cut?.at === "string") await undo(tx, schema, id, cut.at);
  await enqueue(tx, schema, id, execution);
  await tellRuns(tx, schema, [id]);
  return true;
}

/** As text, since a time of JavaScript has milliseconds only. */
async function undo(tx: Database, schema: string, id: string, cut: string): Promise<void> {
  await tx.query(
    `with gone as (delete from flow_part where run = $1 and created > $2::timestamptz returning child, is_new)
     delete from flow_run r using gone where r.id = gone.child and gone.is_new and r.parent = $1
       and not exists (select from flow_part other where other.child = r.id and other.run <> $1)`,
    [id, cut],
  );
  await tx.query(
    `with again as (
       update flow_part set state = 'queued', attempt = attempt + 1, failures = 0, losses = 0, queued = now(), due = now(),
         started = null, ended = null, worker = null, try = null, error = null, percent = null
       where run = $1 and state in ('failed', 'cancelled') returning queue)
     select count(pg_notify($2, 'q' || queue)) from (select distinct queue from again) as told`,
    [id, channelOf(schema)],
  );
  const children = await tx.query<{ id: string }>(
    `select c.id from flow_part p join flow_run c on c.id = p.child
     where p.run = $1 and c.state in ('failed', 'cancelled')`,
    [id],
  );
  for (const child of children) await retryRun(tx, schema, child.id);
}
