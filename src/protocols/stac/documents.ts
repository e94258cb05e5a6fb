import type { Stored } from "../../catalog/catalog.ts";
import type { Call } from "../../core/principal.ts";
import type { StacCollection } from "../../core/stac.ts";
import { GyreError } from "../../errors.ts";
import { conditionsOf, replyWith, toResponse } from "../conditional.ts";
import type { RouteCall } from "../protocol.ts";
import { jsonAnswer } from "./answer.ts";
import { type StacOptions, selfUrl } from "./context.ts";
import { picked } from "./fields.ts";
import {
  GEOJSON,
  JSON_TYPE,
  linkedCollection,
  linkedText,
  pageLinks,
  QUERYABLES,
  rootLink,
  SCHEMA_TYPE,
  stacUrl,
} from "./links.ts";
import { requestedByQuery } from "./search-parameters.ts";

/** `GET /collections/{id}/items/{item}`. */
export async function answerItem(
  { request, params, call, base }: RouteCall,
  { catalog }: StacOptions,
): Promise<Response> {
  const { collection = "", item = "" } = params;
  const stored = await catalog.item(collection, item, call);
  if (stored === undefined) {
    throw new GyreError("NotFound", `there is no item ${item} in collection ${collection}`, {
      subject: item,
      type: "item-does-not-exist",
    });
  }
  return entity(request, stored, linkedText(stored, base), GEOJSON);
}

/** `GET /collections/{id}`. */
export async function answerCollection(
  { request, params, call, base }: RouteCall,
  { catalog }: StacOptions,
): Promise<Response> {
  const stored = await catalog.collection(params.collection ?? "", call);
  if (stored === undefined) throw noCollection(params.collection ?? "");
  return entity(request, stored, JSON.stringify(linkedCollection(stored.document, base)), JSON_TYPE);
}

function noCollection(id: string): GyreError {
  return new GyreError("NotFound", `there is no collection ${id}`, { subject: id });
}

/** Throws NotFound for a collection that is named and not there. */
export async function checkCollection(id: string | undefined, { catalog }: StacOptions, call: Call): Promise<void> {
  if (id !== undefined && (await catalog.collection(id, call)) === undefined) throw noCollection(id);
}

/** `GET /collections`: the Collection Search extension. */
export function answerCollections(route: RouteCall, options: StacOptions): Promise<Response> {
  return collectionsPage(route, options, "collections", 100);
}

/** Collections under the name of a member; behind the last one others that are none. */
export async function collectionsPage(
  { request, call, base, query }: RouteCall,
  { catalog }: StacOptions,
  member: "collections" | "children",
  limit: number,
  others: readonly object[] = [],
): Promise<Response> {
  const { search, fields } = requestedByQuery({ limit: String(limit), ...query });
  const page = await catalog.collections(search, call);
  const url = selfUrl(request, base);
  const found = page.entries.map(({ document }) => {
    const linked: StacCollection = linkedCollection(document, base);
    return fields === undefined ? linked : picked(linked, fields);
  });
  const entries = page.next === undefined ? [...found, ...others] : found;
  const body = {
    [member]: entries,
    links: [
      { rel: "self", href: url.href, type: JSON_TYPE },
      rootLink(base),
      { rel: QUERYABLES, href: stacUrl(base, "collection-queryables"), type: SCHEMA_TYPE, title: "Queryables" },
      ...pageLinks({ method: "GET", url }, page, JSON_TYPE),
    ],
    ...(page.matched === undefined ? {} : { numberMatched: page.matched + others.length }),
    numberReturned: entries.length,
  };
  return jsonAnswer(body);
}

/** The text of a document under the id of its last event as the entity tag. */
export function entity(
  request: Request,
  { etag, updated }: Pick<Stored<unknown>, "etag" | "updated">,
  text: string,
  type: string,
): Response {
  const headers = {
    "Content-Type": type,
    ETag: `"${etag}"`,
    "Last-Modified": updated.toUTCString(),
    "Cache-Control": "no-cache",
    Vary: "Accept-Encoding",
  };
  return toResponse(replyWith(conditionsOf(request), headers, new TextEncoder().encode(text)));
}
