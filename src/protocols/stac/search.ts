import type { Page, StoredItem } from "../../catalog/catalog.ts";
import { GyreError } from "../../errors.ts";
import { favourite } from "../accept.ts";
import { readJson } from "../json-body.ts";
import type { RouteCall } from "../protocol.ts";
import { jsonAnswer } from "./answer.ts";
import { type StacOptions, selfUrl } from "./context.ts";
import { checkCollection } from "./documents.ts";
import { type Fields, picked } from "./fields.ts";
import { GEOPARQUET, geoparquet } from "./geoparquet/geoparquet.ts";
import { GEOJSON, JSON_TYPE, linkedItem, linkedText, otherForms, pageLinks, rootLink } from "./links.ts";
import { NDJSON, ndjson } from "./ndjson.ts";
import { type Requested, requestedByBody, requestedByQuery, within } from "./search-parameters.ts";

/** What items are answered as. */
export const ITEM_TYPES = [GEOJSON, NDJSON, GEOPARQUET] as const;
const FORMATS = { geojson: GEOJSON, json: GEOJSON, ndjson: NDJSON, geoparquet: GEOPARQUET } as const;
const VARY = { Vary: "Accept, Accept-Encoding" };

/** `GET` and `POST /search`, and `GET /collections/{id}/items`. */
export async function answerSearch(route: RouteCall, options: StacOptions, collection?: string): Promise<Response> {
  const { request, call } = route;
  const type = formatOf(route);
  const body = request.method === "POST" ? await readJson(request, [JSON_TYPE], options.bodyBytes) : undefined;
  const asked = body === undefined ? requestedByQuery(route.query) : requestedByBody(body);
  const requested = { ...asked, search: within(asked.search, collection) };
  await checkCollection(collection, options, call);
  if (type !== GEOJSON) return answerWhole(route, options, requested, type);
  const page = await options.catalog.search(requested.search, call);
  return answerPage(route, page, requested, body as object | undefined);
}

/** All that matches, however much it is: in this form there are no pages. */
async function answerWhole(
  { request, call, base }: RouteCall,
  { catalog }: StacOptions,
  { search, fields }: Requested,
  type: typeof NDJSON | typeof GEOPARQUET,
): Promise<Response> {
  if (search.token !== undefined) {
    throw new GyreError("BadRequest", `${type} has no pages, and takes no token`, { subject: "token" });
  }
  const headers = { "Content-Type": type, "Cache-Control": "no-cache", ...VARY };
  if (request.method === "HEAD") return new Response(null, { headers });
  const items = () => catalog.stream(search, call);
  return type === NDJSON
    ? ndjson(items(), (item) => itemText(item, fields, base), headers)
    : geoparquet(items, (item) => itemAsked(item, fields, base), headers);
}

/** The search in the collection of the address, which pystac-client names again; another one is a mistake. */
function formatOf({ request, query }: RouteCall): (typeof ITEM_TYPES)[number] {
  const { f } = query;
  if (f === undefined) {
    const type = favourite(request, [GEOJSON, JSON_TYPE, NDJSON, GEOPARQUET]);
    return type === JSON_TYPE ? GEOJSON : type;
  }
  if (Object.hasOwn(FORMATS, f)) return FORMATS[f as keyof typeof FORMATS];
  throw new GyreError("BadRequest", `there is no format ${JSON.stringify(f.slice(0, 50))}`, {
    subject: "f",
    allowed: Object.keys(FORMATS),
  });
}

/** An item as it is answered: its links, and the fields that were asked for. */
function itemAsked({ document }: StoredItem, fields: Fields | undefined, base: URL): object {
  const linked = linkedItem(document, base);
  return fields === undefined ? linked : picked(linked, fields);
}

function itemText(item: StoredItem, fields: Fields | undefined, base: URL): string {
  return fields === undefined ? linkedText(item, base) : JSON.stringify(itemAsked(item, fields, base));
}

function answerPage(
  { request, base }: RouteCall,
  page: Page<StoredItem>,
  { fields }: Requested,
  body: object | undefined,
): Response {
  const url = selfUrl(request, base);
  const features = page.entries.map((item) => itemText(item, fields, base));
  const rest = {
    links: [
      { rel: "self", href: url.href, type: GEOJSON },
      rootLink(base),
      ...(body === undefined ? otherForms("alternate", url) : []),
      ...pageLinks({ method: request.method, url, ...(body === undefined ? {} : { body }) }, page, GEOJSON),
    ],
    ...(page.matched === undefined ? {} : { numberMatched: page.matched }),
    numberReturned: features.length,
    timeStamp: new Date().toISOString(),
  };
  const text = `{"type":"FeatureCollection","features":[${features}],${JSON.stringify(rest).slice(1)}`;
  return jsonAnswer(text, { type: GEOJSON, headers: VARY });
}
