import { keyOf } from "../../core/event.ts";
import type { Call } from "../../core/principal.ts";
import type { Database, Pool } from "../../db/database.ts";
import { type Arrived, applyEvents } from "../apply.ts";
import { History, type Truth, truthOf } from "./history.ts";
import { holdFollowers, RETRIES, type Source } from "./sources.ts";

/** An item that is to be held to this node's log, or the document of its collection. */
export interface Suspect {
  /** `ITSELF`: the document of the collection. */
  readonly id: string;
  /** The last event that another node has of it. */
  readonly theirs?: string;
}

/** What it is after it was held to the log. */
export interface Healed {
  readonly id: string;
  /** `unknown`: the log has no beginning of it, and it was left as it is. */
  readonly state: "asLogged" | "repaired" | "unknown";
  /** Null: there is no such item. */
  readonly digest: string | null;
  readonly etag: string | null;
  /** The last event, also where it took the item away, and when it was; undefined where nothing is known. */
  readonly lastEvent?: string;
  readonly time?: Date;
  readonly isDeleted: boolean;
  readonly isRetracted: boolean;
  /** It went through the event that the other node has last: what differs is newer here. */
  readonly knowsTheirs: boolean;
}

export interface Healing {
  /** Makes documents what the log says they are, where they are not. A dry run only tells. */
  heal(collection: string, suspects: readonly Suspect[], isDryRun: boolean, call: Call): Promise<readonly Healed[]>;
}

/** As what the document of a collection is kept in order among its items: see `keyOf`. */
export const ITSELF = "";
/** Items of one call. */
export const MOST_SUSPECTS = 1000;
const BATCH = 500;

/**
 * A catalogue is made from its log: an item that is not as the log says was changed or lost behind its back. It is made
 * again by applying its events again, while followers wait; nothing is appended, and nobody else is told.
 */
export function createHealing(pool: Pool, sources: readonly Source[]): Healing {
  return {
    async heal(collection, suspects, isDryRun, call) {
      const history = new History(
        collection,
        suspects.map(({ id }) => id),
      );
      // Most of it while the followers go on.
      await history.read(sources, call);
      return pool.transaction(
        async (tx) => {
          const positions = await holdFollowers(tx, sources);
          await history.read(sources, call);
          const arrived = history.applied(positions);
          const truths = truthOf(arrived);
          const found = await itemsOf(tx, collection, suspects);
          const wanted = await digestsOf(tx, truths);
          const healed = suspects.map((suspect): Healed => {
            const key = `${collection}/${suspect.id}`;
            return judged(suspect, truths.get(key), found.get(suspect.id), wanted.get(key));
          });
          const broken = new Set(healed.filter(({ state }) => state === "repaired").map(({ id }) => id));
          if (!isDryRun && broken.size > 0) await repair(tx, collection, broken, arrived);
          return healed;
        },
        { retries: RETRIES },
      );
    },
  };
}

interface Found {
  readonly id: string;
  readonly digest: string;
  readonly etag: string;
  readonly time: Date;
  readonly isRetracted: boolean;
}

async function itemsOf(tx: Database, collection: string, suspects: readonly Suspect[]): Promise<Map<string, Found>> {
  const rows = await tx.query<Found>(
    `select id, encode(digest, 'hex') as digest, etag, coalesce(accepted, updated) as time, "isRetracted"
      from (
        select id, digest, etag, updated, coalesce(properties -> 'retracted' = 'true', false) as "isRetracted"
        from item where collection = $1 and id = any($2)
        union all
        select $3, document_digest(document::json, '{}'), etag, updated, false
        from collection where id = $1 and document is not null and $3 = any($2)
      ) as i left join lateral (select accepted from outcome where event_id = i.etag) o on true`,
    [collection, suspects.map(({ id }) => id), ITSELF],
  );
  return new Map(rows.map((row) => [row.id, row]));
}

/** Digests as the database makes them of what it stores. */
async function digestsOf(tx: Database, truths: ReadonlyMap<string, Truth>): Promise<Map<string, string>> {
  const rows = [...truths].flatMap(([key, { state }]) => {
    return state === undefined ? [] : [{ key, body: state.body, properties: state.properties }];
  });
  const digests = await tx.query<{ key: string; digest: string }>(
    `select key, encode(document_digest(body, properties), 'hex') as digest
      from json_to_recordset($1) as r(key text, body json, properties jsonb)`,
    [JSON.stringify(rows)],
  );
  return new Map(digests.map(({ key, digest }) => [key, digest]));
}

function judged(
  { id, theirs = "" }: Suspect,
  truth: Truth | undefined,
  found: Found | undefined,
  wanted: string | undefined,
): Healed {
  const knowsTheirs = found?.etag === theirs || truth?.known.has(theirs) === true;
  if (truth === undefined) {
    const { digest = null, etag = null, time, isRetracted = false } = found ?? {};
    const known = time === undefined || etag === null ? {} : { lastEvent: etag, time };
    return { id, state: "unknown", digest, etag, ...known, isDeleted: false, isRetracted, knowsTheirs };
  }
  const { state, eventId, time } = truth;
  const isAsLogged = found?.digest === wanted && found?.etag === state?.etag;
  return {
    id,
    state: isAsLogged ? "asLogged" : "repaired",
    digest: wanted ?? null,
    etag: state?.etag ?? null,
    lastEvent: eventId,
    time,
    isDeleted: state === undefined,
    isRetracted: (state?.properties as { readonly retracted?: unknown } | undefined)?.retracted === true,
    knowsTheirs,
  };
}

/** Takes back that the events were applied, and applies them again by the one way there is. */
async function repair(
  tx: Database,
  collection: string,
  broken: ReadonlySet<string>,
  arrived: readonly Arrived[],
): Promise<void> {
  const keys = new Set([...broken].map((id) => `${collection}/${id}`));
  const again = arrived.filter(({ event }) => keys.has(keyOf(event.data.payload)));
  await tx.query("delete from item where collection = $1 and id = any($2)", [collection, [...broken]]);
  if (broken.has(ITSELF)) await tx.query("update collection set document = null where id = $1", [collection]);
  await tx.query("update outcome set applied = null, applied_count = 0 where event_id = any($1)", [
    again.map(({ event }) => event.metadata.event_id),
  ]);
  for (let i = 0; i < again.length; i += BATCH) await applyEvents(tx, again.slice(i, i + BATCH));
  // What was done behind the catalogue's back was not counted.
  await tx.query("update collection set items = (select count(*) from item where collection = $1) where id = $1", [
    collection,
  ]);
}
