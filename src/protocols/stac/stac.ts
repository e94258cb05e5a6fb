import { jsonResponse } from "../document.ts";
import type { Protocol, Route, RouteCall } from "../protocol.ts";
import { aggregateBody, aggregateQuery, answerAggregate, answerAggregations } from "./aggregate.ts";
import { answerBrowse, answerBrowseItems, answerChildren } from "./browse.ts";
import type { StacOptions } from "./context.ts";
import { answerCollection, answerCollections, answerItem } from "./documents.ts";
import { answerLanding, conformance } from "./landing.ts";
import { ENGLISH } from "./language.ts";
import { GEOJSON, JSON_TYPE, SCHEMA_TYPE } from "./links.ts";
import { answerCollectionQueryables, answerQueryables } from "./queryables.ts";
import { answerSearch, ITEM_TYPES } from "./search.ts";
import { searchBody, searchQuery } from "./search-parameters.ts";
import { writeRoutes } from "./write-routes.ts";

export type { StacOptions } from "./context.ts";

type Answer = (call: RouteCall, options: StacOptions) => Promise<Response>;

const COLLECTION = "/stac/collections/:collection";
const PROBLEM = { types: ["application/problem+json"] };
const collectionsQuery = searchQuery.omit({ collections: true, f: true });
const POSTED = { method: "POST", query: searchQuery.pick({ f: true }) } as const;

/**
 * The STAC API (1.0) of a node with its extensions. Where there is no door there are no routes to it: a client that
 * writes there is told so by 405 and `Allow`.
 */
export function createStac(options: StacOptions): Protocol {
  return {
    name: "stac",
    summary: "The catalogue: STAC API",
    conformsTo: conformance(options),
    routes: [...readRoutes(options), ...(options.writes === undefined ? [] : writeRoutes(options))],
  };
}

function readRoutes(options: StacOptions): readonly Route[] {
  const { own } = options.languages ?? ENGLISH;
  const route = (
    path: string,
    summary: string,
    types: readonly string[],
    answer: Answer,
    more: Partial<Route> = {},
  ): Route => ({
    method: "GET",
    path,
    summary,
    responses: {
      200: { description: summary, types },
      400: { description: "A parameter is wrong", ...PROBLEM },
      404: { description: "There is none", ...PROBLEM },
    },
    role: "read",
    async handle(call) {
      const response = await answer(call, options);
      // Titles of links are the catalogue's words; what it was given it does not translate.
      if (!response.headers.has("content-language")) response.headers.set("Content-Language", own);
      return response;
    },
    ...more,
  });
  const counts = (path: string): readonly Route[] => [
    route(`${path}/queryables`, "What filters may name", [SCHEMA_TYPE], answerQueryables),
    route(`${path}/aggregations`, "What may be counted", [JSON_TYPE], answerAggregations),
    route(`${path}/aggregate`, "Counts of a search", [JSON_TYPE], answerAggregate, { query: aggregateQuery }),
    route(`${path}/aggregate`, "Counts of a search", [JSON_TYPE], answerAggregate, {
      method: "POST",
      body: { [JSON_TYPE]: aggregateBody },
    }),
  ];
  const items: Answer = (call) => answerSearch(call, options, call.params.collection);
  return [
    route("/stac", "The catalogue", [JSON_TYPE], answerLanding),
    route("/stac/conformance", "Conformance classes", [JSON_TYPE], answerConformance),
    route("/stac/search", "Search items", ITEM_TYPES, answerSearch, { query: searchQuery }),
    route("/stac/search", "Search items", ITEM_TYPES, answerSearch, { ...POSTED, body: { [JSON_TYPE]: searchBody } }),
    ...counts("/stac"),
    route("/stac/browse", "Collections whose items are reached by links", [JSON_TYPE], answerBrowse, {
      query: collectionsQuery.pick({ token: true }),
    }),
    route("/stac/browse/:collection", "Items of a collection, as links", [JSON_TYPE], answerBrowseItems),
    route("/stac/browse/:collection/:prefix", "Some items of a collection", [JSON_TYPE], answerBrowseItems),
    route("/stac/children", "What the landing page links to as children", [JSON_TYPE], answerChildren, {
      query: collectionsQuery,
    }),
    route("/stac/collections", "Collections; a search among them", [JSON_TYPE], answerCollections, {
      query: collectionsQuery,
    }),
    route(
      "/stac/collection-queryables",
      "What filters of collections may name",
      [SCHEMA_TYPE],
      answerCollectionQueryables,
    ),
    route(COLLECTION, "A collection", [JSON_TYPE], answerCollection),
    ...counts(COLLECTION),
    route(`${COLLECTION}/items`, "Items of a collection", ITEM_TYPES, items, { query: searchQuery }),
    route(`${COLLECTION}/items/:item`, "An item", [GEOJSON], answerItem),
  ];
}

async function answerConformance({ request }: RouteCall, options: StacOptions): Promise<Response> {
  return jsonResponse(request, { conformsTo: conformance(options) });
}
