import type { Json, StacCollection, StacItem } from "./stac.ts";

/** Who asked, as the founding system's successor writes it. No name and no address of a person. */
export interface Requester {
  readonly client_id: string;
  readonly iss: string;
  readonly sub: string;
}

export interface EventMetadata {
  readonly auth: { readonly auth_policy_id?: string; readonly requester_data: Requester };
  /** Makes repeats harmless. */
  readonly event_id: string;
  readonly request_id: string;
  readonly publisher: { readonly package: string; readonly version: string };
  /** RFC 3339, UTC. */
  readonly time: string;
  /** `major.minor.patch`; a newer major is not understood. */
  readonly schema_version: string;
}

/** A JSON Merge Patch (RFC 7396) or a JSON Patch (RFC 6902). */
export type Patch = { readonly [key: string]: Json } | readonly PatchOperation[];

export interface PatchOperation {
  readonly op: "add" | "remove" | "replace" | "move" | "copy" | "test";
  readonly path: string;
  readonly from?: string;
  readonly value?: Json;
}

interface Target {
  readonly collection_id: string;
  /** The event that must be the last one applied to the target: what `If-Match` named. */
  readonly if_match?: string;
}

export type ItemPayload = Target &
  (
    | { readonly method: "POST"; readonly item: StacItem }
    | { readonly method: "PUT"; readonly item_id: string; readonly item: StacItem }
    | { readonly method: "PATCH"; readonly item_id: string; readonly patch: Patch }
    | { readonly method: "DELETE"; readonly item_id: string }
  );

/** Not in the founding schema: a collection takes the place of the item. */
export type CollectionPayload = Target &
  (
    | { readonly method: "POST" | "PUT"; readonly collection: StacCollection }
    | { readonly method: "PATCH"; readonly collection_patch: Patch }
    | { readonly method: "DELETE"; readonly collection: null }
  );

export type Payload = ItemPayload | CollectionPayload;

/** One publication: the 1.0 line of the founding system's successor. */
export interface StacEvent {
  readonly metadata: EventMetadata;
  readonly data: { readonly type: "STAC"; readonly payload: Payload };
}

export { decodeEvent } from "./event-decode.ts";

const utf8 = new TextEncoder();

/** The bytes of an event as they lie in the log. */
export function encodeEvent(event: StacEvent): Uint8Array {
  return utf8.encode(JSON.stringify(event));
}

export function isItemPayload(payload: Payload): payload is ItemPayload {
  return "item" in payload || "item_id" in payload;
}

/** The id of the item that a payload is about; undefined for a collection's. */
export function itemIdOf(payload: Payload): string | undefined {
  if (!isItemPayload(payload)) return undefined;
  return payload.method === "POST" ? payload.item.id : payload.item_id;
}

/** What is kept in order: `collection/item`, or `collection/` for the collection itself. */
export function keyOf(payload: Payload): string {
  return `${payload.collection_id}/${itemIdOf(payload) ?? ""}`;
}
