import type { Call } from "../../core/principal.ts";
import type { Database } from "../../db/database.ts";
import type { Search } from "../catalog.ts";
import { countMatches } from "./count.ts";

export interface CountingOptions {
  /**
   * Milliseconds after which counting is given up; default 2,000 for whoever asks for one item, which is to ask how many
   * there are, and 250 for others.
   */
  readonly countMs?: number;
  /** Items from which on a page waits for its count no longer than `briefMs`; default 200,000. */
  readonly largeItems?: number;
  /** Default 5. */
  readonly briefMs?: number;
}

const COUNT_MS = 250;
const PATIENT_COUNT_MS = 2000;
/** Searches of a kind that are not counted after one that took longer. */
const SKIPPED = 20;
const MOST_KINDS = 1000;
/** How long the size of the catalogue is believed. */
const SIZE_MS = 60_000;

/** How many items match the searches of pages, as far as there is time. */
export class Counting {
  readonly #db: Database;
  readonly #countMs: number | undefined;
  readonly #largeItems: number;
  readonly #briefMs: number;
  #size: { readonly items: Promise<number>; readonly until: number } | undefined;
  /** Kinds of searches that are not counted now, and how many more of them. */
  readonly #skipped = new Map<string, number>();

  constructor(db: Database, { countMs, largeItems = 200_000, briefMs = 5 }: CountingOptions) {
    this.#db = db;
    this.#countMs = countMs;
    this.#largeItems = largeItems;
    this.#briefMs = briefMs;
  }

  /** Undefined where counting takes too long. */
  async count(search: Search, call: Call): Promise<number | undefined> {
    const isOne = search.limit === 1;
    if (!isOne && (await this.#isLarge())) return this.#briefly(search, call);
    return countMatches(this.#db, search, call, this.#countMs ?? (isOne ? PATIENT_COUNT_MS : COUNT_MS));
  }

  async #briefly(search: Search, call: Call): Promise<number | undefined> {
    const kind = kindOf(search);
    const left = this.#skipped.get(kind) ?? 0;
    this.#skipped.delete(kind);
    if (left > 0) {
      this.#skipped.set(kind, left - 1);
      return undefined;
    }
    const count = await countMatches(this.#db, search, call, this.#briefMs);
    if (count === undefined) this.#skipped.set(kind, SKIPPED);
    if (this.#skipped.size > MOST_KINDS) this.#skipped.delete(this.#skipped.keys().next().value as string);
    return count;
  }

  /** As the server estimates it, which costs nothing. */
  async #isLarge(): Promise<boolean> {
    if (this.#size === undefined || this.#size.until < performance.now()) {
      const rows = this.#db.query<{ items: number }>(
        "select reltuples as items from pg_class where oid = 'item'::regclass",
      );
      const items = rows.then(([row]) => row?.items ?? 0);
      this.#size = { items, until: performance.now() + SIZE_MS };
      items.catch(() => {
        this.#size = undefined;
      });
    }
    return (await this.#size.items) >= this.#largeItems;
  }
}

/** Searches with the same collections and conditions on the same things take about as long. */
function kindOf({ collections, token: _token, limit: _limit, sortby: _sortby, ...conditions }: Search): string {
  return JSON.stringify([collections?.slice(0, 10), Object.keys(conditions).sort()]);
}
