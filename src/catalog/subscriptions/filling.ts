import type { Call } from "../../core/principal.ts";
import type { Database, Pool } from "../../db/database.ts";
import type { Batch } from "../../log/event-log.ts";
import type { Search } from "../catalog.ts";
import { appliedPositions, holdFollowers, isBefore, type Positions, RETRIES, type Source } from "../compare/sources.ts";
import { aboutItem } from "./change.ts";
import { applyToPast } from "./past.ts";
import { changesOf, type ParseSearch, record } from "./recording.ts";
import { COLUMNS, MOST_WAITING, type Subscription } from "./subscription.ts";

/** What is to be done next: more of the same, soon or when something arrived; or nothing more. */
export type Filled = "more" | "later" | "full" | "live" | "gone";

/** Messages of one transaction. */
const BATCH = 500;
/** Batches for which followers are made to wait, at most. */
const MOST_HELD = 4;

/**
 * Looks through the past for a subscription, a step at a time: the log from its beginning, so that each item is known as
 * it was, and from `since` on what is to be told. It stays behind the catalogue; where it has come up to it, it holds
 * the followers for a moment and hands over to them, so that nothing is told twice or not at all.
 */
export class Filling {
  readonly #pool: Pool;
  readonly #sources: readonly Source[];
  readonly #parse: ParseSearch;

  constructor(pool: Pool, sources: readonly Source[], parse: ParseSearch) {
    this.#pool = pool;
    this.#sources = sources;
    this.#parse = parse;
  }

  async step(id: string, call: Call): Promise<Filled> {
    const [subscription] = await this.#pool.query<Subscription>(
      `select ${COLUMNS} from subscription where id = $1`,
      [id],
      call,
    );
    if (subscription === undefined) return "gone";
    if (subscription.read === null) return "live";
    const { paused, notices, delivered } = subscription;
    if (paused || notices - delivered > MOST_WAITING - BATCH) return "full";
    const positions = await appliedPositions(this.#pool);
    for (const source of this.#sources) {
      for await (const batch of this.#batches(source, subscription.read, positions, call)) {
        await this.#pool.transaction(async (tx) => {
          const locked = await lock(tx, id);
          // Another process may have been quicker.
          if (JSON.stringify(locked?.read) !== JSON.stringify(subscription.read)) return;
          await this.#apply(tx, subscription, source, batch);
        });
        return "more";
      }
    }
    return this.#pool.transaction((tx) => this.#handOver(tx, id, call), { retries: RETRIES });
  }

  async #handOver(tx: Database, id: string, call: Call): Promise<Filled> {
    const positions = await holdFollowers(tx, this.#sources);
    // One that has yet to begin cannot be held.
    if (this.#sources.some(({ consumer }) => positions[consumer] === undefined)) return "later";
    let subscription = await lock(tx, id);
    let count = 0;
    for (const source of this.#sources) {
      if (subscription === undefined) return "gone";
      if (subscription.read === null) return "live";
      for await (const batch of this.#batches(source, subscription.read, positions, call)) {
        if (++count > MOST_HELD || subscription.notices - subscription.delivered > MOST_WAITING - BATCH) return "more";
        await this.#apply(tx, subscription, source, batch);
        subscription = (await lock(tx, id)) as Subscription;
      }
    }
    await tx.query("update subscription set read = null, since = null where id = $1", [id]);
    await tx.query("delete from subscription_past where subscription = $1", [id]);
    return "live";
  }

  /**
   * Batches of what the catalogue has applied and the subscription has not seen, one partition after the other: what is
   * behind that may be a lot, and is not looked at.
   */
  async *#batches(
    { consumer, log, topics }: Source,
    read: Positions,
    positions: Positions,
    call: Call,
  ): AsyncGenerator<Batch> {
    for (const [partition, end] of Object.entries(positions[consumer] ?? {})) {
      const start = read[consumer]?.[partition] ?? 0;
      if (start >= end) continue;
      const options = { from: { [partition]: start }, partitions: [partition], topics, batch: BATCH };
      for await (const { messages, next } of log.read(options, call)) {
        const applied = messages.filter(({ offset }) => offset < end);
        const to = Math.min(next[partition] ?? end, end);
        if (applied.length > 0) yield { messages: applied, next: { [partition]: to } };
        if (to === end) break;
      }
    }
  }

  async #apply(tx: Database, subscription: Subscription, source: Source, { messages, next }: Batch): Promise<void> {
    const { id, since, read } = subscription;
    const search = this.#parse(subscription.search);
    const about = messages.flatMap((message) => aboutItem(message) ?? []);
    const wanted = about.filter(({ collection, id: item }) => isAsked(search, collection, item));
    const done = await applyToPast(tx, id, wanted);
    const told = done.filter(({ about: { message } }) => {
      return !isBefore(since ?? {}, source.consumer, message.partition, message.offset);
    });
    await record(tx, subscription, changesOf(told.map(({ change }) => change)), this.#parse);
    await tx.query("update subscription set read = read || jsonb_build_object($2::text, $3::jsonb) where id = $1", [
      id,
      source.consumer,
      JSON.stringify({ ...read?.[source.consumer], ...next }),
    ]);
  }
}

async function lock(tx: Database, id: string): Promise<Subscription | undefined> {
  const [row] = await tx.query<Subscription>(`select ${COLUMNS} from subscription where id = $1 for update`, [id]);
  return row;
}

/** What can be said of a search without the document: spares most of the past. */
function isAsked({ collections, ids }: Search, collection: string, id: string): boolean {
  return (collections?.includes(collection) ?? true) && (ids?.includes(id) ?? true);
}
