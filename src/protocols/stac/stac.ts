import { z } from "zod";
import { jsonResponse } from "../document.ts";
import type { Protocol, Route, RouteCall } from "../protocol.ts";
import { answerAggregate, answerAggregations } from "./aggregate.ts";
import type { StacOptions } from "./context.ts";
import { answerCollection, answerCollections, answerItem } from "./documents.ts";
import { answerLanding, conformance } from "./landing.ts";
import { GEOJSON, JSON_TYPE } from "./links.ts";
import { NDJSON } from "./ndjson.ts";
import { answerQueryables } from "./queryables.ts";
import { answerSearch } from "./search.ts";
import { searchQuery } from "./search-parameters.ts";
import { answerWrite } from "./transactions.ts";

export type { StacOptions } from "./context.ts";

const COLLECTION = "/stac/collections/:collection";
const ITEM = `${COLLECTION}/items/:item`;
const PROBLEM = { types: ["application/problem+json"] };
const READ_RESPONSES = { 400: { description: "A parameter is wrong", ...PROBLEM } };
const FOUND_RESPONSES = { ...READ_RESPONSES, 404: { description: "There is none", ...PROBLEM } };
const WRITE_RESPONSES: Route["responses"] = {
  202: { description: "The event is durable; its status has an address", types: [JSON_TYPE] },
  200: { description: "Changed here (Prefer: wait)", types: [JSON_TYPE, GEOJSON] },
  201: { description: "Made here (Prefer: wait)", types: [JSON_TYPE, GEOJSON] },
  204: { description: "Changed here (Prefer: wait, return=minimal)", types: [] },
  400: { description: "Not understood", ...PROBLEM },
  404: { description: "There is none", ...PROBLEM },
  405: { description: "This node only follows others", ...PROBLEM },
  409: { description: "There is one already, or the key came with another body", ...PROBLEM },
  412: { description: "Changed since the tag of If-Match", ...PROBLEM },
  413: { description: "The body is too large", ...PROBLEM },
  415: { description: "The body is of another type", ...PROBLEM },
  422: { description: "The document is not valid", ...PROBLEM },
};
const aggregateQuery = z.strictObject({
  ...searchQuery.shape,
  aggregations: z.string().max(2000).optional(),
  grid_precision: z.string().max(10).optional(),
  datetime_interval: z.string().max(10).optional(),
});

/** The STAC API (1.0) of a node with its extensions; writes only where there is a door. */
export function createStac(options: StacOptions): Protocol {
  const read = (
    path: string,
    summary: string,
    type: string | readonly string[],
    handle: (call: RouteCall) => Promise<Response>,
    more: Partial<Route> = {},
  ): Route => ({
    method: "GET",
    path,
    summary,
    responses: { 200: { description: summary, types: [type].flat() }, ...FOUND_RESPONSES },
    role: "read",
    handle,
    ...more,
  });
  const write = (method: "POST" | "PUT" | "PATCH" | "DELETE", path: string, summary: string): Route => ({
    method,
    path,
    summary,
    responses: WRITE_RESPONSES,
    role: "write",
    handle: (call) => answerWrite(call, options, method),
  });
  const search = (call: RouteCall): Promise<Response> => answerSearch(call, options);
  const aggregate = (call: RouteCall): Promise<Response> => answerAggregate(call, options);
  const queryables = (call: RouteCall): Promise<Response> => answerQueryables(call, options);
  const aggregations = (call: RouteCall): Promise<Response> => answerAggregations(call, options);
  const items = [GEOJSON, NDJSON];
  return {
    name: "stac",
    summary: "The catalogue: STAC API",
    conformsTo: conformance(options),
    routes: [
      read("/stac", "The catalogue", JSON_TYPE, (call) => answerLanding(call, options)),
      read("/stac/conformance", "Conformance classes", JSON_TYPE, async ({ request }) =>
        jsonResponse(request, { conformsTo: conformance(options) }),
      ),
      read("/stac/search", "Search items", items, search, { query: searchQuery }),
      read("/stac/search", "Search items", items, search, { method: "POST" }),
      read("/stac/queryables", "What filters may name", "application/schema+json", queryables),
      read("/stac/aggregations", "Aggregations that there are", JSON_TYPE, aggregations),
      read("/stac/aggregate", "Counts of a search", JSON_TYPE, aggregate, { query: aggregateQuery }),
      read("/stac/aggregate", "Counts of a search", JSON_TYPE, aggregate, { method: "POST" }),
      read(
        "/stac/children",
        "Collections, as children",
        JSON_TYPE,
        (call) => answerCollections(call, options, "children"),
        {
          query: searchQuery,
        },
      ),
      read(
        "/stac/collections",
        "Collections; a search among them",
        JSON_TYPE,
        (call) => answerCollections(call, options, "collections"),
        { query: searchQuery },
      ),
      read(COLLECTION, "A collection", JSON_TYPE, (call) => answerCollection(call, options)),
      read(`${COLLECTION}/queryables`, "What filters of a collection may name", "application/schema+json", queryables),
      read(`${COLLECTION}/aggregations`, "Aggregations of a collection", JSON_TYPE, aggregations),
      read(`${COLLECTION}/aggregate`, "Counts of a search in a collection", JSON_TYPE, aggregate, {
        query: aggregateQuery,
      }),
      read(`${COLLECTION}/aggregate`, "Counts of a search in a collection", JSON_TYPE, aggregate, { method: "POST" }),
      read(
        `${COLLECTION}/items`,
        "Items of a collection",
        items,
        (call) => answerSearch(call, options, call.params.collection),
        { query: searchQuery },
      ),
      read(ITEM, "An item", GEOJSON, (call) => answerItem(call, options)),
      write("POST", "/stac/collections", "Publish a collection"),
      write("PUT", COLLECTION, "Replace a collection"),
      write("PATCH", COLLECTION, "Change a collection"),
      write("DELETE", COLLECTION, "Remove a collection"),
      write("POST", `${COLLECTION}/items`, "Publish an item or an ItemCollection"),
      write("PUT", ITEM, "Replace an item"),
      write("PATCH", ITEM, "Change an item"),
      write("DELETE", ITEM, "Remove an item"),
    ],
  };
}
