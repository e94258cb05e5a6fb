import { isItemPayload, itemIdOf, type Payload } from "../core/event.ts";
import { GyreError } from "../errors.ts";

/** What an event meets: undefined where there is no document. */
export interface Current {
  /** The last event. */
  readonly etag: string;
}

/** Why an event cannot be applied to what is there; the same at the door and on applying. */
export function refusal(payload: Payload, current: Current | undefined): GyreError | undefined {
  const { method, if_match } = payload;
  const subject = nameOf(payload);
  const kind = isItemPayload(payload) ? "item" : "collection";
  if (method === "POST") {
    if (current === undefined) return undefined;
    return new GyreError("Conflict", `${subject} exists already`, { type: `${kind}-already-exists`, subject });
  }
  if (current === undefined) {
    return new GyreError("NotFound", `${subject} does not exist`, { type: `${kind}-does-not-exist`, subject });
  }
  if (if_match === undefined || if_match === current.etag) return undefined;
  return new GyreError("PreconditionFailed", `${subject} has changed: its entity tag is "${current.etag}"`, {
    type: "precondition-failed",
    subject,
  });
}

/** The ids in the address and in the document are the same. Throws Invalid. */
export function checkIds(payload: Payload): void {
  const [expected, found, inside] = idsOf(payload);
  if (found !== undefined && found !== expected) throw mismatch("/id", found, expected as string);
  if (inside !== undefined && inside !== payload.collection_id) {
    throw mismatch("/collection", inside, payload.collection_id);
  }
}

/** Id of the address, id of the document, collection of the document. */
function idsOf(payload: Payload): readonly (string | undefined)[] {
  if (!isItemPayload(payload)) {
    return [payload.collection_id, "collection" in payload ? payload.collection?.id : undefined];
  }
  if (!("item" in payload)) return [payload.item_id];
  return [itemIdOf(payload), payload.item.id, payload.item.collection];
}

function mismatch(pointer: string, found: string, expected: string): GyreError {
  const detail = `is "${found}" but the address says "${expected}"`;
  return new GyreError("Invalid", `${pointer} ${detail}`, { faults: [{ pointer, detail }], type: "id-mismatch" });
}

export function nameOf(payload: Payload): string {
  const item = itemIdOf(payload);
  return item === undefined ? `collection ${payload.collection_id}` : `item ${payload.collection_id}/${item}`;
}
