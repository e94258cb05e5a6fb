import type { Stored } from "../../catalog/catalog.ts";
import type { StacCollection } from "../../core/stac.ts";
import { GyreError } from "../../errors.ts";
import { isNotModified, precondition } from "../conditional.ts";
import type { RouteCall } from "../protocol.ts";
import { type StacOptions, selfUrl } from "./context.ts";
import { picked } from "./fields.ts";
import { GEOJSON, JSON_TYPE, linkedCollection, linkedItem, pageLinks, rootLink } from "./links.ts";
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
  return entity(request, stored, linkedItem(stored.document, collection, base), GEOJSON);
}

/** `GET /collections/{id}`. */
export async function answerCollection(
  { request, params, call, base }: RouteCall,
  { catalog }: StacOptions,
): Promise<Response> {
  const stored = await catalog.collection(params.collection ?? "", call);
  if (stored === undefined) throw noCollection(params.collection ?? "");
  return entity(request, stored, linkedCollection(stored.document, base), JSON_TYPE);
}

export function noCollection(id: string): GyreError {
  return new GyreError("NotFound", `there is no collection ${id}`, { subject: id });
}

/** `GET /collections`: the Collection Search extension, and `/children` with the same entries. */
export async function answerCollections(
  route: RouteCall,
  { catalog }: StacOptions,
  member: "collections" | "children",
): Promise<Response> {
  const { request, call, base, query } = route;
  const { search, fields } = requestedByQuery(query.limit === undefined ? { ...query, limit: "100" } : query);
  const page = await catalog.collections(search, call);
  const url = selfUrl(request, base);
  const entries = page.entries.map(({ document }) => {
    const linked: StacCollection = linkedCollection(document, base);
    return fields === undefined ? linked : picked(linked, fields);
  });
  const body = {
    [member]: entries,
    links: [
      { rel: "self", href: url.href, type: JSON_TYPE },
      rootLink(base),
      ...pageLinks({ method: "GET", url }, page, JSON_TYPE),
    ],
    ...(page.matched === undefined ? {} : { numberMatched: page.matched }),
    numberReturned: entries.length,
  };
  return new Response(JSON.stringify(body), { headers: { "Content-Type": JSON_TYPE, "Cache-Control": "no-cache" } });
}

/** A document under the id of its last event as the entity tag. */
export function entity(request: Request, { etag, updated }: Stored<unknown>, document: object, type: string): Response {
  const headers: Record<string, string> = {
    "Content-Type": type,
    ETag: `"${etag}"`,
    "Last-Modified": updated.toUTCString(),
    "Cache-Control": "no-cache",
  };
  const ifNoneMatch = request.headers.get("if-none-match") ?? undefined;
  if (isNotModified(ifNoneMatch, `"${etag}"`)) return new Response(null, { status: 304, headers });
  const ifMatch = request.headers.get("if-match") ?? undefined;
  const decided = precondition({ isHead: false, ifMatch }, headers);
  if (decided !== undefined) return new Response(null, decided);
  return new Response(JSON.stringify(document), { headers });
}
