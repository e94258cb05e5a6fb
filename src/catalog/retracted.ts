import type { Database } from "../db/database.ts";

/** Those of some ids under which there are items, and all of them retracted, whoever may see them. */
export async function retractedAmong(db: Database, ids: readonly string[]): Promise<ReadonlySet<string>> {
  const rows = await db.query<{ readonly id: string }>(
    `select id from item where id = any($1)
      group by id having bool_and(coalesce(properties -> 'retracted' = 'true', false))`,
    [ids],
  );
  return new Set(rows.map(({ id }) => id));
}
