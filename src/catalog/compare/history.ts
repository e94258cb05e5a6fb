import { decodeEvent, itemIdOf, keyOf, type Payload } from "../../core/event.ts";
import type { Call } from "../../core/principal.ts";
import { GyreError, isGyreError } from "../../errors.ts";
import { BEGINNING, type Position, type Recorded } from "../../log/event-log.ts";
import type { Arrived } from "../apply.ts";
import { BatchState, type ItemState, keyOfItem } from "../batch.ts";
import { isBefore, type Positions, type Source } from "./sources.ts";

/** The last event that changed an item, or the document of a collection, and what it is since. */
export interface Truth {
  readonly eventId: string;
  readonly time: Date;
  /** Undefined: it was deleted. */
  readonly state: Pick<ItemState, "etag" | "body" | "properties"> | undefined;
  /** Every event that it went through. */
  readonly known: ReadonlySet<string>;
}

/** Of events that are kept to be applied again. */
const MOST_BYTES = 256 * 1024 * 1024;

/** All that the log says of some items. */
export class History {
  readonly #keys: ReadonlySet<string>;
  readonly #found: { readonly consumer: string; readonly message: Recorded }[] = [];
  readonly #next = new Map<Source, Position>();
  #bytes = 0;

  constructor(collection: string, ids: readonly string[]) {
    this.#keys = new Set(ids.map((id) => `${collection}/${id}`));
  }

  /** Reads on to the end of the logs. Throws TooLarge. */
  async read(sources: readonly Source[], call: Call): Promise<void> {
    for (const source of sources) {
      const from = this.#next.get(source) ?? BEGINNING;
      for await (const { messages, next } of source.log.read({ from, topics: source.topics }, call)) {
        for (const message of messages) this.#take(source.consumer, message);
        this.#next.set(source, next);
      }
    }
  }

  #take(consumer: string, message: Recorded): void {
    // Writers of other programs may give no key.
    if (message.key !== "" && !this.#keys.has(message.key)) return;
    this.#bytes += message.value.byteLength;
    if (this.#bytes > MOST_BYTES) {
      throw new GyreError("TooLarge", "the log says more of these items than fits into memory: ask for fewer");
    }
    this.#found.push({ consumer, message });
  }

  /** Those events that were applied, in their order; what is no event is left out. */
  applied(positions: Positions): Arrived[] {
    return this.#found.flatMap(({ consumer, message }) => {
      if (!isBefore(positions, consumer, message.partition, message.offset)) return [];
      const event = decoded(message);
      return event !== undefined && this.#keys.has(keyOf(event.data.payload)) ? [{ message, event }] : [];
    });
  }
}

function decoded({ value }: Recorded): Arrived["event"] | undefined {
  try {
    return decodeEvent(value);
  } catch (error) {
    if (isGyreError(error)) return undefined;
    throw error;
  }
}

/** What the items are when these events are all that ever happened, by `collection/id`. */
export function truthOf(arrived: readonly Arrived[]): Map<string, Truth> {
  const batch = new BatchState({ items: new Map(), collections: new Map() });
  const truths = new Map<string, Truth & { readonly known: Set<string> }>();
  for (const { event, message } of arrived) {
    const { metadata, data } = event;
    const key = keyOf(data.payload);
    const known = truths.get(key)?.known ?? new Set();
    if (known.has(metadata.event_id) || !isApplied(batch, event, message.topic)) continue;
    truths.set(key, {
      eventId: metadata.event_id,
      time: new Date(metadata.time),
      state: stateAfter(batch, data.payload),
      known: known.add(metadata.event_id),
    });
  }
  return truths;
}

function stateAfter({ items, collections }: BatchState, payload: Payload): Truth["state"] {
  const id = itemIdOf(payload);
  if (id !== undefined) return items.get(keyOfItem(payload.collection_id, id));
  const { etag, document } = collections.get(payload.collection_id) ?? { document: null };
  return document === null ? undefined : { etag, body: document, properties: {} };
}

/** Whether an event has its effect; what it is refused for now it was refused for then. */
function isApplied(batch: BatchState, event: Arrived["event"], topic: string): boolean {
  try {
    batch.apply(event, topic);
    return true;
  } catch (error) {
    if (isGyreError(error)) return false;
    throw error;
  }
}
