import type { Pool } from "../../db/database.ts";
import { tellRuns } from "./run-rows.ts";

/** Runs that are forgotten at once. */
const FORGOTTEN_AT_ONCE = 500;

/** Ends queued runs that nobody took for so long. */
export async function expire(pool: Pool, seconds: number): Promise<void> {
  const error = { message: `It waited more than ${seconds} seconds for a worker`, tag: "Busy" };
  const expired = await pool.query<{ id: string }>(
    `update flow_run set state = 'failed', ended = now(), error = $2
     where state = 'queued' and queued < now() - $1 * interval '1 s' returning id`,
    [seconds, JSON.stringify(error)],
  );
  if (expired.length > 0)
    await tellRuns(
      pool,
      pool.schema,
      expired.map(({ id }) => id),
    );
}

/** Forgets runs that ended so many days ago, but none that a younger run is made of. Answers how many. */
export async function forget(pool: Pool, days: number): Promise<number> {
  const gone = await pool.query(
    `delete from flow_run where id in (
       select id from flow_run r where r.ended < now() - $1 * interval '1 day' and not exists (
         select from flow_part p join flow_run other on other.id = p.run
         where p.child = r.id and (other.ended is null or other.ended >= now() - $1 * interval '1 day'))
       limit ${FORGOTTEN_AT_ONCE}) returning id`,
    [days],
  );
  return gone.length;
}
