import type { EventStatus, Writes } from "../../catalog/catalog.ts";
import type { RouteCall } from "../protocol.ts";
import { jsonAnswer } from "./answer.ts";
import type { StacOptions } from "./context.ts";
import { entity } from "./documents.ts";
import { GEOJSON, JSON_TYPE, linkedCollection, linkedText, stacUrl } from "./links.ts";
import { appliedPreference, preferenceOf } from "./prefer.ts";

type WritableOptions = StacOptions & { readonly writes: Writes };

/** Answers a write whose events are accepted, having waited for them as long as the client prefers. */
export async function answerToWrite(
  route: RouteCall,
  options: WritableOptions,
  accepted: readonly EventStatus[],
  isMany: boolean,
): Promise<Response> {
  const { request, call, base } = route;
  const preference = preferenceOf(request);
  const wait = async (one: EventStatus): Promise<EventStatus> => {
    // Warnings are told once, when the event is accepted.
    return { ...one, ...(await options.writes.settled(one.event_id, preference.seconds * 1000, call)) };
  };
  const settled = preference.seconds === 0 ? accepted : await Promise.all(accepted.map(wait));
  const isSettled = preference.seconds > 0 && settled.every(({ status }) => status !== "pending");
  const [first] = settled as [EventStatus];
  const headers = {
    "Cache-Control": "no-store",
    Link: `<${statusUrl(base, first)}>; rel="monitor"`,
    ...(isMany ? {} : { Location: documentUrl(base, first) }),
    ...(isSettled ? { "Preference-Applied": appliedPreference(preference) } : {}),
  };
  if (!isMany) return answerToOne(route, options, first, headers);
  const isMade = settled.every(({ status }) => status === "applied");
  const events = settled.map((status) => told(base, status));
  return jsonAnswer({ events }, { status: isMade ? 201 : 202, headers });
}

async function answerToOne(
  route: RouteCall,
  options: WritableOptions,
  one: EventStatus,
  headers: Readonly<Record<string, string>>,
): Promise<Response> {
  const { base, request } = route;
  if (one.problem !== null) {
    return jsonAnswer(one.problem, { status: one.problem.status, type: "application/problem+json", headers });
  }
  if (one.status !== "applied") return jsonAnswer(told(base, one), { status: 202, headers });
  const isMade = one.method === "POST";
  const { returns, seconds } = preferenceOf(request);
  if (returns === "minimal") {
    const tag = one.method === "DELETE" ? {} : { ETag: `"${one.event_id}"` };
    return new Response(null, { status: isMade ? 201 : 204, headers: { ...headers, ...tag } });
  }
  const status = isMade ? 201 : 200;
  // Transaction: what was changed is answered by the document itself. Of what is made its status tells the warnings.
  const isShown = returns === "representation" || (seconds > 0 && !isMade);
  const document = isShown ? await representation(route, options, one) : undefined;
  if (document === undefined) return jsonAnswer(told(base, one), { status, headers });
  for (const [name, value] of Object.entries(headers)) document.headers.set(name, value);
  return new Response(document.body, { status, headers: document.headers });
}

/** The document that an event left behind; undefined when there is none any more. */
async function representation(
  { request, call, base }: RouteCall,
  { catalog }: StacOptions,
  { collection, item }: EventStatus,
): Promise<Response | undefined> {
  // Conditions of the write are no conditions of what is shown.
  const plain = new Request(request.url);
  if (item === null) {
    const stored = await catalog.collection(collection, call);
    return stored && entity(plain, stored, JSON.stringify(linkedCollection(stored.document, base)), JSON_TYPE);
  }
  const stored = await catalog.item(collection, item, call);
  return stored && entity(plain, stored, linkedText(stored, base), GEOJSON);
}

function told(base: URL, status: EventStatus): object {
  return { ...status, href: statusUrl(base, status) };
}

function statusUrl(base: URL, { event_id }: EventStatus): string {
  return `${base.href}events/${encodeURIComponent(event_id)}`;
}

function documentUrl(base: URL, { collection, item }: EventStatus): string {
  return item === null
    ? stacUrl(base, "collections", collection)
    : stacUrl(base, "collections", collection, "items", item);
}
