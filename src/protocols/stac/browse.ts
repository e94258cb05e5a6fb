import type { StacLink } from "../../core/stac.ts";
import type { RouteCall } from "../protocol.ts";
import { jsonAnswer } from "./answer.ts";
import type { StacOptions } from "./context.ts";
import { checkCollection, collectionsPage } from "./documents.ts";
import { GEOJSON, JSON_TYPE, rootLink, stacUrl } from "./links.ts";

/** Links of one catalogue, the landing page among them, and entries of `/children`. */
export const MOST_CHILDREN = 1000;
const DIGITS = [..."0123456789abcdef"];
const DESCRIPTION = "Every item, by collection, for whoever follows links and does not search.";

interface Catalogue {
  readonly id: string;
  readonly title: string;
  readonly self: string;
  readonly parent: string;
  readonly links: readonly StacLink[];
}

/**
 * The catalogue from which every item is reached by `child` and `item` links alone (STAC API 1.0.0 core, Browseable), since
 * collections link to their items as to one resource, `items`. Below it each collection is divided by the hashes of the
 * items' ids, so that a few links lead to any of millions.
 */
export async function browseCatalogue(
  { call, base }: RouteCall,
  options: StacOptions,
  token?: string,
): Promise<object> {
  const page = await options.catalog.collections(
    { limit: MOST_CHILDREN, isCounted: false, ...(token === undefined ? {} : { token }) },
    call,
  );
  const pageUrl = (of?: string): string =>
    browseUrl(base) + (of === undefined ? "" : `?token=${encodeURIComponent(of)}`);
  const links = page.entries.map(({ document: { id, title = id } }) => child(browseUrl(base, id), title));
  if (page.next !== undefined) links.push(child(pageUrl(page.next), "More collections"));
  return documentOf(base, { id: "browse", title: "All items", self: pageUrl(token), parent: stacUrl(base), links });
}

/** `GET /browse`. */
export async function answerBrowse(route: RouteCall, options: StacOptions): Promise<Response> {
  return jsonAnswer(await browseCatalogue(route, options, route.query.token));
}

/** `GET /browse/{collection}` and `GET /browse/{collection}/{prefix}`. */
export async function answerBrowseItems({ params, call, base }: RouteCall, options: StacOptions): Promise<Response> {
  const { collection = "", prefix = "" } = params;
  await checkCollection(collection, options, call);
  const ids = await options.catalog.idsBelow(collection, prefix, MOST_CHILDREN, call);
  const links =
    ids === undefined
      ? DIGITS.map((digit) => child(browseUrl(base, collection, prefix + digit), `${collection}: ${prefix}${digit}`))
      : ids.map((id) => ({
          rel: "item",
          href: stacUrl(base, "collections", collection, "items", id),
          type: GEOJSON,
          title: id,
        }));
  const [id, title] =
    prefix === "" ? [collection, collection] : [`${collection}/${prefix}`, `${collection}: ${prefix}`];
  const parent = prefix === "" ? browseUrl(base) : browseUrl(base, collection, prefix.slice(0, -1));
  return jsonAnswer(documentOf(base, { id, title, self: browseUrl(base, collection, prefix), parent, links }));
}

/** `GET /children` (Children extension): what the landing page links to, in whole; a search finds the collections of it. */
export async function answerChildren(route: RouteCall, options: StacOptions): Promise<Response> {
  const isWhole = Object.keys(route.query).every((name) => name === "limit" || name === "token");
  const others = isWhole ? [await browseCatalogue(route, options)] : [];
  return collectionsPage(route, options, "children", MOST_CHILDREN, others);
}

/** The link to it. */
export function browseLink(base: URL): StacLink {
  return child(browseUrl(base), "All items");
}

function browseUrl(base: URL, ...parts: readonly string[]): string {
  return stacUrl(base, "browse", ...parts.filter((part) => part !== ""));
}

function child(href: string, title: string): StacLink {
  return { rel: "child", href, type: JSON_TYPE, title };
}

function documentOf(base: URL, { id, title, self, parent, links }: Catalogue): object {
  const own: StacLink[] = [
    { rel: "self", href: self, type: JSON_TYPE },
    rootLink(base),
    { rel: "parent", href: parent, type: JSON_TYPE },
  ];
  return { type: "Catalog", stac_version: "1.1.0", id, title, description: DESCRIPTION, links: [...own, ...links] };
}
