import type { Json } from "../core/stac.ts";
import type { Database } from "../db/database.ts";
import { GyreError } from "../errors.ts";
import type { Position } from "../log/event-log.ts";
import { type Summaries, SummaryBuilder } from "./queryables.ts";

/**
 * Forgets everything that the logs made: their consumers find their positions gone and begin at the beginning. Throws
 * Conflict where a log no longer has its beginning, since what it lost would be lost here too.
 */
export async function rebuildCatalog(
  db: Database,
  tails: readonly Position[],
  consumers: readonly string[],
): Promise<void> {
  if (tails.some((tail) => Object.values(tail).some((offset) => offset > 0))) {
    throw new GyreError("Conflict", "the log no longer has its beginning: the catalogue cannot be made from it again");
  }
  await db.transaction(async (tx) => {
    // Waits for whoever applies, and fences them: their positions are not what they were.
    await tx.query("delete from consumer_position where consumer = any($1)", [consumers]);
    await tx.query("truncate item, collection");
    await tx.query("delete from outcome where applied is not null");
  });
}

/** Items that are taken away at once. */
const BATCH = 1000;

/**
 * Removes the items of topics that nobody here follows any more, and collections that nothing is left of. Their events
 * are forgotten too, so that they have their effect again when the pattern is widened.
 */
export async function removeUnfollowed(tx: Database, isFollowed: (topic: string) => boolean): Promise<void> {
  const found = await tx.query<{ topic: string }>("select distinct topic from item where topic is not null");
  const topics = found.map(({ topic }) => topic).filter((topic) => !isFollowed(topic));
  if (topics.length === 0) return;
  await tx.query(
    "delete from outcome o using item i where i.topic = any($1) and o.collection = i.collection and o.item = i.id",
    [topics],
  );
  await tx.query("select 1 from collection order by id for update");
  const collections = await tx.query<{ id: string; queryables: Summaries }>(
    "select id, queryables from collection where id in (select collection from item where topic = any($1))",
    [topics],
  );
  for (const { id, queryables } of collections) {
    const summaries = new SummaryBuilder(queryables);
    const removed = await removeItems(tx, id, topics, (properties) => summaries.add(properties, -1));
    await tx.query("update collection set items = items - $2, queryables = $3::jsonb where id = $1", [
      id,
      removed,
      JSON.stringify(summaries.summaries()),
    ]);
  }
  await tx.query("delete from collection where items <= 0 and document is null");
}

type Properties = { readonly [name: string]: Json };

async function removeItems(
  tx: Database,
  collection: string,
  topics: readonly string[],
  told: (properties: Properties) => void,
): Promise<number> {
  for (let removed = 0; ; ) {
    const gone = await tx.query<{ properties: Properties }>(
      `delete from item where collection = $1 and id in
         (select id from item where collection = $1 and topic = any($2) limit $3)
       returning properties`,
      [collection, topics, BATCH],
    );
    for (const { properties } of gone) told(properties);
    removed += gone.length;
    if (gone.length < BATCH) return removed;
  }
}
