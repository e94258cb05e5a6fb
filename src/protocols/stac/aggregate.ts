import { z } from "zod";
import { readJson } from "../json-body.ts";
import type { RouteCall } from "../protocol.ts";
import { jsonAnswer } from "./answer.ts";
import { type StacOptions, selfUrl } from "./context.ts";
import { checkCollection } from "./documents.ts";
import { JSON_TYPE, rootLink } from "./links.ts";
import {
  checkedBody,
  numberOf,
  requestedByBody,
  requestedByQuery,
  searchBody,
  searchQuery,
  within,
} from "./search-parameters.ts";

/** Those that any collection has; `{property}_frequency` goes for every queryable property. */
const AGGREGATIONS: readonly { readonly name: string; readonly data_type: string }[] = [
  { name: "total_count", data_type: "integer" },
  { name: "datetime_min", data_type: "datetime" },
  { name: "datetime_max", data_type: "datetime" },
  { name: "datetime_frequency", data_type: "frequency_distribution" },
  { name: "collection_frequency", data_type: "frequency_distribution" },
  { name: "grid_geohash_frequency", data_type: "frequency_distribution" },
  { name: "grid_geotile_frequency", data_type: "frequency_distribution" },
];
/** What has no frequencies, or has them by another name. */
const WITHOUT_FREQUENCY = new Set([
  ...["id", "collection", "geometry", "bbox", "datetime", "start_datetime", "end_datetime"],
]);

const asked = z.object({
  aggregations: z.array(z.string().min(1).max(250)).min(1).max(20),
  grid_precision: z.int().min(1).max(12).optional(),
  datetime_interval: z.enum(["day", "month", "year"]).optional(),
});
const { sortby: _sortby, fields: _fields, limit: _limit, token: _token, ...conditions } = searchBody.shape;

/** The body of `POST /aggregate`: the conditions of a search, and what to count. */
export const aggregateBody = z.strictObject({ ...conditions, ...asked.shape });

/** The same as parameters of a GET. */
export const aggregateQuery = z.strictObject({
  ...searchQuery.omit({ sortby: true, fields: true, limit: true, token: true, f: true }).shape,
  aggregations: z.string().max(2000).optional().describe("names, separated by commas"),
  grid_precision: z.string().max(10).optional().describe("1 to 12"),
  datetime_interval: z.string().max(10).optional().describe("day, month or year"),
});

/** `GET /aggregations`: what may be asked for. */
export async function answerAggregations(
  { request, params, call, base }: RouteCall,
  options: StacOptions,
): Promise<Response> {
  const { collection } = params;
  await checkCollection(collection, options, call);
  const frequencies = Object.keys(await options.catalog.queryables(collection, call))
    .filter((name) => !WITHOUT_FREQUENCY.has(name))
    .map((name) => ({ name: `${name}_frequency`, data_type: "frequency_distribution" }));
  return jsonAnswer({
    aggregations: [...AGGREGATIONS, ...frequencies],
    links: [{ rel: "self", href: selfUrl(request, base).href, type: JSON_TYPE }, rootLink(base)],
  });
}

/** `GET` and `POST /aggregate` (Aggregation extension): a search, answered by counts. */
export async function answerAggregate(route: RouteCall, options: StacOptions): Promise<Response> {
  const { request, params, call, base } = route;
  const { collection } = params;
  await checkCollection(collection, options, call);
  const { search, wanted } = request.method === "POST" ? await byBody(route, options) : byQuery(route);
  const aggregations = await options.catalog.aggregate(within(search, collection), wanted, call);
  return jsonAnswer({
    type: "AggregationCollection",
    aggregations,
    links: [{ rel: "self", href: selfUrl(request, base).href, type: JSON_TYPE }, rootLink(base)],
  });
}

async function byBody({ request }: RouteCall, options: StacOptions) {
  const body = await readJson(request, [JSON_TYPE], options.bodyBytes);
  const { aggregations, grid_precision, datetime_interval, ...rest } = checkedBody(aggregateBody, body);
  const { search } = requestedByBody(rest);
  return { search, wanted: wantedOf({ aggregations, grid_precision, datetime_interval }) };
}

function byQuery({ query }: RouteCall) {
  const { aggregations = "", grid_precision: precision, datetime_interval, ...rest } = query;
  const wanted = checkedBody(asked, {
    aggregations: aggregations.split(",").filter((name) => name !== ""),
    datetime_interval,
    ...(precision === undefined ? {} : { grid_precision: numberOf("grid_precision", precision) }),
  });
  return { search: requestedByQuery(rest).search, wanted: wantedOf(wanted) };
}

function wantedOf({ aggregations, grid_precision, datetime_interval }: z.output<typeof asked>) {
  return aggregations.map((name) => ({
    name,
    ...(datetime_interval === undefined ? {} : { interval: datetime_interval }),
    ...(grid_precision === undefined ? {} : { precision: grid_precision }),
  }));
}
