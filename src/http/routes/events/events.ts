import type { z } from "zod";
import type { EventStatus } from "../../../catalog/catalog.ts";
import type { Call } from "../../../core/principal.ts";
import { GyreError } from "../../../errors.ts";
import type { EventLog } from "../../../log/event-log.ts";
import type { Protocol, Route } from "../../../protocols/protocol.ts";
import { failureRoutes } from "./failures.ts";
import { readingRoutes } from "./reading.ts";

export interface EventsOptions {
  log(): Promise<EventLog>;
  status(id: string, call: Call): Promise<EventStatus | undefined>;
  /** What reads the log, and how far it is. */
  consumers(call: Call): Promise<readonly object[]>;
  /** What each of them has still to apply, by topic. */
  lags(call: Call): Promise<readonly object[]>;
  /** What says of a consumer why it does not hear what is appended to this log. */
  deafness(): Promise<(consumer: string) => string | undefined>;
  /** Empties the catalogue and follows the log from its beginning. */
  rebuild(call: Call): Promise<void>;
  /** Whether events may be brought in here. */
  readonly isWritable: boolean;
  /** JSON Schema of one event. */
  readonly schema: object;
  asyncapi(base: URL, call: Call): Promise<object>;
}

export const JSON_TYPE = "application/json";
export const NDJSON = "application/x-ndjson";
export const UNCACHED = { "Cache-Control": "no-store" };

/** `/events`: the log of this node, for people, for other nodes and for whoever published. */
export function createEvents(options: EventsOptions): Protocol {
  return {
    name: "events",
    summary: "The event log: topics, messages, positions, and what became of each event",
    conformsTo: [],
    routes: [
      ...readingRoutes(options),
      ...failureRoutes(options),
      get("/events/schema.json", "JSON Schema of an event", "application/schema+json", async () =>
        json(options.schema, "application/schema+json"),
      ),
      get("/events/asyncapi.json", "The log as an AsyncAPI document", JSON_TYPE, async ({ base, call }) =>
        json(await options.asyncapi(base, call)),
      ),
      // Last: everything else below /events is more than an id.
      get("/events/:id", "What became of an event", JSON_TYPE, async ({ params, call }) => {
        const { id = "" } = params;
        const status = await options.status(id, call);
        if (status === undefined) throw new GyreError("NotFound", `there is no event ${id}`, { subject: id });
        return json(status);
      }),
    ],
  };
}

/** A route that reads. */
export function get(
  path: string,
  summary: string,
  type: string,
  handle: Route["handle"],
  more: Partial<Route> = {},
): Route {
  return {
    method: "GET",
    path,
    summary,
    responses: { 200: { description: summary, types: [type] }, 503: { description: "The log cannot be reached" } },
    role: "read",
    handle,
    ...more,
  };
}

export function json(value: object, type = JSON_TYPE): Response {
  return new Response(JSON.stringify(value), { headers: { "Content-Type": type, ...UNCACHED } });
}

/** A body that is not as its route wants it. */
export function notUnderstood(error: z.ZodError): GyreError {
  const [issue] = error.issues;
  return new GyreError("BadRequest", `${issue?.path.join(".") || "the body"}: ${issue?.message}`);
}
