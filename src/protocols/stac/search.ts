import type { Page, Search } from "../../catalog/catalog.ts";
import type { StacItem } from "../../core/stac.ts";
import { GyreError } from "../../errors.ts";
import { favourite } from "../accept.ts";
import { readJson } from "../json-body.ts";
import type { RouteCall } from "../protocol.ts";
import { type StacOptions, selfUrl } from "./context.ts";
import { type Fields, picked } from "./fields.ts";
import { GEOJSON, linkedItem, pageLinks, rootLink } from "./links.ts";
import { NDJSON, ndjson } from "./ndjson.ts";
import { type Requested, requestedByBody, requestedByQuery } from "./search-parameters.ts";

const FORMATS = { geojson: GEOJSON, ndjson: NDJSON } as const;

/** `GET` and `POST /search`, and `GET /collections/{id}/items`. */
export async function answerSearch(route: RouteCall, options: StacOptions, collection?: string): Promise<Response> {
  const { request, call, base } = route;
  const body = request.method === "POST" ? await readJson(request, ["application/json"], options.bodyBytes) : undefined;
  const asked = body === undefined ? requestedByQuery(route.query) : requestedByBody(body);
  const requested = collection === undefined ? asked : within(asked, collection);
  if (collection !== undefined && (await options.catalog.collection(collection, call)) === undefined) {
    throw new GyreError("NotFound", `there is no collection ${collection}`, { subject: collection });
  }
  if (formatOf(route) === NDJSON)
    return ndjson(request, options.catalog.stream(requested.search, call), (stored) => {
      return shaped(stored.document, requested.fields, base);
    });
  const page = await options.catalog.search(requested.search, call);
  const url = selfUrl(request, base);
  const links = [
    { rel: "self", href: url.href, type: GEOJSON },
    rootLink(base),
    ...pageLinks(
      { method: request.method, url, ...(body === undefined ? {} : { body: body as object }) },
      page,
      GEOJSON,
    ),
  ];
  return featureCollection(page, requested, base, links);
}

function within({ search, ...rest }: Requested, collection: string): Requested {
  return { ...rest, search: { ...search, collections: [collection] } };
}

function formatOf({ request, query }: RouteCall): string {
  const { f } = query;
  if (f === undefined) return favourite(request, [GEOJSON, "application/json", NDJSON]);
  const type = Object.hasOwn(FORMATS, f) ? FORMATS[f as keyof typeof FORMATS] : undefined;
  if (type !== undefined) return type;
  throw new GyreError("BadRequest", `there is no format ${JSON.stringify(f.slice(0, 50))}`, {
    subject: "f",
    allowed: Object.keys(FORMATS),
  });
}

/** An item as it is answered: its links, and the fields that were asked for. */
function shaped(item: StacItem, fields: Fields | undefined, base: URL): object {
  const linked = linkedItem(item, item.collection ?? "", base);
  return fields === undefined ? linked : picked(linked, fields);
}

function featureCollection(
  page: Page<StacItem>,
  { fields }: { readonly search: Search; readonly fields?: Fields },
  base: URL,
  links: readonly object[],
): Response {
  const features = page.entries.map(({ document }) => shaped(document, fields, base));
  const body = {
    type: "FeatureCollection",
    features,
    links,
    ...(page.matched === undefined ? {} : { numberMatched: page.matched }),
    numberReturned: features.length,
    timeStamp: new Date().toISOString(),
  };
  return new Response(JSON.stringify(body), {
    headers: { "Content-Type": GEOJSON, "Cache-Control": "no-cache", Vary: "Accept, Accept-Encoding" },
  });
}
