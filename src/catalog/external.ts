import { isDeepStrictEqual } from "node:util";
import type { Payload, StacEvent } from "../core/event.ts";
import { isItemPayload, itemIdOf } from "../core/event.ts";
import { decodeEvent } from "../core/event-decode.ts";
import type { Json, StacItem } from "../core/stac.ts";
import { type ErrorTag, GyreError, isGyreError } from "../errors.ts";
import type { Recorded, TopicFilter } from "../log/event-log.ts";
import type { Failure, Projection } from "../log/projection.ts";
import { derivedCollection } from "./collection-row.ts";
import { type Answered, createExternalApi, type ExternalApi, type ExternalApiOptions } from "./external-api.ts";

/** The API is one with the Transaction extension; of what `signal` ends nothing is taken for applied. */
export interface ExternalOptions extends ExternalApiOptions {
  readonly name: string;
  readonly topics: TopicFilter;
}

/** Collections that are remembered as being there. */
const MOST_KNOWN = 10_000;

const TAGS: Readonly<Record<number, ErrorTag>> = { 404: "NotFound", 409: "Conflict", 412: "PreconditionFailed" };

/**
 * A catalogue of somebody else as a projection: each event becomes one request of the Transaction extension. Its effects
 * cannot share the cursor's transaction, so a batch that was cut off comes again. Each request names its event as its
 * `Idempotency-Key`; a catalogue that does not know those is asked what it has. What stays open there is a JSON Patch
 * that has another effect each time: it should begin with a `test`.
 */
export function createExternalProjection(options: ExternalOptions): Projection {
  const { name, topics } = options;
  const target = new Target(createExternalApi(options));
  return {
    name,
    topics,
    async apply(messages) {
      const failures: Failure[] = [];
      for (const message of messages) {
        const failure = await attempted(message, target);
        if (failure !== undefined) failures.push(failure);
      }
      return failures;
    },
  };
}

class Target {
  readonly #api: ExternalApi;
  readonly #known = new Set<string>();

  constructor(api: ExternalApi) {
    this.#api = api;
  }

  async apply({ data: { payload } }: StacEvent, key: string): Promise<void> {
    const { method, collection_id: collection } = payload;
    const body = bodyOf(payload);
    if (!isItemPayload(payload)) {
      this.#known.delete(collection);
      const path = method === "POST" ? ["collections"] : ["collections", collection];
      return this.#change(method, path, body, key);
    }
    const path = ["collections", collection, "items"];
    if (payload.method === "POST") await this.#create(payload.item, collection, path, key);
    else await this.#change(method, [...path, itemIdOf(payload) as string], body, key);
  }

  async #create(item: StacItem, collection: string, path: readonly string[], key: string): Promise<void> {
    await this.#ensureCollection(collection);
    const answer = await this.#api.send("POST", path, { key, body: item });
    if (answer.status === 409 && (await this.#holds([...path, item.id], item))) return;
    expectOk(answer);
  }

  async #change(method: Payload["method"], path: readonly string[], body: unknown, key: string): Promise<void> {
    const answer = await this.#api.send(method, path, { key, body });
    // What is gone is gone, whether by this event before a crash, or by somebody else.
    if (method === "DELETE" && (answer.status === 404 || answer.status === 410)) return;
    expectOk(answer);
  }

  /** The founding consumer asks before every item; once is enough for as long as nobody deletes it. */
  async #ensureCollection(id: string): Promise<void> {
    if (this.#known.has(id)) return;
    const { status } = await this.#api.send("GET", ["collections", id]);
    if (status === 404) {
      const made = await this.#api.send("POST", ["collections"], { body: derivedCollection(id, {}) });
      // Another process of this consumer may have been faster.
      if (made.status !== 409) expectOk(made);
    }
    if (this.#known.size >= MOST_KNOWN) this.#known.clear();
    this.#known.add(id);
  }

  /** Whether the item is there as it was sent, with whatever the catalogue added: then it was this event. */
  async #holds(path: readonly string[], item: StacItem): Promise<boolean> {
    const { isOk, text } = await this.#api.send("GET", path);
    if (!isOk) return false;
    let there: Partial<StacItem>;
    try {
      there = JSON.parse(text) as Partial<StacItem>;
    } catch {
      return false;
    }
    const properties: Readonly<Record<string, Json>> = there.properties ?? {};
    const isThere = ([name, value]: [string, Json]): boolean => isDeepStrictEqual(properties[name] ?? null, value);
    return isDeepStrictEqual(there.geometry, item.geometry) && Object.entries(item.properties).every(isThere);
  }
}

function bodyOf(payload: Payload): unknown {
  if ("item" in payload) return payload.item;
  if ("patch" in payload) return payload.patch;
  if ("collection_patch" in payload) return payload.collection_patch;
  return ("collection" in payload && payload.collection) || undefined;
}

async function attempted(message: Recorded, target: Target): Promise<Failure | undefined> {
  let event: StacEvent;
  try {
    event = decodeEvent(message.value);
  } catch (error) {
    return { message, type: "payload", error };
  }
  try {
    // Of one that was sent again after a failure the message has a name of its own, the event has not.
    await target.apply(event, message.id === "" ? event.metadata.event_id : message.id);
    return undefined;
  } catch (error) {
    if (!isGyreError(error) || error.tag === "Busy") throw error;
    return { message, type: "stac_server", error };
  }
}

function expectOk({ isOk, status, text }: Answered): void {
  if (isOk) return;
  throw new GyreError(TAGS[status] ?? "Invalid", `the catalogue answers ${status}: ${text.slice(0, 2000)}`);
}
