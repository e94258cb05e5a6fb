import { createHash } from "node:crypto";
import { type Fault, GyreError } from "../errors.ts";
import type { EventMetadata, Payload, StacEvent } from "./event.ts";
import {
  checkJson,
  checkSize,
  invalidDocument,
  JSON_LIMITS,
  type JsonLimits,
  MOST_FAULTS,
  parseJson,
  pointerOf,
} from "./event-json.ts";
import { isMethod, metadataSchema, payloadSchemas } from "./event-schema.ts";
import type { Json } from "./stac.ts";

type JsonObject = { readonly [name: string]: Json };

const NEWEST_MAJOR = 1;

/** A time without an offset, as the founding system writes it. */
const NAIVE = /^\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d{1,9})?$/;

/**
 * Reads an event of the 1.0 line, or of the founding system's 0.3: there is no event id then (it is the digest of the
 * bytes), the requester is called otherwise, and a withdrawal is a PATCH without a patch. Times without an offset are
 * taken as UTC, and what events tell of a person besides its subject is left out. Throws TooLarge, Unsupported (a newer
 * major version) or Invalid with the places of its faults.
 */
export function decodeEvent(bytes: Uint8Array, limits: JsonLimits = JSON_LIMITS): StacEvent {
  return readEvent(parseJson(bytes, limits), () => createHash("sha256").update(bytes).digest("hex").slice(0, 32));
}

/** What `decodeEvent` makes of an event that is about to be written, and throws, without reading its bytes again. */
export function checkedEvent(event: StacEvent, bytes: Uint8Array): StacEvent {
  checkSize(bytes, JSON_LIMITS);
  const value = event as object as Json;
  checkJson(value);
  return readEvent(value, () => "");
}

function readEvent(event: Json, digestOf: () => string): StacEvent {
  if (!isObject(event)) throw invalidDocument([{ pointer: "", detail: "is no object" }], "the event");
  const faults: Fault[] = [];
  const metadata = readMetadata(event.metadata, digestOf, faults);
  const payload = readData(event.data, faults);
  if (faults.length > 0 || metadata === undefined || payload === undefined) {
    throw invalidDocument(faults.slice(0, MOST_FAULTS), "the event");
  }
  return { metadata, data: { type: "STAC", payload } };
}

function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function readMetadata(value: Json | undefined, digestOf: () => string, faults: Fault[]): EventMetadata | undefined {
  if (!isObject(value)) {
    faults.push({ pointer: "/metadata", detail: "is no object" });
    return undefined;
  }
  refuseNewer(value.schema_version);
  const digest = typeof value.event_id === "string" ? "" : digestOf();
  const result = metadataSchema.safeParse({
    ...value,
    auth: withRequester(value.auth),
    event_id: value.event_id ?? digest,
    request_id: value.request_id ?? value.event_id ?? digest,
    time: withOffset(value.time),
  });
  if (!result.success) {
    faults.push(...result.error.issues.map((issue) => faultOf("/metadata", issue)));
    return undefined;
  }
  const { auth, ...rest } = result.data;
  const { auth_policy_id, requester_data } = auth;
  return { ...rest, auth: auth_policy_id === undefined ? { requester_data } : { auth_policy_id, requester_data } };
}

function refuseNewer(version: Json | undefined): void {
  const major = typeof version === "string" ? Number(/^(\d{1,9})\./.exec(version)?.[1]) : Number.NaN;
  if (!(major > NEWEST_MAJOR)) return;
  const detail = `is ${String(version)}; this program understands ${NEWEST_MAJOR}.x`;
  const pointer = "/metadata/schema_version";
  throw new GyreError("Unsupported", `the event's schema version ${detail}`, { faults: [{ pointer, detail }] });
}

/** `{client_id, server}` of 0.3 in the words of 1.0. */
function withRequester(auth: Json | undefined): Json | undefined {
  if (!isObject(auth)) return auth;
  const { client_id = null, server = null, requester_data, auth_policy_id } = auth;
  return {
    requester_data: requester_data ?? { client_id, iss: server, sub: client_id },
    ...(auth_policy_id === undefined || auth_policy_id === null ? {} : { auth_policy_id }),
  };
}

function withOffset(time: Json | undefined): Json | undefined {
  if (typeof time !== "string") return time;
  if (NAIVE.test(time)) return `${time.replace(" ", "T")}Z`;
  const instant = new Date(time);
  return time.endsWith("Z") || Number.isNaN(instant.getTime()) ? time : instant.toISOString();
}

function readData(value: Json | undefined, faults: Fault[]): Payload | undefined {
  if (!isObject(value)) faults.push({ pointer: "/data", detail: "is no object" });
  else if (value.type !== "STAC") faults.push({ pointer: "/data/type", detail: 'is not "STAC"' });
  else if (!isObject(value.payload)) faults.push({ pointer: "/data/payload", detail: "is no object" });
  else return readPayload(value.payload, faults);
  return undefined;
}

function readPayload(written: JsonObject, faults: Fault[]): Payload | undefined {
  const { method } = written;
  if (!isMethod(method)) {
    faults.push({ pointer: "/data/payload/method", detail: "is not POST, PUT, PATCH or DELETE" });
    return undefined;
  }
  const isOfCollection = "collection" in written || "collection_patch" in written;
  const schema = isOfCollection ? payloadSchemas.collection[method] : payloadSchemas.item[method];
  const value = isOfCollection ? written : withItemId(written);
  const result = schema.safeParse(dropNulls(value));
  if (!result.success) {
    faults.push(...result.error.issues.map((issue) => faultOf("/data/payload", issue)));
    return undefined;
  }
  const payload: Payload = result.data;
  const found = mismatches(payload);
  faults.push(...found);
  return found.length > 0 ? undefined : payload;
}

/** An update of 0.3 names its item only inside it, and withdraws one by a PATCH that says nothing. */
function withItemId(payload: JsonObject): JsonObject {
  const { method, item, item_id, patch } = payload;
  const id = item_id ?? (isObject(item) ? item.id : undefined);
  const named = method === "POST" || id === undefined ? payload : { ...payload, item_id: id };
  if (method !== "PATCH" || patch !== undefined) return named;
  return { ...named, patch: item ?? { properties: { retracted: true } } };
}

/** An absent `if_match` may be written as null; `collection: null` is a DELETE. */
function dropNulls(payload: JsonObject): JsonObject {
  if (payload.if_match !== null) return payload;
  const { if_match: _, ...rest } = payload;
  return rest;
}

/** Ids that are said twice are the same. */
function mismatches(payload: Payload): Fault[] {
  const faults: Fault[] = [];
  const compare = (pointer: string, found: Json | undefined, wanted: string): void => {
    if (found === undefined || found === null || found === wanted) return;
    faults.push({ pointer: `/data/payload${pointer}`, detail: `is not "${wanted}", which the payload names` });
  };
  if ("item" in payload) {
    compare("/item/collection", payload.item.collection, payload.collection_id);
    if (payload.method === "PUT") compare("/item/id", payload.item.id, payload.item_id);
  } else if ("collection" in payload && payload.collection !== null) {
    compare("/collection/id", payload.collection.id, payload.collection_id);
  }
  return faults;
}

function faultOf(at: string, issue: { readonly path: readonly PropertyKey[]; readonly message: string }): Fault {
  return { pointer: at + pointerOf(issue.path), detail: issue.message };
}
