import { isDeepStrictEqual } from "node:util";
import type { Payload } from "../core/event.ts";
import { isItemPayload, itemIdOf } from "../core/event.ts";
import { decodeEvent } from "../core/event-decode.ts";
import type { StacItem } from "../core/stac.ts";
import { GyreError, isGyreError } from "../errors.ts";
import type { Recorded, TopicFilter } from "../log/event-log.ts";
import type { Failure, Projection } from "../log/projection.ts";
import { derivedCollection } from "./collection-row.ts";

export interface ExternalOptions {
  readonly name: string;
  readonly topics: TopicFilter;
  /** Root of a STAC API with the Transaction extension. */
  readonly api: URL;
  readonly timeoutMs?: number;
}

const TIMEOUT_MS = 30_000;
const PROBLEM_BYTES = 2000;

/**
 * A catalogue of somebody else as a projection: each event becomes one request of the Transaction extension. Its effects
 * cannot share the cursor's transaction, so a batch that was cut off comes again; what is there already is recognised.
 */
export function createExternalProjection({ name, topics, api, timeoutMs = TIMEOUT_MS }: ExternalOptions): Projection {
  const base = new URL(api.href.endsWith("/") ? api.href : `${api.href}/`);
  const known = new Set<string>();

  async function send(method: string, path: readonly string[], body?: unknown): Promise<Response> {
    const url = new URL(path.map(encodeURIComponent).join("/"), base);
    let response: Response;
    try {
      response = await fetch(url, {
        method,
        redirect: "error",
        signal: AbortSignal.timeout(timeoutMs),
        ...(body === undefined
          ? {}
          : { body: JSON.stringify(body), headers: { "Content-Type": typeOf(method, body) } }),
      });
    } catch (cause) {
      throw new GyreError("Busy", `${base.host} does not answer`, { source: base.href, cause });
    }
    if (response.status < 500 && response.status !== 429) return response;
    await response.body?.cancel();
    throw new GyreError("Busy", `${base.host} answers ${response.status}`, { source: base.href });
  }

  /** The founding consumer asks before every item; once is enough for as long as nobody deletes it. */
  async function ensureCollection(id: string): Promise<void> {
    if (known.has(id)) return;
    const found = await send("GET", ["collections", id]);
    await found.body?.cancel();
    if (found.status === 404) await expectOk(await send("POST", ["collections"], derivedCollection(id, {})));
    known.add(id);
  }

  async function apply(payload: Payload): Promise<void> {
    const { collection_id: collection } = payload;
    if (!isItemPayload(payload)) {
      known.delete(collection);
      if (payload.method === "POST") return expectOk(await send("POST", ["collections"], payload.collection));
      const body =
        payload.method === "PUT"
          ? payload.collection
          : payload.method === "PATCH"
            ? payload.collection_patch
            : undefined;
      return expectOk(await send(payload.method, ["collections", collection], body));
    }
    const path = ["collections", collection, "items"];
    if (payload.method === "POST") {
      await ensureCollection(collection);
      const answer = await send("POST", path, payload.item);
      if (answer.status === 409 && (await holds([...path, payload.item.id], payload.item))) return;
      return expectOk(answer);
    }
    const body = payload.method === "PUT" ? payload.item : payload.method === "PATCH" ? payload.patch : undefined;
    await expectOk(await send(payload.method, [...path, itemIdOf(payload) ?? ""], body));
  }

  /** Whether the item is there as it was sent: then it was this event, before a crash. */
  async function holds(path: readonly string[], item: StacItem): Promise<boolean> {
    const answer = await send("GET", path);
    if (!answer.ok) return false;
    const there = (await answer.json()) as StacItem;
    return isDeepStrictEqual(there.properties, item.properties) && isDeepStrictEqual(there.geometry, item.geometry);
  }

  return {
    name,
    topics,
    async apply(messages) {
      const failures: Failure[] = [];
      for (const message of messages) {
        const failure = await attempted(message, apply);
        if (failure !== undefined) failures.push(failure);
      }
      return failures;
    },
  };
}

async function attempted(message: Recorded, apply: (payload: Payload) => Promise<void>): Promise<Failure | undefined> {
  let payload: Payload;
  try {
    payload = decodeEvent(message.value).data.payload;
  } catch (error) {
    return { message, type: "payload", error };
  }
  try {
    await apply(payload);
    return undefined;
  } catch (error) {
    if (isGyreError(error, "Busy")) throw error;
    return { message, type: "stac_server", error };
  }
}

async function expectOk(answer: Response): Promise<void> {
  if (answer.ok) {
    await answer.body?.cancel();
    return;
  }
  const text = (await answer.text()).slice(0, PROBLEM_BYTES);
  const tag =
    answer.status === 404
      ? "NotFound"
      : answer.status === 409
        ? "Conflict"
        : answer.status === 412
          ? "PreconditionFailed"
          : "Invalid";
  throw new GyreError(tag, `the catalogue answers ${answer.status}: ${text}`);
}

function typeOf(method: string, body: unknown): string {
  if (method !== "PATCH") return "application/json";
  return Array.isArray(body) ? "application/json-patch+json" : "application/merge-patch+json";
}
