import type { Pool } from "../../db/database.ts";

/** Whether runs wait or go on, asked without the engine, so that a node without runs does not pay for one. */
export async function hasPendingRuns(pool: Pool): Promise<boolean> {
  const [table] = await pool.query<{ it: string | null }>("select to_regclass($1)::text as it", [
    `${pool.schema}.flow_run`,
  ]);
  if (typeof table?.it !== "string") return false;
  const [row] = await pool.query<{ it: boolean }>("select exists(select from flow_run where ended is null) as it");
  return row?.it === true;
}
