import { randomUUID } from "node:crypto";
import type { Change } from "../../catalog/catalog.ts";
import type { Patch, Payload } from "../../core/event.ts";
import type { StacCollection, StacItem } from "../../core/stac.ts";
import { GyreError } from "../../errors.ts";
import { mediaTypeOf, readJson } from "../json-body.ts";
import type { RouteCall } from "../protocol.ts";
import type { StacOptions } from "./context.ts";
import {
  bodiesOf,
  collectionOf,
  isItemCollection,
  itemOf,
  itemsOf,
  JSON_PATCH,
  MERGE_PATCH,
  type Sent,
} from "./write-bodies.ts";
import { expectedEvent } from "./write-condition.ts";

/** What a write asks for. */
export interface Requested {
  readonly changes: readonly Change[];
  /** Whether the client sent an ItemCollection. */
  readonly isMany: boolean;
}

/** Reads a write: its address, its body and its headers. Throws what is wrong with them. */
export async function changesOf(route: RouteCall, options: StacOptions, method: Payload["method"]): Promise<Requested> {
  const { request, params } = route;
  const { collection, item } = params;
  const isOfItems = item !== undefined || (collection !== undefined && method === "POST");
  const types = bodiesOf(method, isOfItems ? "item" : "collection");
  const body = types && (await readJson(request, Object.keys(types), options.bodyBytes));
  const isMany = isOfItems && method === "POST" && isItemCollection(body);
  const payloads =
    method === "POST" ? newDocuments(body, collection) : [changeAt(request, method, collection ?? "", item, body)];
  const origin = originOf(route);
  const key = keyOf(request);
  const match = method === "POST" ? undefined : await expectedEvent(route, options);
  const changes = payloads.map((payload, i): Change => {
    return {
      ...origin,
      payload: match === undefined ? payload : { ...payload, if_match: match },
      ...(key === undefined ? {} : { eventId: isMany ? `${key}.${i}` : key }),
    };
  });
  return { changes, isMany };
}

/** Items of a collection; without one, a collection. */
function newDocuments(body: unknown, collection: string | undefined): readonly Payload[] {
  if (collection !== undefined) {
    return itemsOf(body).map((item) => ({ method: "POST", collection_id: collection, item: placed(item, collection) }));
  }
  const document = collectionOf(body);
  return [{ method: "POST", collection_id: document.id, collection: document as object as StacCollection }];
}

/** PUT, PATCH or DELETE of the document at an address. */
function changeAt(
  request: Request,
  method: Exclude<Payload["method"], "POST">,
  collection: string,
  item: string | undefined,
  body: unknown,
): Payload {
  if (method === "DELETE") {
    if (item !== undefined) return { method, collection_id: collection, item_id: item };
    return { method, collection_id: collection, collection: null };
  }
  if (method === "PATCH") {
    const patch = patchOf(request, body);
    if (item !== undefined) return { method, collection_id: collection, item_id: item, patch };
    return { method, collection_id: collection, collection_patch: patch };
  }
  if (item === undefined) {
    const document = named(collectionOf(body), collection, "collection");
    return { method, collection_id: collection, collection: document as object as StacCollection };
  }
  const document = named(itemOf(body), item, "item");
  return { method, collection_id: collection, item_id: item, item: placed(document, collection) };
}

/** The document of the address, not another one. */
function named(document: Sent, wanted: string, what: string): Sent {
  if (document.id === wanted) return document;
  const message = `the ${what} is ${document.id}, but the address says ${wanted}`;
  throw new GyreError("BadRequest", message, { subject: "id", type: "id-mismatch" });
}

/**
 * The item in the collection of the address; another one in the document is a mistake. A partial item will do: the
 * Transaction extension asks neither for links nor for assets.
 */
function placed(document: Sent, collection: string): StacItem {
  const said = document.collection ?? collection;
  if (said !== collection) {
    const message = `the item says collection ${said}, but the address ${collection}`;
    throw new GyreError("BadRequest", message, { subject: "collection", type: "id-mismatch" });
  }
  return { links: [], assets: {}, ...document, collection } as object as StacItem;
}

function patchOf(request: Request, value: unknown): Patch {
  const wrong = (message: string): GyreError => {
    return new GyreError("BadRequest", message, { allowed: [MERGE_PATCH, JSON_PATCH] });
  };
  const isList = Array.isArray(value);
  const type = mediaTypeOf(request);
  if (type === MERGE_PATCH && isList) throw wrong("a merge patch is an object (RFC 7396)");
  if (type === JSON_PATCH && !isList) throw wrong("a JSON Patch is a list (RFC 6902)");
  if (typeof value !== "object" || value === null) throw wrong("a patch is an object or a list of operations");
  return (isList ? value.map(operationOf) : value) as Patch;
}

/** Members that an operation does not have are ignored (RFC 6902, 4). */
function operationOf(operation: unknown): unknown {
  if (typeof operation !== "object" || operation === null) return operation;
  const { op, path, value } = operation as Record<string, unknown>;
  return op === "remove" || value === undefined ? { op, path } : { op, path, value };
}

/** Who asks with what, as events tell it. */
function originOf({ request: { headers }, call }: RouteCall): Omit<Change, "payload"> {
  const [name = "unknown", version = ""] = (headers.get("user-agent") ?? "unknown").split(" ")[0]?.split("/") ?? [];
  return {
    requester: { client_id: call.who.subject, iss: "", sub: call.who.subject },
    requestId: headers.get("x-request-id")?.slice(0, 200) ?? randomUUID(),
    publisher: { package: name.slice(0, 200), version: version.slice(0, 100) },
  };
}

/** `Idempotency-Key`: the id of the event, and with an ordinal those of an ItemCollection's. */
function keyOf({ headers }: Request): string | undefined {
  const key = headers.get("idempotency-key");
  if (key === null) return undefined;
  if (/^[A-Za-z0-9._:~@/+=-]{1,200}$/.test(key)) return key;
  throw new GyreError("BadRequest", "Idempotency-Key has 1 to 200 of A-Z a-z 0-9 . _ : ~ @ / + = -", {
    subject: "Idempotency-Key",
  });
}
