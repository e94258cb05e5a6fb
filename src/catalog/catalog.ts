import type { Payload, Requester } from "../core/event.ts";
import type { Call } from "../core/principal.ts";
import type { Geometry, Json, StacCollection, StacItem } from "../core/stac.ts";
import type { Fault } from "../errors.ts";
import type { Expression } from "./cql2/expression.ts";

/** A document with what the catalogue knows of it. */
export interface Stored<T> {
  readonly document: T;
  /** The id of the last event that was applied: the strong entity tag. */
  readonly etag: string;
  readonly updated: Date;
}

/** An item, and the JSON that is stored of it: what is answered as it is need not be parsed. */
export interface StoredItem extends Stored<StacItem> {
  /** All but the properties. */
  readonly body: string;
  readonly properties: string;
}

export interface SortKey {
  /** `id`, `collection`, `datetime`, or a property without `properties.`. */
  readonly field: string;
  readonly direction: "asc" | "desc";
}

/** What items are asked for. Everything has passed its checks: boxes and times are sane, text is bounded. */
export interface Search {
  readonly collections?: readonly string[];
  readonly ids?: readonly string[];
  /**
   * West, south, east, north in degrees; west > east crosses the antimeridian. Heights of a 3-D box are apart:
   * items whose heights are not known meet all.
   */
  readonly bbox?: readonly [number, number, number, number];
  readonly heights?: readonly [number, number];
  readonly intersects?: Geometry;
  /** Both ends included; undefined: open. */
  readonly datetime?: { readonly start?: Date; readonly end?: Date };
  readonly filter?: Expression;
  /** Free text: groups of which all terms must be there, one group at least. */
  readonly q?: readonly (readonly string[])[];
  readonly sortby?: readonly SortKey[];
  readonly limit: number;
  /** Opaque, signed by nobody: everything in it is checked again. */
  readonly token?: string;
  /** Counted unless false, for as long as the catalogue's `countMs` allows. */
  readonly isCounted?: boolean;
}

export interface Page<Entry> {
  readonly entries: readonly Entry[];
  /** Exact; absent where nobody asked, or where counting would take too long. */
  readonly matched?: number;
  readonly next?: string;
  readonly previous?: string;
}

/** What a client wants changed, and the conditions it sets. */
export interface Change {
  readonly payload: Payload;
  readonly requester: Requester;
  /** `Idempotency-Key`; else a new id. */
  readonly eventId?: string;
  readonly requestId: string;
  readonly publisher: { readonly package: string; readonly version: string };
}

/** What became of an event: `pending` until this node has applied it. */
export interface EventStatus {
  readonly event_id: string;
  readonly status: "pending" | "applied" | "failed";
  readonly collection: string;
  readonly item: string | null;
  readonly method: string;
  readonly accepted: Date;
  readonly applied: Date | null;
  /** RFC 9457 of a failed one: its status says 409, 404 or 412. */
  readonly problem: { readonly status: number; readonly [member: string]: Json } | null;
  /** What is not right with the document, which was taken all the same; told once, when it is accepted. */
  readonly warnings?: readonly Fault[];
}

/** The catalogue of one node as protocols see it. `call.who` decides what is visible. */
export interface Catalog {
  collection(id: string, call: Call): Promise<Stored<StacCollection> | undefined>;
  collections(search: Search, call: Call): Promise<Page<Stored<StacCollection>>>;
  item(collection: string, id: string, call: Call): Promise<StoredItem | undefined>;
  search(search: Search, call: Call): Promise<Page<StoredItem>>;
  /**
   * Ids of the items of a collection whose path, the hash of an id in hexadecimal digits, begins with a prefix; undefined:
   * they are more than `most`. Throws BadRequest for what is no prefix.
   */
  idsBelow(collection: string, prefix: string, most: number, call: Call): Promise<readonly string[] | undefined>;
  /** All that a search matches, whatever its limit, in its order, a batch at a time. */
  stream(search: Search, call: Call): AsyncIterable<readonly StoredItem[]>;
  aggregate(search: Search, aggregations: readonly Aggregation[], call: Call): Promise<readonly AggregationResult[]>;
  /** JSON Schema properties of what can be filtered by, derived from the items. */
  queryables(collection: string | undefined, call: Call): Promise<{ readonly [name: string]: Json }>;
}

/** The door of a writable catalogue. */
export interface Writes {
  /**
   * Validates, checks existence and If-Match against the catalogue and what is pending, and appends, one event a change,
   * in order. Throws Conflict (there is one, or a key came again with another body), NotFound, PreconditionFailed or
   * Invalid; then nothing was appended.
   */
  accept(changes: readonly Change[], call: Call): Promise<readonly EventStatus[]>;
  status(eventId: string, call: Call): Promise<EventStatus | undefined>;
  /** Ends when the event is applied or failed, or after `ms`. */
  settled(eventId: string, ms: number, call: Call): Promise<EventStatus | undefined>;
}

export interface Aggregation {
  /**
   * `total_count`, `datetime_min`, `datetime_max`, `datetime_frequency`, `{property}_frequency`, `collection_frequency`,
   * `grid_geohash_frequency`, `grid_geotile_frequency` (also as `centroid_geohash_grid_frequency` ...). Grids count the
   * middle of an item's box.
   */
  readonly name: string;
  readonly interval?: "day" | "month" | "year";
  readonly precision?: number;
}

export interface AggregationResult {
  readonly name: string;
  readonly data_type: "integer" | "datetime" | "string" | "frequency_distribution" | "numeric";
  readonly value?: number | string | null;
  readonly buckets?: readonly {
    readonly key: string;
    readonly data_type: string;
    readonly frequency: number;
    readonly from?: number | string;
    readonly to?: number | string;
  }[];
  readonly overflow?: number;
}
