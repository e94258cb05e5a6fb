import type { StoredItem } from "../../catalog/catalog.ts";
import { isObject } from "../../catalog/json.ts";
import { OWN_LINKS } from "../../catalog/own-links.ts";
import { membersOf } from "../../core/json-members.ts";
import type { StacCollection, StacItem, StacLink } from "../../core/stac.ts";
import { GEOPARQUET } from "./geoparquet/geoparquet.ts";
import { NDJSON } from "./ndjson.ts";

export const QUERYABLES = "http://www.opengis.net/def/rel/ogc/1.0/queryables";

export const GEOJSON = "application/geo+json";
export const JSON_TYPE = "application/json";
const OTHER_FORMS = [
  { f: "ndjson", type: NDJSON, title: "All items as newline-delimited JSON" },
  { f: "geoparquet", type: GEOPARQUET, title: "All items as GeoParquet" },
];
export const SCHEMA_TYPE = "application/schema+json";

/** The address of something below `/stac`. */
export function stacUrl(base: URL, ...parts: readonly string[]): string {
  return [`${base.href}stac`, ...parts.map(encodeURIComponent)].join("/");
}

export function rootLink(base: URL): StacLink {
  return { rel: "root", href: stacUrl(base), type: JSON_TYPE };
}

/** The item with the links that it has here. */
export function linkedItem(item: StacItem, base: URL): StacItem {
  return { ...item, links: itemLinks(item, base) };
}

/** The text of the item with the links that it has here. Of what is stored its id, collection and links alone are read. */
export function linkedText({ body, properties }: Pick<StoredItem, "body" | "properties">, base: URL): string {
  const members = membersOf(body);
  const [id, collection, links, assets] = ["id", "collection", "links", "assets"].map((name) => members.get(name));
  const read = JSON.parse(`{${[id, collection, links].filter((member) => member !== undefined)}}`) as StacItem;
  for (const name of ["properties", "links", "assets"]) members.delete(name);
  const written = [`"properties":${properties}`, `"links":${JSON.stringify(itemLinks(read, base))}`];
  if (assets !== undefined) written.push(assets);
  return `{${[...members.values(), ...written].join()}}`;
}

function itemLinks(
  { id, collection = "", links }: Pick<StacItem, "id" | "collection" | "links">,
  base: URL,
): StacLink[] {
  const above = stacUrl(base, "collections", collection);
  return [
    { rel: "self", href: `${above}/items/${encodeURIComponent(id)}`, type: GEOJSON },
    rootLink(base),
    { rel: "parent", href: above, type: JSON_TYPE },
    { rel: "collection", href: above, type: JSON_TYPE },
    ...foreign(links),
  ];
}

/** The collection with the links that it has here. */
export function linkedCollection(collection: StacCollection, base: URL): StacCollection {
  const self = stacUrl(base, "collections", collection.id);
  const links: StacLink[] = [
    { rel: "self", href: self, type: JSON_TYPE },
    rootLink(base),
    { rel: "parent", href: stacUrl(base), type: JSON_TYPE },
    { rel: "items", href: `${self}/items`, type: GEOJSON, title: "Items" },
    ...otherForms("items", new URL(`${self}/items`)),
    { rel: QUERYABLES, href: `${self}/queryables`, type: SCHEMA_TYPE, title: "Queryables" },
    { rel: "aggregate", href: `${self}/aggregate`, type: JSON_TYPE, title: "Aggregation" },
    { rel: "aggregations", href: `${self}/aggregations`, type: JSON_TYPE, title: "Aggregations that there are" },
  ];
  return { ...collection, links: [...links, ...foreign(collection.links)] };
}

/** Items in the other forms that there are (OGC 17-069r4, 7.13 and 7.15): of all pages, since those have none. */
export function otherForms(rel: "alternate" | "items", pages: URL): StacLink[] {
  return OTHER_FORMS.map(({ f, type, title }) => {
    const url = new URL(pages);
    for (const name of ["limit", "token"]) url.searchParams.delete(name);
    url.searchParams.set("f", f);
    return { rel, href: url.href, type, title };
  });
}

/** Whatever was sent as links is stored where documents are not validated. */
function foreign(links: unknown): readonly StacLink[] {
  const isForeign = (link: unknown): link is StacLink =>
    isObject(link) && !(typeof link.rel === "string" && OWN_LINKS.has(link.rel));
  return Array.isArray(links) ? links.filter(isForeign) : [];
}

/** Links to the pages before and behind this one, by the method of the request. */
export function pageLinks(
  request: { readonly method: string; readonly url: URL; readonly body?: object },
  tokens: { readonly next?: string | undefined; readonly previous?: string | undefined },
  type: string,
): StacLink[] {
  return [["prev", tokens.previous] as const, ["next", tokens.next] as const].flatMap(([rel, token]): StacLink[] => {
    if (token === undefined) return [];
    if (request.method !== "POST") {
      const url = new URL(request.url);
      url.searchParams.set("token", token);
      return [{ rel, href: url.href, type, method: "GET" }];
    }
    const body = { ...request.body, token } as NonNullable<StacLink["body"]>;
    return [{ rel, href: request.url.href, type, method: "POST", body, merge: false }];
  });
}
