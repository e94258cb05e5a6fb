import { z } from "zod";
import type { Patch } from "./event.ts";
import type { Json, StacCollection, StacItem } from "./stac.ts";

/** What an event id may be made of; `#` is left to the attempts of a redriven one. */
export const EVENT_ID = /^[A-Za-z0-9._:~@/+=-]{1,200}$/;

type JsonObject = { readonly [name: string]: Json };

const short = z.string().max(500);
const target = z.string().min(1).max(500);
const isObject = (value: unknown): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value);

interface Member {
  readonly is: (value: unknown) => boolean;
  readonly detail: string;
}

const object: Member = { is: isObject, detail: "is no object" };
const listOfObjects: Member = {
  is: (value) => Array.isArray(value) && value.every(isObject),
  detail: "is no list of objects",
};
const exactly = (text: string): Member => ({ is: (value) => value === text, detail: `is not "${text}"` });
const identifier: Member = {
  is: (value) => typeof value === "string" && value.length > 0 && value.length <= 500,
  detail: "is no text of 1 to 500 characters",
};

/**
 * A STAC document, as far as everything else relies on it; its own schema is the catalogue's care. It is not copied, so
 * that foreign members stay what they are.
 */
function document<T>(members: Readonly<Record<string, Member>>, path: string): z.ZodType<T> {
  const versions = ["v1.0.0", "v1.1.0"].map((version) => ({ $ref: `https://schemas.stacspec.org/${version}/${path}` }));
  return z
    .custom<T>(isObject, "is no object")
    .check(({ value, issues }) => {
      for (const [name, { is, detail }] of Object.entries(members)) {
        const found = (value as JsonObject)[name];
        if (!is(found)) issues.push({ code: "custom", input: found, path: [name], message: detail });
      }
    })
    .meta({ type: "object", required: Object.keys(members), anyOf: versions });
}

const item = document<StacItem>(
  {
    type: exactly("Feature"),
    id: identifier,
    geometry: { is: (value) => value === null || isObject(value), detail: "is neither an object nor null" },
    properties: object,
    links: listOfObjects,
    assets: { is: (value) => isObject(value) && Object.values(value).every(isObject), detail: "is no table of assets" },
  },
  "item-spec/json-schema/item.json",
);

const collection = document<StacCollection>(
  { type: exactly("Collection"), id: identifier, extent: object, links: listOfObjects },
  "collection-spec/json-schema/collection.json",
);

const operation = z.strictObject({
  op: z.enum(["add", "remove", "replace", "move", "copy", "test"]),
  path: z.string().max(2000),
  from: z.string().max(2000).optional(),
  value: z.custom<Json>((value) => value !== undefined).optional(),
});

const patch: z.ZodType<Patch> = z.union([
  z
    .custom<JsonObject>(isObject, "is neither a merge patch nor a list of operations")
    .meta({ type: "object", description: "JSON Merge Patch (RFC 7396)" }),
  z.array(operation).min(1).max(1000).meta({ description: "JSON Patch (RFC 6902)" }),
]);

const common = { collection_id: target, if_match: target.optional() };

const itemPayloads = {
  POST: z.object({ ...common, method: z.literal("POST"), item }),
  PUT: z.object({ ...common, method: z.literal("PUT"), item_id: target, item }),
  PATCH: z.object({ ...common, method: z.literal("PATCH"), item_id: target, patch }),
  DELETE: z.object({ ...common, method: z.literal("DELETE"), item_id: target }),
} as const;

const collectionPayloads = {
  POST: z.object({ ...common, method: z.literal("POST"), collection }),
  PUT: z.object({ ...common, method: z.literal("PUT"), collection }),
  PATCH: z.object({ ...common, method: z.literal("PATCH"), collection_patch: patch }),
  DELETE: z.object({ ...common, method: z.literal("DELETE"), collection: z.null() }),
} as const;

/** Schemas of payloads by what they are about and their method, so that faults are told of the one that was meant. */
export const payloadSchemas = { item: itemPayloads, collection: collectionPayloads } as const;

export type Method = keyof typeof itemPayloads;

export function isMethod(value: unknown): value is Method {
  return typeof value === "string" && Object.hasOwn(itemPayloads, value);
}

export const metadataSchema = z.object({
  auth: z.object({
    auth_policy_id: short.optional(),
    requester_data: z.object({ client_id: short, iss: short, sub: short }),
  }),
  event_id: z.string().regex(EVENT_ID, "is no event id: 1 to 200 of A-Z a-z 0-9 . _ : ~ @ / + = -"),
  request_id: short,
  publisher: z.object({ package: short, version: short }),
  time: z.iso.datetime({ offset: true }).describe("RFC 3339, UTC"),
  schema_version: z.string().regex(/^1\.\d{1,4}\.\d{1,4}$/, "is no version of the 1.x line"),
});

const eventSchema = z.object({
  metadata: metadataSchema,
  data: z.object({
    type: z.literal("STAC"),
    payload: z.union([...Object.values(itemPayloads), ...Object.values(collectionPayloads)]),
  }),
});

/** The JSON Schema (2020-12) of events as this program writes them. */
export function eventJsonSchema(): JsonObject {
  const schema = z.toJSONSchema(eventSchema, { io: "input", unrepresentable: "any" }) as JsonObject;
  return { $id: "https://gyre.earth/schemas/event-1.0.json", title: "One publication", ...schema };
}

const problemSchema = z.object({
  type: z.string(),
  title: z.string(),
  status: z.int().min(400).max(599),
  detail: z.string(),
  instance: z.string(),
});

/** What is kept of a message that a consumer could not apply (founding system, 1.6, and its successor's problem). */
export const errorEventSchema = z.object({
  original_payload: z.string().describe("the message as it came; empty where it is too long to be kept twice"),
  original_encoding: z.enum(["utf-8", "base64"]).default("utf-8"),
  node: z.string(),
  traceback: z.string(),
  error_type: z.enum(["payload", "stac_server", "kafka", "unknown"]),
  error: problemSchema,
  consumer: z.string().default(""),
  attempts: z.int().min(1).default(1),
  original: z
    .object({
      id: z.string(),
      topic: z.string(),
      key: z.string(),
      partition: z.string(),
      offset: z.int().min(0),
    })
    .optional()
    .describe("where the message lies in the log"),
});

export function errorEventJsonSchema(): JsonObject {
  const schema = z.toJSONSchema(errorEventSchema, { io: "input" }) as JsonObject;
  return { $id: "https://gyre.earth/schemas/error-event-1.0.json", title: "A message not applied", ...schema };
}
