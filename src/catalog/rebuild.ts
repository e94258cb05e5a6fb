import type { TopicFilter } from "../core/topic.ts";
import type { Database } from "../db/database.ts";
import { GyreError } from "../errors.ts";
import type { Position } from "../log/event-log.ts";

/**
 * Forgets everything that the log made: its consumers find their positions gone and begin at the beginning. Throws
 * Conflict where the log no longer has its beginning, since what it lost would be lost here too.
 */
export async function rebuildCatalog(db: Database, tails: Position): Promise<void> {
  const trimmed = Object.entries(tails).filter(([, offset]) => offset > 0);
  if (trimmed.length > 0) {
    throw new GyreError("Conflict", "the log no longer has its beginning: the catalogue cannot be made from it again");
  }
  await db.transaction(async (tx) => {
    // Waits for whoever applies, and fences them: their positions are not what they were.
    await tx.query("delete from consumer_position");
    await tx.query("truncate item, collection");
    await tx.query("delete from outcome where applied is not null");
  });
}

/** Removes the items of topics that a consumer follows no longer, and collections that nothing is left of. */
export async function removeUnfollowed(tx: Database, topics: TopicFilter): Promise<void> {
  const found = await tx.query<{ topic: string }>("select distinct topic from item where topic is not null");
  const gone = found.map(({ topic }) => topic).filter((topic) => !topics.test(topic));
  await tx.query(
    `with gone as (delete from item where topic = any($1) returning collection),
          counts as (select collection, count(*) as items from gone group by collection)
     update collection set items = collection.items - counts.items from counts where collection.id = counts.collection`,
    [gone],
  );
  await tx.query("delete from collection where items <= 0 and document is null");
}
