import { randomUUID } from "node:crypto";
import type { Change, EventStatus, Writes } from "../../catalog/catalog.ts";
import type { Patch, Payload } from "../../core/event.ts";
import type { StacCollection, StacItem } from "../../core/stac.ts";
import { GyreError } from "../../errors.ts";
import { mediaTypeOf, readJson } from "../json-body.ts";
import type { RouteCall } from "../protocol.ts";
import type { StacOptions } from "./context.ts";
import { entity } from "./documents.ts";
import { GEOJSON, JSON_TYPE, linkedCollection, linkedItem, stacUrl } from "./links.ts";

const DOCUMENT_TYPES = [JSON_TYPE, GEOJSON];
const PATCH_TYPES = [JSON_TYPE, "application/merge-patch+json", "application/json-patch+json"];
/** Items of one request. */
const MOST_ITEMS = 10_000;
/** Seconds that a request may wait for its event to be applied. */
const MOST_WAIT = 30;

/**
 * Answers a write: 202 when its event is durable; with `Prefer: wait` what became of it: its status, with
 * `return=representation` the document, with `return=minimal` nothing.
 */
export async function answerWrite(
  route: RouteCall,
  options: StacOptions,
  method: Payload["method"],
): Promise<Response> {
  const { writes } = options;
  if (writes === undefined) throw new GyreError("ReadOnly", "this catalogue only follows others and takes no writes");
  const payloads = await payloadsOf(route, options, method);
  const { isMany } = payloads;
  const changes = payloads.of.map((payload) => changeOf(route, payload, isMany));
  const statuses = await writes.accept(changes, route.call);
  return answered(route, options, writes, statuses, isMany);
}

interface Payloads {
  readonly of: readonly Payload[];
  /** Whether the client sent an ItemCollection. */
  readonly isMany: boolean;
}

async function payloadsOf({ request, params }: RouteCall, options: StacOptions, method: string): Promise<Payloads> {
  const { collection, item } = params;
  const match = ifMatchOf(request);
  const one = (payload: Payload): Payloads => ({
    of: [match === undefined ? payload : { ...payload, if_match: match }],
    isMany: false,
  });
  const body = (types: readonly string[]): Promise<unknown> => readJson(request, types, options.bodyBytes);
  if (method === "DELETE") {
    if (collection === undefined) throw new GyreError("BadRequest", "no collection is named");
    return one(
      item === undefined
        ? { method, collection_id: collection, collection: null }
        : { method, collection_id: collection, item_id: item },
    );
  }
  if (method === "PATCH") {
    const patch = patchOf(request, await body(PATCH_TYPES));
    if (collection === undefined) throw new GyreError("BadRequest", "no collection is named");
    return one(
      item === undefined
        ? { method, collection_id: collection, collection_patch: patch }
        : { method, collection_id: collection, item_id: item, patch },
    );
  }
  const document = objectOf(await body(DOCUMENT_TYPES));
  const isItems = item !== undefined || (method === "POST" && collection !== undefined);
  if (!isItems) {
    const id = idOf(document, collection, "collection");
    return one({
      method: method as "POST" | "PUT",
      collection_id: id,
      collection: document as StacCollection,
    });
  }
  if (collection === undefined) throw new GyreError("BadRequest", "no collection is named");
  if (method === "PUT") {
    idOf(document, item, "item");
    return one({ method: "PUT", collection_id: collection, item_id: item ?? "", item: placed(document, collection) });
  }
  if (document.type !== "FeatureCollection") {
    idOf(document, undefined, "item");
    return one({ method: "POST", collection_id: collection, item: placed(document, collection) });
  }
  const { features } = document;
  if (!Array.isArray(features) || features.length === 0 || features.length > MOST_ITEMS) {
    throw new GyreError("BadRequest", `an ItemCollection has 1 to ${MOST_ITEMS} features`, { subject: "features" });
  }
  const of = features.map((feature): Payload => {
    const one = objectOf(feature);
    idOf(one, undefined, "item");
    return { method: "POST", collection_id: collection, item: placed(one, collection) };
  });
  return { of, isMany: true };
}

/** A JSON object that nobody has looked into yet; the door does. */
type Members = { readonly [name: string]: unknown };

function objectOf(value: unknown): Members {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Members;
  throw new GyreError("BadRequest", "the body is no JSON object");
}

/** The id that a document has; it must be the one of the address, if that has one. */
function idOf(document: Members, wanted: string | undefined, what: string): string {
  const { id } = document;
  if (typeof id !== "string" || id === "" || id.length > 1024) {
    throw new GyreError("Invalid", `the ${what} has no id`, { faults: [{ pointer: "/id", detail: "must be text" }] });
  }
  if (wanted !== undefined && id !== wanted) {
    throw new GyreError("BadRequest", `the ${what} is ${id}, but the address says ${wanted}`, { subject: "id" });
  }
  return id;
}

/**
 * The item in the collection of the address; another one in the document is a mistake. A partial item will do: the
 * Transaction extension asks neither for links nor for assets.
 */
function placed(document: Members, collection: string): StacItem {
  const said = document.collection;
  if (said !== undefined && said !== null && said !== collection) {
    throw new GyreError("BadRequest", `the item says collection ${String(said)}, but the address ${collection}`, {
      subject: "collection",
    });
  }
  return { links: [], assets: {}, ...document, collection } as unknown as StacItem;
}

function patchOf(request: Request, value: unknown): Patch {
  const isList = Array.isArray(value);
  const type = mediaTypeOf(request);
  if (type === "application/merge-patch+json" && isList) throw wrongPatch("a merge patch is an object (RFC 7396)");
  if (type === "application/json-patch+json" && !isList) throw wrongPatch("a JSON Patch is a list (RFC 6902)");
  if (typeof value !== "object" || value === null) throw wrongPatch("a patch is an object or a list of operations");
  return value as Patch;
}

function wrongPatch(message: string): GyreError {
  return new GyreError("BadRequest", message, { allowed: PATCH_TYPES });
}

function changeOf({ request, call }: RouteCall, payload: Payload, isMany: boolean): Change {
  const { headers } = request;
  const key = isMany ? null : headers.get("idempotency-key");
  if (key !== null && !/^[!-~]{1,200}$/.test(key)) {
    throw new GyreError("BadRequest", "Idempotency-Key has 1 to 200 printable characters", {
      subject: "Idempotency-Key",
    });
  }
  const [name = "unknown", version = ""] = (headers.get("user-agent") ?? "unknown").split(" ")[0]?.split("/") ?? [];
  return {
    payload,
    requester: { client_id: call.who.subject, iss: "", sub: call.who.subject },
    requestId: headers.get("x-request-id")?.slice(0, 200) ?? randomUUID(),
    publisher: { package: name.slice(0, 200), version: version.slice(0, 100) },
    ...(key === null ? {} : { eventId: key }),
  };
}

/** The event that `If-Match` names; `*` asks only that there is something. */
function ifMatchOf(request: Request): string | undefined {
  const header = request.headers.get("if-match")?.trim();
  if (header === undefined || header === "*") return undefined;
  const match = /^"([^"]+)"$/.exec(header);
  if (match === null)
    throw new GyreError("BadRequest", "If-Match names one strong entity tag", { subject: "If-Match" });
  return match[1];
}

async function answered(
  route: RouteCall,
  options: StacOptions,
  writes: Writes,
  statuses: readonly EventStatus[],
  isMany: boolean,
): Promise<Response> {
  const { call, base } = route;
  const { seconds, returns } = preferenceOf(route.request);
  const first = statuses[0] as EventStatus;
  const settled =
    seconds === 0
      ? statuses
      : await Promise.all(
          // Warnings are told once, when the event is accepted.
          statuses.map(async (one) => ({ ...one, ...(await writes.settled(one.event_id, seconds * 1000, call)) })),
        );
  const said = settled.map((status) => ({ ...status, href: statusUrl(base, status) }));
  const one = settled[0] as EventStatus;
  const headers: Record<string, string> = {
    "Cache-Control": "no-store",
    Link: `<${statusUrl(base, first)}>; rel="monitor"`,
    ...(isMany ? {} : { Location: targetUrl(base, first) }),
    ...(seconds > 0 && settled.every(({ status }) => status !== "pending")
      ? {
          "Preference-Applied": [`wait=${seconds}`, ...(returns === undefined ? [] : [`return=${returns}`])].join(", "),
        }
      : {}),
  };
  const json = (body: object, status: number, type = JSON_TYPE): Response =>
    new Response(JSON.stringify(body), { status, headers: { "Content-Type": type, ...headers } });
  if (isMany) return json({ events: said }, 202);
  if (one.status === "failed" && one.problem !== null) {
    return json(one.problem, one.problem.status, "application/problem+json");
  }
  if (one.status !== "applied") return json(said[0] as object, 202);
  const isMade = one.method === "POST";
  if (returns === "minimal") {
    const tag = one.method === "DELETE" ? {} : { ETag: `"${one.event_id}"` };
    return new Response(null, { status: isMade ? 201 : 204, headers: { ...headers, ...tag } });
  }
  const document = returns === "representation" ? await representation(route, options, one) : undefined;
  if (document === undefined) return json(said[0] as object, isMade ? 201 : 200);
  for (const [name, value] of Object.entries(headers)) document.headers.set(name, value);
  return isMade ? new Response(document.body, { status: 201, headers: document.headers }) : document;
}

/** The document that an event left behind; undefined when there is none any more. */
async function representation(
  { request, call, base }: RouteCall,
  { catalog }: StacOptions,
  { collection, item, method }: EventStatus,
): Promise<Response | undefined> {
  if (method === "DELETE") return undefined;
  const plain = new Request(request.url, { method: "GET" });
  if (item === null) {
    const stored = await catalog.collection(collection, call);
    return stored && entity(plain, stored, linkedCollection(stored.document, base), JSON_TYPE);
  }
  const stored = await catalog.item(collection, item, call);
  return stored && entity(plain, stored, linkedItem(stored.document, collection, base), GEOJSON);
}

function statusUrl(base: URL, { event_id }: EventStatus): string {
  return `${base.href}events/${encodeURIComponent(event_id)}`;
}

function targetUrl(base: URL, { collection, item }: EventStatus): string {
  return item === null
    ? stacUrl(base, "collections", collection)
    : stacUrl(base, "collections", collection, "items", item);
}

interface Preference {
  readonly seconds: number;
  readonly returns: "minimal" | "representation" | undefined;
}

/** `Prefer` (RFC 7240): how long to wait, and whether nothing or the document is wanted back. */
function preferenceOf(request: Request): Preference {
  const header = request.headers.get("prefer") ?? "";
  const wait = Number(/(?:^|[,;\s])wait=(\d{1,4})/.exec(header)?.[1] ?? 0);
  const returns = /(?:^|[,;\s])return=(minimal|representation)\b/.exec(header)?.[1] as Preference["returns"];
  return { seconds: Math.min(wait === 0 && returns === "representation" ? 5 : wait, MOST_WAIT), returns };
}
