import { isItemPayload, itemIdOf, type StacEvent } from "../../core/event.ts";
import { decodeEvent } from "../../core/event-decode.ts";
import type { StacItem } from "../../core/stac.ts";
import { isGyreError } from "../../errors.ts";
import type { Recorded } from "../../log/event-log.ts";
import { keyOfItem } from "../batch.ts";

/** What one event did to one item. */
export interface Change {
  readonly eventId: string;
  readonly time: string;
  readonly collection: string;
  readonly id: string;
  readonly before: StacItem | undefined;
  readonly after: StacItem | undefined;
}

/** A message with the item that it is about. */
export interface AboutItem {
  readonly message: Recorded;
  readonly event: StacEvent;
  readonly collection: string;
  readonly id: string;
  readonly key: string;
}

/** Undefined for what is no event, and for events of collections. */
export function aboutItem(message: Recorded): AboutItem | undefined {
  let event: StacEvent;
  try {
    event = decodeEvent(message.value);
  } catch (error) {
    if (isGyreError(error)) return undefined;
    throw error;
  }
  const { payload } = event.data;
  if (!isItemPayload(payload)) return undefined;
  const [collection, id] = [payload.collection_id, itemIdOf(payload) as string];
  return { message, event, collection, id, key: keyOfItem(collection, id) };
}

export function changeOf(about: AboutItem, before: StacItem | undefined, after: StacItem | undefined): Change {
  const { event_id: eventId, time } = about.event.metadata;
  return { eventId, time, collection: about.collection, id: about.id, before, after };
}
