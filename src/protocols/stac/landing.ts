import type { StacLink } from "../../core/stac.ts";
import type { RouteCall } from "../protocol.ts";
import { jsonAnswer } from "./answer.ts";
import { browseLink, MOST_CHILDREN } from "./browse.ts";
import { READS, WRITES } from "./conformance.ts";
import type { StacOptions } from "./context.ts";
import { ENGLISH, languageMembers, languageOf } from "./language.ts";
import { GEOJSON, JSON_TYPE, QUERYABLES, SCHEMA_TYPE, stacUrl } from "./links.ts";

export function conformance({ writes }: StacOptions): readonly string[] {
  return writes === undefined ? READS : [...READS, ...WRITES];
}

/** `GET /stac`: the catalogue as its clients first meet it. */
export async function answerLanding({ request, call, base }: RouteCall, options: StacOptions): Promise<Response> {
  const { id = "gyre", languages = ENGLISH } = options;
  const language = languageOf(request, languages);
  const { title = options.title ?? "Gyre", description = options.description ?? "The STAC catalogue of a Gyre node." } =
    languages.translations[language] ?? {};
  const { entries } = await options.catalog.collections({ limit: MOST_CHILDREN, isCounted: false }, call);
  const at = (...parts: readonly string[]): string => stacUrl(base, ...parts);
  const links: StacLink[] = [
    { rel: "self", href: at(), type: JSON_TYPE, title, hreflang: language },
    { rel: "root", href: at(), type: JSON_TYPE, title, hreflang: language },
    { rel: "conformance", href: at("conformance"), type: JSON_TYPE, title: "Conformance classes" },
    { rel: "data", href: at("collections"), type: JSON_TYPE, title: "Collections" },
    { rel: "children", href: at("children"), type: JSON_TYPE, title: "Children" },
    { rel: "search", href: at("search"), type: GEOJSON, title: "Item search", method: "GET" },
    { rel: "search", href: at("search"), type: GEOJSON, title: "Item search", method: "POST" },
    { rel: QUERYABLES, href: at("queryables"), type: SCHEMA_TYPE, title: "Queryables" },
    { rel: "aggregate", href: at("aggregate"), type: JSON_TYPE, title: "Aggregation" },
    { rel: "aggregations", href: at("aggregations"), type: JSON_TYPE, title: "Aggregations that there are" },
    {
      rel: "service-desc",
      href: `${base.href}openapi.json`,
      type: "application/vnd.oai.openapi+json;version=3.0",
      title: "OpenAPI",
    },
    { rel: "service-doc", href: `${base.href}docs`, type: "text/html", title: "API documentation" },
    ...entries.map(({ document }): StacLink => {
      return {
        rel: "child",
        href: at("collections", document.id),
        type: JSON_TYPE,
        title: document.title ?? document.id,
      };
    }),
    browseLink(base),
  ];
  const body = {
    type: "Catalog",
    stac_version: "1.1.0",
    id,
    title,
    description,
    ...languageMembers(language, languages),
    conformsTo: conformance(options),
    links,
  };
  return jsonAnswer(body, { headers: { "Content-Language": language, Vary: "Accept-Language" } });
}
