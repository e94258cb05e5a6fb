import type { Call } from "../core/principal.ts";
import type { Json, StacCollection } from "../core/stac.ts";
import type { Database } from "../db/database.ts";
import { GyreError } from "../errors.ts";
import type { Aggregation, AggregationResult, Catalog, Page, Search, Stored, StoredItem } from "./catalog.ts";
import { findCollection, searchCollections } from "./collections.ts";
import { checkPrefix, rangeOf } from "./compare/paths.ts";
import { queryablesOf, type Summaries } from "./queryables.ts";
import { aggregateItems } from "./search/aggregate.ts";
import { Counting, type CountingOptions } from "./search/counting.ts";
import { searchPage } from "./search/page.ts";
import { streamItems } from "./search/stream.ts";
import { sql } from "./sql.ts";
import { ITEM_TEXTS, type ItemTexts, UnparsedItem } from "./stored-item.ts";
import { inVisible, visibleTo } from "./visible.ts";

export interface CatalogOptions extends CountingOptions {
  /** Items of one page, at most; default 10,000. */
  readonly mostItems?: number;
}

/** The catalogue in the tables of `sql/node`. */
export function createCatalog(db: Database, options: CatalogOptions = {}): Catalog {
  return new PostgresCatalog(db, options);
}

class PostgresCatalog implements Catalog {
  readonly #db: Database;
  readonly #mostItems: number;
  readonly #counting: Counting;

  constructor(db: Database, { mostItems = 10_000, ...counting }: CatalogOptions) {
    this.#db = db;
    this.#mostItems = mostItems;
    this.#counting = new Counting(db, counting);
  }

  collection(id: string, call: Call): Promise<Stored<StacCollection> | undefined> {
    return findCollection(this.#db, id, call);
  }

  collections(search: Search, call: Call): Promise<Page<Stored<StacCollection>>> {
    return searchCollections(this.#db, this.#checked(search), call);
  }

  async item(collection: string, id: string, call: Call): Promise<StoredItem | undefined> {
    const { text, values } = sql`
      select ${ITEM_TEXTS} from item
      where id = ${id} and collection = ${collection} and ${inVisible(call.who)}`;
    const [row] = await this.#db.query<ItemTexts>(text, values, call);
    return row && new UnparsedItem(row);
  }

  async search(search: Search, call: Call): Promise<Page<StoredItem>> {
    this.#checked(search);
    if (search.isCounted === false) return searchPage(this.#db, search, call);
    const page = await searchPage(this.#db, search, call);
    // A first page without a next is all there is.
    const isAll = search.token === undefined && page.next === undefined;
    const matched = page.matched ?? (isAll ? page.entries.length : await this.#counting.count(search, call));
    return matched === undefined ? page : { ...page, matched };
  }

  async idsBelow(collection: string, prefix: string, most: number, call: Call): Promise<readonly string[] | undefined> {
    checkPrefix(prefix);
    const { text, values } = sql`
      select id from item where ${rangeOf(collection, prefix)} and ${inVisible(call.who)}
      order by path limit ${most + 1}`;
    const rows = await this.#db.query<{ readonly id: string }>(text, values, call);
    return rows.length > most ? undefined : rows.map(({ id }) => id);
  }

  stream(search: Search, call: Call): AsyncIterable<readonly StoredItem[]> {
    return streamItems(this.#db, search, call);
  }

  aggregate(search: Search, aggregations: readonly Aggregation[], call: Call): Promise<readonly AggregationResult[]> {
    return aggregateItems(this.#db, search, aggregations, call);
  }

  async queryables(collection: string | undefined, call: Call): Promise<{ readonly [name: string]: Json }> {
    const { text, values } = sql`
      select queryables from collection
      where ${visibleTo(call.who)} and (${collection ?? null}::text is null or id = ${collection ?? null}) limit 10000`;
    const rows = await this.#db.query<{ readonly queryables: Summaries }>(text, values, call);
    if (collection !== undefined && rows.length === 0) {
      throw new GyreError("NotFound", `collection ${collection} does not exist`, { subject: collection });
    }
    return queryablesOf(rows.map(({ queryables }) => queryables));
  }

  #checked(search: Search): Search {
    const { limit } = search;
    if (Number.isInteger(limit) && limit >= 1 && limit <= this.#mostItems) return search;
    throw new GyreError("BadRequest", `limit is a number from 1 to ${this.#mostItems}`, { subject: "limit" });
  }
}
