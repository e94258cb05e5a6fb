import { z } from "zod";
import type { Payload } from "../../core/event.ts";
import { GyreError } from "../../errors.ts";
import { GEOJSON, JSON_TYPE } from "./links.ts";

export const MERGE_PATCH = "application/merge-patch+json";
export const JSON_PATCH = "application/json-patch+json";
/** Items of one request. */
const MOST_ITEMS = 10_000;

/** No address leads to a document of such a name: `..` is taken for the folder above. */
const id = z
  .string("must be text")
  .min(1, "must not be empty")
  .max(1024, "is longer than 1024 characters")
  .refine((text) => text !== "." && text !== "..", "names no document in an address");
const collection = z.string("must be text").nullish();

// What addresses a document; the rest is for the door to judge, with all faults at once.
const itemBody = z.looseObject({ id, collection }).describe("A STAC Item (1.0 or 1.1)");
const itemsBody = z
  .looseObject({
    type: z.literal("FeatureCollection"),
    features: z
      .array(itemBody, "must be a list")
      .min(1, "is empty")
      .max(MOST_ITEMS, `has more than ${MOST_ITEMS} items`),
  })
  .describe("A STAC ItemCollection");
const collectionBody = z.looseObject({ id }).describe("A STAC Collection (1.0 or 1.1)");
const mergePatch = z
  .record(z.string(), z.unknown(), "a merge patch is an object (RFC 7396)")
  .describe("A JSON Merge Patch (RFC 7396)");
const jsonPatch = z
  .array(
    z.looseObject({
      op: z.enum(["add", "remove", "replace", "test"]),
      path: z.string(),
      value: z.unknown().optional(),
    }),
    "a JSON Patch is a list (RFC 6902)",
  )
  .describe("A JSON Patch (RFC 6902)");

type Bodies = Readonly<Record<string, z.ZodType>>;
const itemOrItems = z.union([itemBody, itemsBody]);
const patch = z.union([mergePatch, jsonPatch]);
const NEW_ITEMS: Bodies = { [GEOJSON]: itemOrItems, [JSON_TYPE]: itemOrItems };
const ITEM: Bodies = { [GEOJSON]: itemBody, [JSON_TYPE]: itemBody };
const COLLECTION: Bodies = { [JSON_TYPE]: collectionBody };
const PATCH: Bodies = { [MERGE_PATCH]: mergePatch, [JSON_PATCH]: jsonPatch, [JSON_TYPE]: patch };

/** What each write takes, by media type; DELETE has no body. */
export function bodiesOf(method: Payload["method"], of: "item" | "collection"): Bodies | undefined {
  if (method === "DELETE") return undefined;
  if (method === "PATCH") return PATCH;
  if (of === "collection") return COLLECTION;
  return method === "POST" ? NEW_ITEMS : ITEM;
}

/** A document that was sent, as its client wrote it. */
export interface Sent {
  readonly id: string;
  readonly collection?: string | null;
  readonly [member: string]: unknown;
}

export function isItemCollection(body: unknown): boolean {
  return objectOf(body).type === "FeatureCollection";
}

/** The items of a body; one, unless it is an ItemCollection. Throws Invalid with the places of the faults. */
export function itemsOf(body: unknown): readonly Sent[] {
  if (!isItemCollection(body)) return [itemOf(body)];
  return checked<{ readonly features: readonly Sent[] }>(itemsBody, body, "ItemCollection").features;
}

export function itemOf(body: unknown): Sent {
  return checked(itemBody, objectOf(body), "item");
}

export function collectionOf(body: unknown): Sent {
  return checked(collectionBody, objectOf(body), "collection");
}

function objectOf(value: unknown): { readonly [member: string]: unknown } {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as object as Sent;
  throw new GyreError("BadRequest", "the body is no JSON object");
}

/** The value itself, not a copy: members stay in their order. */
function checked<T = Sent>(schema: z.ZodType, value: unknown, what: string): T {
  const result = schema.safeParse(value);
  if (result.success) return value as T;
  const faults = result.error.issues.slice(0, 100).map(({ path, message }) => ({
    pointer: path.map((part) => `/${String(part).replaceAll("~", "~0").replaceAll("/", "~1")}`).join(""),
    detail: message,
  }));
  const [first] = faults;
  throw new GyreError("Invalid", `the ${what} is not valid: ${first?.pointer} ${first?.detail}`, { faults });
}
