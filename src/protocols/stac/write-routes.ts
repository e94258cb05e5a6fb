import type { Payload } from "../../core/event.ts";
import type { Route } from "../protocol.ts";
import type { StacOptions } from "./context.ts";
import { GEOJSON, JSON_TYPE } from "./links.ts";
import { answerWrite } from "./transactions.ts";
import { bodiesOf } from "./write-bodies.ts";

const COLLECTIONS = "/stac/collections";
const COLLECTION = `${COLLECTIONS}/:collection`;
const ITEMS = `${COLLECTION}/items`;
const ITEM = `${ITEMS}/:item`;

const PROBLEM = { types: ["application/problem+json"] };
/** What a write is answered with. */
const WRITE_RESPONSES: Route["responses"] = {
  200: { description: "Changed here (Prefer: wait)", types: [JSON_TYPE, GEOJSON] },
  201: { description: "Made here (Prefer: wait)", types: [JSON_TYPE, GEOJSON] },
  202: { description: "The event is durable; its status has an address", types: [JSON_TYPE] },
  204: { description: "Changed here (Prefer: wait, return=minimal)" },
  400: { description: "Not understood", ...PROBLEM },
  404: { description: "There is none", ...PROBLEM },
  409: { description: "There is one already, or the key came with another body", ...PROBLEM },
  412: { description: "It is not as If-Match or If-None-Match say", ...PROBLEM },
  413: { description: "The body is too large", ...PROBLEM },
  415: { description: "The body is of another type", ...PROBLEM },
  422: { description: "The document is not valid", ...PROBLEM },
};

/** A route of a write, whatever becomes of its answer. */
export function writeRoute(
  method: Payload["method"],
  path: string,
  of: "item" | "collection",
  summary: string,
  handle: Route["handle"],
): Route {
  const body = bodiesOf(method, of);
  const declared = body === undefined ? {} : { body };
  return { method, path, summary, ...declared, responses: WRITE_RESPONSES, role: "write", handle };
}

/** The Transaction extensions of items and of collections. */
export function writeRoutes(options: StacOptions): readonly Route[] {
  const route = (method: Payload["method"], path: string, of: "item" | "collection", summary: string): Route =>
    writeRoute(method, path, of, summary, (call) => answerWrite(call, options, method));
  return [
    route("POST", COLLECTIONS, "collection", "Publish a collection"),
    route("PUT", COLLECTION, "collection", "Replace a collection"),
    route("PATCH", COLLECTION, "collection", "Change a collection"),
    route("DELETE", COLLECTION, "collection", "Remove a collection"),
    route("POST", ITEMS, "item", "Publish an item or an ItemCollection"),
    route("PUT", ITEM, "item", "Replace an item"),
    route("PATCH", ITEM, "item", "Change an item"),
    route("DELETE", ITEM, "item", "Remove an item"),
  ];
}
