import type { Aggregation } from "../../catalog/catalog.ts";
import { GyreError } from "../../errors.ts";
import { readJson } from "../json-body.ts";
import type { RouteCall } from "../protocol.ts";
import { type StacOptions, selfUrl } from "./context.ts";
import { noCollection } from "./documents.ts";
import { JSON_TYPE, rootLink } from "./links.ts";
import { requestedByBody, requestedByQuery } from "./search-parameters.ts";

const MOST_AGGREGATIONS = 20;
const INTERVALS = ["day", "month", "year"] as const;

/** Those that any collection has; `{property}_frequency` goes for every queryable property. */
export const AGGREGATIONS: readonly { readonly name: string; readonly data_type: string }[] = [
  { name: "total_count", data_type: "integer" },
  { name: "datetime_min", data_type: "datetime" },
  { name: "datetime_max", data_type: "datetime" },
  { name: "datetime_frequency", data_type: "frequency_distribution" },
  { name: "collection_frequency", data_type: "frequency_distribution" },
  { name: "grid_geohash_frequency", data_type: "frequency_distribution" },
  { name: "grid_geotile_frequency", data_type: "frequency_distribution" },
];

/** `GET /aggregations`: what may be asked for. */
export async function answerAggregations(
  { request, params, call, base }: RouteCall,
  { catalog }: StacOptions,
): Promise<Response> {
  const { collection } = params;
  if (collection !== undefined && (await catalog.collection(collection, call)) === undefined)
    throw noCollection(collection);
  const queryables = Object.keys(await catalog.queryables(collection, call));
  const own = new Set(["id", "collection", "geometry", "bbox", "datetime", "start_datetime", "end_datetime"]);
  const frequencies = queryables
    .filter((name) => !own.has(name))
    .map((name) => ({ name: `${name}_frequency`, data_type: "frequency_distribution" }));
  return json({
    aggregations: [...AGGREGATIONS, ...frequencies],
    links: [{ rel: "self", href: selfUrl(request, base).href, type: JSON_TYPE }, rootLink(base)],
  });
}

/** `GET` and `POST /aggregate` (Aggregation extension): a search, answered by counts. */
export async function answerAggregate(route: RouteCall, options: StacOptions): Promise<Response> {
  const { request, params, call, base } = route;
  const { collection } = params;
  if (collection !== undefined && (await options.catalog.collection(collection, call)) === undefined) {
    throw noCollection(collection);
  }
  const { asked, search } = await askedOf(route, options);
  const aggregations = await options.catalog.aggregate(
    collection === undefined ? search : { ...search, collections: [collection] },
    asked,
    call,
  );
  return json({
    type: "AggregationCollection",
    aggregations,
    links: [{ rel: "self", href: selfUrl(request, base).href, type: JSON_TYPE }, rootLink(base)],
  });
}

async function askedOf({ request, query }: RouteCall, options: StacOptions) {
  const {
    aggregations,
    grid_precision: precision,
    datetime_interval: interval,
    ...rest
  } = request.method === "POST"
    ? ((await readJson(request, [JSON_TYPE], options.bodyBytes)) as { readonly [name: string]: unknown })
    : query;
  const { search } =
    request.method === "POST" ? requestedByBody(rest) : requestedByQuery(rest as Record<string, string>);
  const names = typeof aggregations === "string" ? aggregations.split(",") : (aggregations ?? []);
  if (!Array.isArray(names) || names.length === 0 || !names.every((name) => typeof name === "string" && name !== "")) {
    throw new GyreError("BadRequest", "aggregations names what to aggregate", {
      subject: "aggregations",
      allowed: AGGREGATIONS.map(({ name }) => name),
    });
  }
  if (names.length > MOST_AGGREGATIONS) {
    throw new GyreError("BadRequest", `at most ${MOST_AGGREGATIONS} aggregations at once`, { subject: "aggregations" });
  }
  const asked = names.map(
    (name: string): Aggregation => ({
      name,
      ...(interval === undefined ? {} : { interval: intervalOf(interval) }),
      ...(precision === undefined ? {} : { precision: precisionOf(precision) }),
    }),
  );
  return { asked, search };
}

function intervalOf(value: unknown): "day" | "month" | "year" {
  const found = INTERVALS.find((interval) => interval === value);
  if (found !== undefined) return found;
  throw new GyreError("BadRequest", "datetime_interval is not known", {
    subject: "datetime_interval",
    allowed: INTERVALS,
  });
}

function precisionOf(value: unknown): number {
  const number = Number(value);
  if (Number.isInteger(number) && number >= 1 && number <= 12) return number;
  throw new GyreError("BadRequest", "grid_precision is a number from 1 to 12", { subject: "grid_precision" });
}

function json(body: object): Response {
  return new Response(JSON.stringify(body), { headers: { "Content-Type": JSON_TYPE, "Cache-Control": "no-cache" } });
}
