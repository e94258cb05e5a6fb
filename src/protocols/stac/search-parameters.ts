import { z } from "zod";
import type { Search, SortKey } from "../../catalog/catalog.ts";
import type { Expression } from "../../catalog/cql2/expression.ts";
import { parseJson } from "../../catalog/cql2/json.ts";
import { isStorable, UNSTORABLE } from "../../catalog/cql2/limits.ts";
import { parseText } from "../../catalog/cql2/text.ts";
import { parseInterval } from "../../core/interval.ts";
import type { Geometry } from "../../core/stac.ts";
import { GyreError } from "../../errors.ts";
import { boxOf } from "./box.ts";
import type { Fields } from "./fields.ts";
import { parseFreeText } from "./free-text.ts";
import { geometrySchema } from "./geometry.ts";
import { fromQuery, querySchema } from "./query-extension.ts";

/** Entries of a page when nothing is said, and at most: a greater limit is taken for this one. */
const DEFAULT_LIMIT = 10;
export const MOST_LIMIT = 10_000;
const MOST_IDS = 1000;

const name = z.string().min(1).max(1024).refine(isStorable, UNSTORABLE);
const sortKey = z.strictObject({ field: name, direction: z.enum(["asc", "desc"]).default("asc") });

/** The body of `POST /search` with the extensions that this catalogue has. */
export const searchBody = z.strictObject({
  // Clients send the one name that they have, and stac-api-validator wants that to work.
  collections: z.union([z.array(name).max(MOST_IDS), name.transform((one) => [one])]).optional(),
  ids: z.array(name).max(MOST_IDS).optional(),
  bbox: z.array(z.number()).optional(),
  intersects: geometrySchema.optional(),
  datetime: z.string().max(200).optional(),
  limit: z.int().min(1).optional(),
  token: z.string().max(8000).optional(),
  q: z.union([z.string().max(2000), z.array(z.string().max(200)).max(100)]).optional(),
  query: querySchema.optional(),
  sortby: z.array(sortKey).max(10).optional(),
  fields: z
    .strictObject({ include: z.array(name).max(200).nullish(), exclude: z.array(name).max(200).nullish() })
    .optional(),
  filter: z.union([z.string(), z.record(z.string(), z.unknown()), z.boolean()]).optional(),
  "filter-lang": z.enum(["cql2-json", "cql2-text"]).optional(),
  "filter-crs": z
    .enum(["http://www.opengis.net/def/crs/OGC/1.3/CRS84", "https://www.opengis.net/def/crs/OGC/1.3/CRS84"])
    .optional(),
});
export type SearchBody = z.output<typeof searchBody>;

const text = z.string().max(8000).optional();
/** The same as parameters of a GET. */
export const searchQuery = z.strictObject({
  collections: text.describe("ids, separated by commas"),
  ids: text.describe("ids, separated by commas"),
  bbox: text.describe("west,south,east,north in degrees"),
  intersects: text.describe("a GeoJSON geometry"),
  datetime: text.describe("an RFC 3339 date-time, or two with / between; .. is open"),
  limit: text.describe(`entries of a page, at most ${MOST_LIMIT}; default ${DEFAULT_LIMIT}`),
  token: text.describe("what the link to the next page says"),
  q: text.describe("free text: any of the words or phrases between commas"),
  query: text.describe("JSON of the Query extension"),
  sortby: text.describe("fields, separated by commas; - in front: descending"),
  fields: text.describe("fields to keep, separated by commas; - in front: to leave out"),
  filter: text.describe("CQL2"),
  "filter-lang": text.describe("cql2-text (default) or cql2-json"),
  "filter-crs": text,
  f: text.describe("geojson (or json), ndjson or geoparquet; else the Accept header decides"),
});
type QueryText = { readonly [K in keyof z.output<typeof searchQuery>]?: string | undefined };

/** What a client asked for: the search, and the shape of its answer. */
export interface Requested {
  readonly search: Search;
  readonly fields?: Fields;
}

/** Throws BadRequest naming the member. */
export function requestedByBody(value: unknown): Requested {
  return requested(checkedBody(searchBody, value));
}

/** The value as a schema has it. Throws BadRequest naming the member. */
export function checkedBody<T extends z.ZodObject>(schema: T, value: unknown): z.output<T> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  throw firstIssue(result.error, Object.keys(schema.shape));
}

/** Throws BadRequest naming the parameter. */
export function requestedByQuery({ f: _format, ...query }: QueryText): Requested {
  const body: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(query)) if (value !== undefined) body[key] = memberOf(key, value, query);
  return requestedByBody(body);
}

function memberOf(key: string, value: string, query: QueryText): unknown {
  switch (key) {
    case "collections":
    case "ids":
      return listOf(value);
    case "bbox":
      return listOf(value).map((part) => numberOf(key, part));
    case "limit":
      return numberOf(key, value);
    case "intersects":
    case "query":
      return jsonOf(key, value);
    case "filter":
      return query["filter-lang"] === "cql2-json" ? jsonOf(key, value) : value;
    case "sortby":
      return listOf(value).map((part) => ({
        // A plus of an address is a space.
        field: part.replace(/^[+\- ]/, ""),
        direction: part.startsWith("-") ? "desc" : "asc",
      }));
    case "fields": {
      const parts = listOf(value);
      return {
        include: parts.filter((part) => !part.startsWith("-")).map((part) => part.replace(/^[+ ]/, "")),
        exclude: parts.filter((part) => part.startsWith("-")).map((part) => part.slice(1)),
      };
    }
    default:
      return value;
  }
}

function requested(body: SearchBody): Requested {
  if (body.bbox !== undefined && body.intersects !== undefined) {
    throw refused("intersects", "bbox and intersects cannot be asked for together");
  }
  const { bbox, heights } = body.bbox === undefined ? {} : boxOf(body.bbox);
  const interval = body.datetime === undefined ? undefined : parseInterval(body.datetime);
  const filter = allOf([filterOf(body), body.query === undefined ? undefined : fromQuery(body.query)]);
  const q = body.q === undefined ? undefined : parseFreeText(body.q);
  const sortby = body.sortby?.map(({ field, direction }): SortKey => {
    return { field: field.replace(/^properties\./, ""), direction };
  });
  const search: Search = {
    limit: Math.min(body.limit ?? DEFAULT_LIMIT, MOST_LIMIT),
    ...given("collections", body.collections?.length === 0 ? undefined : body.collections),
    ...given("ids", body.ids?.length === 0 ? undefined : body.ids),
    ...given("bbox", bbox),
    ...given("heights", heights),
    ...given("intersects", body.intersects as Geometry | undefined),
    ...given("datetime", interval),
    ...given("filter", filter),
    ...given("q", q),
    ...given("sortby", sortby?.length === 0 ? undefined : sortby),
    ...given("token", body.token),
  };
  if (body.fields === undefined) return { search };
  const { include, exclude } = body.fields;
  return { search, fields: { ...given("include", include === null ? [] : include), exclude: exclude ?? [] } };
}

function filterOf({ filter, "filter-lang": lang }: SearchBody): Expression | undefined {
  if (filter === undefined) return undefined;
  if (typeof filter === "string" && lang !== "cql2-json") return parseText(filter);
  if (lang === "cql2-text") throw refused("filter", "is no text, but filter-lang says cql2-text");
  return parseJson(filter);
}

/** A search in the collection of its address, which clients name once more; another one is a mistake. */
export function within(search: Search, collection: string | undefined): Search {
  if (collection === undefined) return search;
  if (search.collections?.some((named) => named !== collection)) {
    throw refused("collections", `collections names others than ${collection}, whose address this is`);
  }
  return { ...search, collections: [collection] };
}

/** All of these, where they are. */
export function allOf(expressions: readonly (Expression | undefined)[]): Expression | undefined {
  const of = expressions.filter((expression) => expression !== undefined);
  return of.length < 2 ? of[0] : { kind: "and", of };
}

function given<K extends string, V>(key: K, value: V | undefined): { [key in K]?: V } {
  return (value === undefined ? {} : { [key]: value }) as { [key in K]?: V };
}

function listOf(value: string): string[] {
  return value.split(",").filter((part) => part !== "");
}

export function numberOf(key: string, value: string): number {
  const number = Number(value);
  if (value.trim() === "" || !Number.isFinite(number)) {
    throw refused(key, `${key}: ${JSON.stringify(value.slice(0, 50))} is no number`);
  }
  return number;
}

function jsonOf(key: string, value: string): unknown {
  try {
    return JSON.parse(value);
  } catch (cause) {
    throw new GyreError("BadRequest", `${key} is no JSON: ${(cause as Error).message}`, { subject: key, cause });
  }
}

function firstIssue(error: z.ZodError, members: readonly string[]): GyreError {
  const issue = error.issues[0];
  const unknown = issue?.code === "unrecognized_keys" && issue.path.length === 0;
  if (unknown) {
    return new GyreError("BadRequest", `a search has no member ${issue.keys.join(", ")}`, {
      subject: issue.keys.join(", "),
      allowed: members,
    });
  }
  const path = issue?.path.join(".") ?? "";
  return refused(path, `${path || "the body"}: ${issue?.message ?? "is wrong"}`);
}

function refused(subject: string, message: string): GyreError {
  return new GyreError("BadRequest", message, { subject });
}
