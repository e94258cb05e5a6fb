import { createHash, randomUUID } from "node:crypto";
import { encodeEvent, type ItemPayload, isItemPayload, itemIdOf, type StacEvent } from "../core/event.ts";
import { checkedEvent } from "../core/event-decode.ts";
import type { Json } from "../core/stac.ts";
import type { TopicTemplate } from "../core/topic.ts";
import { GyreError } from "../errors.ts";
import type { Change, EventStatus } from "./catalog.ts";
import { checkCollectionId, prepareCollection } from "./collection-row.ts";
import { type DoorState, pendingKey } from "./door.ts";
import { checkItem } from "./item-row.ts";
import { canonicalJson } from "./json.ts";
import { checkPatch } from "./patch.ts";
import { checkIds, refusal } from "./transition.ts";

/** A change as it will lie in the log, if it is accepted. */
export interface Candidate {
  readonly change: Change;
  readonly event: StacEvent;
  readonly value: Uint8Array;
  /** Of a key that the client gave: nobody else can come again with another body. */
  readonly digest: string | null;
  /** In the pending table. */
  readonly key: string;
}

const SCHEMA_VERSION = "1.0.0";

/** Makes the event, which is checked as every follower will. Throws Invalid, Unsupported or TooLarge. */
export function candidateOf(change: Change, now: Date): Candidate {
  const { payload, requester, requestId, publisher } = change;
  checkCollectionId(payload.collection_id, "/collection");
  checkIds(payload);
  const metadata = {
    auth: { requester_data: requester },
    event_id: change.eventId ?? randomUUID().replaceAll("-", ""),
    request_id: requestId,
    publisher,
    time: now.toISOString(),
    schema_version: SCHEMA_VERSION,
  };
  const written: StacEvent = { metadata, data: { type: "STAC", payload } };
  const value = encodeEvent(written);
  const event = checkedEvent(written, value);
  checkDocument(event);
  const digest = change.eventId === undefined ? null : digestOf(event);
  return { change, event, value, digest, key: pendingKey(payload) };
}

function digestOf({ data: { payload } }: StacEvent): string {
  return createHash("sha256")
    .update(canonicalJson(payload as object as Json))
    .digest("base64url");
}

/** What the catalogue could not hold is refused before it is in the log. */
function checkDocument({ data: { payload } }: StacEvent): void {
  if ("item" in payload) checkItem(payload.item);
  else if ("patch" in payload) checkPatch(payload.patch, "item");
  else if ("collection_patch" in payload) checkPatch(payload.collection_patch, "collection");
  else if ("collection" in payload && payload.collection !== null) prepareCollection(payload.collection);
}

/** A change that may go to the log, and where to. */
export interface Admitted extends Candidate {
  readonly topic: string;
  /** Whether there is a document afterwards. */
  readonly remains: boolean;
}

/**
 * Runs the changes one after the other over what is there, and adds what there will be to `states` when all may go on.
 * Throws what the first refused one meets.
 */
export function admit(
  candidates: readonly Candidate[],
  states: Map<string, DoorState>,
  template: TopicTemplate,
): Admitted[] {
  const after = new Map<string, DoorState>();
  const admitted = candidates.map((candidate) => {
    const { event, key } = candidate;
    const state = after.get(key) ?? states.get(key);
    const error = refusal(event.data.payload, state?.current) ?? emptyFirst(event, state);
    if (error !== undefined) throw error;
    const one = routed(candidate, state, template);
    const current = one.remains ? { etag: event.metadata.event_id } : undefined;
    after.set(key, { current, topic: one.topic, items: state?.items ?? 0 });
    return one;
  });
  for (const [key, state] of after) states.set(key, state);
  return admitted;
}

/** An item's topic is fixed by its first event. */
export function routed(candidate: Candidate, state: DoorState | undefined, template: TopicTemplate): Admitted {
  const { event } = candidate;
  const topic = state?.topic ?? topicOf(event, template);
  return { ...candidate, topic, remains: event.data.payload.method !== "DELETE" };
}

/** A collection with items is not deleted here; on applying it only loses its description. */
function emptyFirst({ data: { payload } }: StacEvent, state: DoorState | undefined): GyreError | undefined {
  if (isItemPayload(payload) || payload.method !== "DELETE" || (state?.items ?? 0) === 0) return undefined;
  const subject = payload.collection_id;
  const message = `collection ${subject} has ${state?.items} items; delete them first`;
  return new GyreError("Conflict", message, { type: "collection-not-empty", subject });
}

function topicOf({ data: { payload } }: StacEvent, template: TopicTemplate): string {
  if (!isItemPayload(payload)) return template.topicOf({ id: payload.collection_id });
  return template.topicOf(
    "item" in payload ? payload.item : { id: (payload as ItemPayload & { item_id: string }).item_id },
  );
}

/** The status of a change that was just accepted. */
export function pendingStatus({ event: { metadata, data } }: Candidate): EventStatus {
  return {
    event_id: metadata.event_id,
    status: "pending",
    collection: data.payload.collection_id,
    item: itemIdOf(data.payload) ?? null,
    method: data.payload.method,
    accepted: new Date(metadata.time),
    applied: null,
    problem: null,
  };
}
