import { z } from "zod";
import type { Subscription, Waiting } from "../../catalog/subscriptions/subscription.ts";
import type { SubscriptionRequest, Subscriptions } from "../../catalog/subscriptions/subscriptions.ts";
import { GyreError } from "../../errors.ts";
import { parsePosition } from "../../log/position-text.ts";
import { readJson } from "../../protocols/json-body.ts";
import type { Protocol, Route, RouteCall } from "../../protocols/protocol.ts";
import { beating } from "./events/streams.ts";

export interface SubscriptionRoutesOptions {
  subscriptions(): Promise<Subscriptions>;
}

const JSON_TYPE = "application/json";
const SSE = "text/event-stream";
const BODY_BYTES = 1024 * 1024;
/** Listeners at once. */
const MOST_LIVE = 1000;
const PATH = "/stac/subscriptions";
const ONE = `${PATH}/:id`;
const NOT_STORED = { "Cache-Control": "no-store" };

const target = z.discriminatedUnion("type", [
  z.strictObject({
    type: z.literal("webhook"),
    url: z.string().max(2000),
    secret: z.string().min(8).max(500).optional(),
  }),
  z.strictObject({ type: z.literal("topic"), name: z.string().max(200) }),
  z.strictObject({ type: z.literal("sse") }),
]);
const requestBody = z.strictObject({
  search: z.record(z.string(), z.json()).default({}),
  target,
  from: z.string().max(200_000).default("now").describe("now, beginning, or a position of /events"),
});
const streamQuery = z.strictObject({
  after: z.coerce.number().int().min(0).optional().describe("as Last-Event-ID, for clients that cannot send it"),
});

/** `/stac/subscriptions`: searches that go on, and tell what becomes of the items that match. */
export function createSubscriptions(options: SubscriptionRoutesOptions): Protocol {
  let live = 0;

  async function created({ request, call, base }: RouteCall): Promise<Response> {
    const parsed = requestBody.safeParse(await readJson(request, [JSON_TYPE], BODY_BYTES));
    if (!parsed.success) {
      const [issue] = parsed.error.issues;
      throw new GyreError("BadRequest", `${issue?.path.join(".") || "the body"}: ${issue?.message}`);
    }
    const made = await (await options.subscriptions()).create(wantedOf(parsed.data), call);
    const response = json(shown(made, base), 201);
    response.headers.set("Location", `${base.href}${PATH.slice(1)}/${made.id}`);
    return response;
  }

  async function streamed({ request, params, query, call }: RouteCall): Promise<Response> {
    const after = request.headers.get("last-event-id") ?? query.after;
    if (after !== undefined && !/^\d{1,15}$/.test(String(after))) {
      throw new GyreError("BadRequest", "Last-Event-ID is the number of a notice", { subject: "Last-Event-ID" });
    }
    if (live >= MOST_LIVE) throw new GyreError("Busy", `${MOST_LIVE} listen already`, { retryAfter: 30 });
    const subscriptions = await options.subscriptions();
    const number = after === undefined ? undefined : Number(after);
    const notices = await subscriptions.stream(params.id ?? "", number, call);
    const headers = { "Content-Type": SSE, ...NOT_STORED, "X-Accel-Buffering": "no" };
    if (request.method === "HEAD") return new Response(null, { headers });
    live++;
    const body = beating(notices, eventsOf, ":\n\n", () => {
      live--;
    });
    return new Response(body, { headers });
  }

  async function one({ params: { id = "" }, call, base }: RouteCall, act: "get" | "resume"): Promise<Response> {
    const found = await (await options.subscriptions())[act](id, call);
    if (found === undefined) throw unknown(id);
    return json(shown(found, base));
  }

  const route = (method: Route["method"], path: string, summary: string, handle: Route["handle"]): Route => ({
    method,
    path,
    summary,
    responses: {
      200: { description: summary, types: [JSON_TYPE] },
      400: { description: "Not understood" },
      404: { description: "There is no such subscription" },
    },
    role: method === "GET" ? "read" : "write",
    handle,
  });
  return {
    name: "subscriptions",
    summary: "Searches that go on: webhooks, topics and streams of what becomes of the items that match",
    conformsTo: [],
    routes: [
      route("GET", PATH, "Subscriptions, the oldest first", async ({ call, base }) => {
        const found = await (await options.subscriptions()).list(call);
        return json({ subscriptions: found.map((one) => shown(one, base)) });
      }),
      { ...route("POST", PATH, "Subscribe to a search", created), responses: CREATED },
      route("GET", ONE, "A subscription: how far it is, and what went wrong", (call) => one(call, "get")),
      route("POST", `${ONE}/resume`, "Send again after a pause", (call) => one(call, "resume")),
      { ...route("DELETE", ONE, "End a subscription", removed), responses: { 204: { description: "It has ended" } } },
      {
        ...route("GET", `${ONE}/stream`, "Notices as server-sent events", streamed),
        query: streamQuery,
        responses: {
          200: { description: "Notices", types: [SSE] },
          410: { description: "They are not kept any more" },
        },
      },
    ],
  };

  async function removed({ params: { id = "" }, call }: RouteCall): Promise<Response> {
    if (!(await (await options.subscriptions()).remove(id, call))) throw unknown(id);
    return new Response(null, { status: 204 });
  }
}

const CREATED: Route["responses"] = {
  201: { description: "The subscription", types: [JSON_TYPE] },
  400: { description: "Not understood, or a target to which nothing may be sent" },
  503: { description: "There are too many" },
};

function wantedOf({ search, target, from }: z.output<typeof requestBody>): SubscriptionRequest {
  const isWord = from === "now" || from === "beginning";
  if (target.type !== "webhook") return { search, target, from: isWord ? from : parsePosition(from) };
  const { type, url, secret } = target;
  const signed = secret === undefined ? { type, url } : { type, url, secret };
  return { search, target: signed, from: isWord ? from : parsePosition(from) };
}

/** A secret is never shown again, but that there is one. */
function shown(subscription: Subscription, base: URL): object {
  const { id, created, search, target, read, notices, delivered, attempts, paused, error } = subscription;
  const { secret, ...open } = { secret: undefined, ...target };
  const self = `${base.href}${PATH.slice(1)}/${id}`;
  return {
    ...{
      id,
      created,
      search,
      target: { ...open, ...(secret && { signed: true }) },
      notices,
      delivered,
      attempts,
      error,
    },
    state: paused ? "paused" : read === null ? "live" : "backfilling",
    links: [
      { rel: "self", href: self, type: JSON_TYPE },
      { rel: "stream", href: `${self}/stream`, type: SSE },
    ],
  };
}

/** An event for each; a body is one line. */
function eventsOf(notices: readonly Waiting[]): string {
  return notices.map(({ sequence, body }) => `id: ${sequence}\nevent: notice\ndata: ${body}\n\n`).join("");
}

function unknown(id: string): GyreError {
  return new GyreError("NotFound", `there is no subscription ${id}`, { subject: id });
}

function json(value: object, status = 200): Response {
  return new Response(JSON.stringify(value), { status, headers: { "Content-Type": JSON_TYPE, ...NOT_STORED } });
}
