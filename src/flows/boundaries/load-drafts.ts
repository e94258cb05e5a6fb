import type { IoCall } from "../../core/array.ts";
import type { Database } from "../../db/database.ts";
import { GyreError } from "../../errors.ts";
import type { BoundaryDraft, Loaded, LoadOptions } from "./admin.ts";
import { insertCurrent } from "./boundary-rows.ts";
import { checkName } from "./names.ts";

/** Of one statement; a boundary alone may have more. */
const BATCH = 200;
const BATCH_VERTICES = 100_000;

/** Makes drafts current in a transaction, a batch at a time: memory holds their names and one batch. */
export async function loadDrafts(
  tx: Database,
  drafts: AsyncIterable<BoundaryDraft>,
  { source, replace = false }: LoadOptions,
  { signal }: IoCall,
): Promise<Loaded> {
  await tx.query(
    `create temporary table boundary_before on commit drop as
     select name, digest from boundary where current and not ad_hoc`,
  );
  if (replace) await tx.query("update boundary set current = false where current and not ad_hoc");
  const names = new Map<string, string>();
  let batch: BoundaryDraft[] = [];
  let vertices = 0;
  const flush = async (): Promise<void> => {
    if (batch.length > 0) await insertCurrent(tx, batch, { source, isAdHoc: false });
    batch = [];
    vertices = 0;
  };
  for await (const draft of drafts) {
    signal?.throwIfAborted();
    const other = names.get(checkName(draft.name));
    if (other !== undefined)
      throw new GyreError("Conflict", `two boundaries are called ${draft.name}: ${other} and ${draft.nameLong}`, {
        subject: draft.name,
      });
    names.set(draft.name, draft.nameLong);
    batch.push(draft);
    vertices += draft.geometry.coordinates.flat().reduce((sum, ring) => sum + ring.length, 0);
    if (batch.length >= BATCH || vertices >= BATCH_VERTICES) await flush();
  }
  await flush();
  const [counts] = await tx.query<{ added: number; changed: number; removed: number }>(
    `select count(*) filter (where old.name is null) as added,
       count(*) filter (where old.digest <> now.digest) as changed,
       count(*) filter (where now.name is null) as removed
     from boundary_before old full join (select name, digest from boundary where current and not ad_hoc) now using (name)`,
  );
  const { added, changed, removed } = counts ?? { added: 0, changed: 0, removed: 0 };
  return { added, changed, unchanged: names.size - added - changed, removed };
}
