import type { StacItem } from "../../core/stac.ts";
import type { Database } from "../../db/database.ts";
import { sqlState } from "../../db/failure.ts";
import { isGyreError } from "../../errors.ts";
import type { Recorded } from "../../log/event-log.ts";
import type { Failure, Projection } from "../../log/projection.ts";
import { keyOfItem } from "../batch.ts";
import { appliedPositions, type Positions } from "../compare/sources.ts";
import { itemOf } from "../item-row.ts";
import { type AboutItem, aboutItem, type Change, changeOf } from "./change.ts";
import { changesOf, fallBack, type ParseSearch, record } from "./recording.ts";
import { COLUMNS, type Subscription } from "./subscription.ts";

/**
 * A catalogue that tells its subscriptions: each event is compared with the items before and after it, and what is to be
 * told is kept in the transaction of the effect. So a notice is made once for an event that had an effect, whatever
 * comes twice or is lost. Sending is others' work. Without subscriptions it costs one statement a batch.
 */
export function withNotices(inner: Projection, parse: ParseSearch): Projection {
  return {
    name: inner.name,
    topics: inner.topics,
    async apply(messages, tx) {
      const live = await tx.query<Subscription>(`select ${COLUMNS} from subscription where read is null order by id`);
      if (live.length === 0) return inner.apply(messages, tx);
      const isTold = await toldBefore(tx, inner.name);
      const failures: Failure[] = [];
      const changes: Change[] = [];
      for (const run of runsOf(messages)) {
        const before = await itemsOf(tx, run.about);
        failures.push(...(await inner.apply(run.messages, tx)));
        const news = run.about.filter(({ message }) => !isTold(message));
        changes.push(...(await effectsOf(tx, news, before)));
      }
      if (changes.length > 0) await tell(tx, inner.name, live, { messages, changes }, parse);
      return failures;
    },
  };
}

interface Batch {
  readonly messages: readonly Recorded[];
  readonly changes: readonly Change[];
}

async function tell(
  tx: Database,
  consumer: string,
  live: readonly Subscription[],
  { messages, changes }: Batch,
  parse: ParseSearch,
): Promise<void> {
  const asked = changesOf(changes);
  for (const subscription of live) {
    // A subscription that cannot be asked must not keep the catalogue from going on.
    const trouble = await tx
      .transaction((inner) => record(inner, subscription, asked, parse))
      .then((isKept) => ({ isKept }))
      .catch((error: unknown) => {
        if (isPassing(error)) throw error;
        return { isKept: false, error };
      });
    if (trouble.isKept) continue;
    const since = await positionsBefore(tx, consumer, messages);
    await fallBack(tx, subscription.id, since, "error" in trouble ? trouble.error : undefined);
  }
}

/** A server that is away, a deadlock: not the search is to blame, and the batch comes again. */
function isPassing(error: unknown): boolean {
  const state = sqlState(error);
  if (state !== undefined) return !/^(21|22|42|54)/.test(state);
  return isGyreError(error, "Busy") || error instanceof DOMException;
}

interface Run {
  readonly messages: Recorded[];
  readonly about: AboutItem[];
}

/** Cuts a batch where an item comes again, so that what lies between two events of it is seen. */
function runsOf(messages: readonly Recorded[]): Run[] {
  const runs: Run[] = [];
  let keys = new Set<string>();
  for (const message of messages) {
    const about = aboutItem(message);
    let run = runs.at(-1);
    if (run === undefined || (about !== undefined && keys.has(about.key))) {
      run = { messages: [], about: [] };
      runs.push(run);
      keys = new Set();
    }
    run.messages.push(message);
    if (about === undefined) continue;
    run.about.push(about);
    keys.add(about.key);
  }
  return runs;
}

interface Known {
  readonly etag: string;
  readonly item: StacItem;
}

async function itemsOf(tx: Database, about: readonly AboutItem[]): Promise<Map<string, Known>> {
  const rows = await tx.query<{ id: string; collection: string; etag: string; body: object; properties: object }>(
    `select i.id, i.collection, i.etag, i.body, i.properties
      from json_to_recordset($1) as k(collection text, id text)
      join item i on i.id = k.id and i.collection = k.collection`,
    [JSON.stringify(about.map(({ collection, id }) => ({ collection, id })))],
  );
  return new Map(
    rows.map(({ id, collection, etag, body, properties }) => {
      return [keyOfItem(collection, id), { etag, item: itemOf(body, properties) }];
    }),
  );
}

/** What had an effect: the item bears its id now, or is gone by it. */
async function effectsOf(
  tx: Database,
  about: readonly AboutItem[],
  before: ReadonlyMap<string, Known>,
): Promise<readonly Change[]> {
  const after = await itemsOf(tx, about);
  return about.flatMap((one) => {
    const [was, is] = [before.get(one.key), after.get(one.key)];
    const { event_id: eventId } = one.event.metadata;
    const isEffect = is === undefined ? was !== undefined : is.etag === eventId && was?.etag !== eventId;
    return isEffect ? [changeOf(one, was?.item, is?.item)] : [];
  });
}

/** Whether a message was applied before the catalogue was made again from its log. */
async function toldBefore(tx: Database, consumer: string): Promise<(message: Recorded) => boolean> {
  const rows = await tx.query<{ partition: string; until: number }>(
    "select partition, until from told where consumer = $1",
    [consumer],
  );
  const until = new Map(rows.map((row) => [row.partition, row.until]));
  return ({ partition, offset }) => offset < (until.get(partition) ?? 0);
}

/** To be called before a catalogue is made again from its log: what was told of is not told of again. */
export async function keepTold(db: Database): Promise<void> {
  await db.query(
    `insert into told (consumer, partition, until) select consumer, partition, next from consumer_position
      on conflict (consumer, partition) do update set until = greatest(told.until, excluded.until)`,
  );
}

/** Where the consumers were before this batch: its own position has moved already. */
async function positionsBefore(tx: Database, consumer: string, messages: readonly Recorded[]): Promise<Positions> {
  const positions = await appliedPositions(tx);
  const own: Record<string, number> = { ...positions[consumer] };
  for (const { partition, offset } of messages) own[partition] = Math.min(own[partition] ?? offset, offset);
  return { ...positions, [consumer]: own };
}
