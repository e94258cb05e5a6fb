import { z } from "zod";
import type { EventStatus } from "../../catalog/catalog.ts";
import type { Call } from "../../core/principal.ts";
import { topicFilter } from "../../core/topic.ts";
import { GyreError } from "../../errors.ts";
import type { Batch, EventLog, ReadOptions } from "../../log/event-log.ts";
import { parsePosition, positionText, toWire } from "../../log/wire.ts";
import type { Protocol, Route, RouteCall } from "../../protocols/protocol.ts";

export interface EventsOptions {
  log(): Promise<EventLog>;
  status(id: string, call: Call): Promise<EventStatus | undefined>;
  /** What reads the log, and how far it is. */
  consumers(call: Call): Promise<readonly object[]>;
  /** JSON Schema of one event. */
  readonly schema: object;
  asyncapi(base: URL, call: Call): Promise<object>;
}

const JSON_TYPE = "application/json";
const NDJSON = "application/x-ndjson";
const UNCACHED = { "Cache-Control": "no-store" };
/** Comments that keep a quiet stream open through proxies. */
const HEARTBEAT_MS = 15_000;
/** Readers that wait for what comes, at once. */
const MOST_LIVE = 1000;

const readQuery = z.strictObject({
  topics: z.string().max(1000).optional().describe("a regular expression for whole names of topics; all without it"),
  from: z.string().max(2_000_000).optional().describe("a position of an earlier answer; the beginning without it"),
  partitions: z.string().max(100_000).optional().describe("a JSON list of partitions; all without it"),
  live: z.enum(["true", "false"]).optional().describe("go on with what comes"),
  batch: z.coerce.number().int().min(1).max(10_000).optional(),
});

/** `/events`: the log of this node, for people, for other nodes and for whoever published. */
export function createEvents(options: EventsOptions): Protocol {
  let live = 0;
  const get = (
    path: string,
    summary: string,
    type: string,
    handle: Route["handle"],
    more: Partial<Route> = {},
  ): Route => ({
    method: "GET",
    path,
    summary,
    responses: { 200: { description: summary, types: [type] }, 503: { description: "The log cannot be reached" } },
    role: "read",
    handle,
    ...more,
  });

  async function messages(route: RouteCall): Promise<Response> {
    return streamed(route, NDJSON, (batch) => {
      const lines = batch.messages.map((message) => `${JSON.stringify(toWire(message))}\n`);
      return `${lines.join("")}${JSON.stringify({ next: batch.next })}\n`;
    });
  }

  async function events(route: RouteCall): Promise<Response> {
    const last = route.request.headers.get("last-event-id");
    const query = { live: "true", ...route.query, ...(last === null ? {} : { from: last }) };
    return streamed({ ...route, query }, "text/event-stream", (batch) => {
      const said = batch.messages.map(
        (message) => `event: ${sseName(message.topic)}\ndata: ${JSON.stringify(toWire(message))}\n\n`,
      );
      return `${said.join("")}id: ${positionText(batch.next)}\ndata:\n\n`;
    });
  }

  /** Batches of the log as text, for as long as the client listens. */
  async function streamed(route: RouteCall, type: string, text: (batch: Batch) => string): Promise<Response> {
    const { request, call } = route;
    const read = readOptions(route.query);
    const headers = { "Content-Type": type, ...UNCACHED, "X-Accel-Buffering": "no" };
    if (request.method === "HEAD") return new Response(null, { headers });
    const log = await options.log();
    if (read.live && live >= MOST_LIVE) {
      throw new GyreError("Busy", `${MOST_LIVE} readers wait for events already`, { retryAfter: 30 });
    }
    const beat = type === NDJSON ? "\n" : ":\n\n";
    const count = read.live ? 1 : 0;
    live += count;
    return new Response(
      beating(log.read(read, call), text, beat, () => {
        live -= count;
      }),
      { headers },
    );
  }

  return {
    name: "events",
    summary: "The event log: topics, messages, positions, and what became of each event",
    conformsTo: [],
    routes: [
      get("/events", "The log and who reads it", JSON_TYPE, async ({ call }) => {
        const log = await options.log();
        const [topics, consumers] = await Promise.all([log.topics(call), options.consumers(call)]);
        return json({
          log: log.system,
          topics: topics.map(({ last, ...topic }) => ({ ...topic, last: last ?? null })),
          consumers,
        });
      }),
      get("/events/topics", "Topics, with messages and the time of the last", JSON_TYPE, async ({ call }) => {
        const topics = await (await options.log()).topics(call);
        return json({ topics: topics.map(({ last, ...topic }) => ({ ...topic, last: last ?? null })) });
      }),
      get("/events/positions", "Where the log begins and ends", JSON_TYPE, async ({ call }) => {
        const log = await options.log();
        const [heads, tails] = await Promise.all([log.heads(call), log.tails(call)]);
        return json({ heads, tails, head: positionText(heads) });
      }),
      get("/events/messages", "Messages, a line each; after each batch a line with `next`", NDJSON, messages, {
        query: readQuery,
      }),
      get("/events/stream", "Messages as server-sent events", "text/event-stream", events, { query: readQuery }),
      get("/events/consumers", "What reads the log, and how far it is", JSON_TYPE, async ({ call }) =>
        json({ consumers: await options.consumers(call) }),
      ),
      get("/events/schema.json", "JSON Schema of an event", "application/schema+json", async () =>
        json(options.schema, "application/schema+json"),
      ),
      get("/events/asyncapi.json", "The log as an AsyncAPI document", JSON_TYPE, async ({ base, call }) =>
        json(await options.asyncapi(base, call)),
      ),
      get("/events/:id", "What became of an event", JSON_TYPE, async ({ params, call }) => {
        const status = await options.status(params.id ?? "", call);
        if (status === undefined)
          throw new GyreError("NotFound", `there is no event ${params.id}`, { subject: params.id ?? "" });
        return json(status);
      }),
    ],
  };
}

function readOptions(query: Record<string, string>): ReadOptions {
  const { topics, from, partitions, live, batch } = query;
  return {
    from: from === undefined ? {} : parsePosition(from),
    live: live === "true",
    ...(topics === undefined ? {} : { topics: topicFilter(topics) }),
    ...(partitions === undefined ? {} : { partitions: namesOf(partitions) }),
    ...(batch === undefined ? {} : { batch: Number(batch) }),
  };
}

function namesOf(text: string): string[] {
  try {
    const value: unknown = JSON.parse(text);
    if (Array.isArray(value) && value.every((name) => typeof name === "string")) return value;
  } catch {
    // Told below.
  }
  throw new GyreError("BadRequest", "partitions is no JSON list of names", { subject: "partitions" });
}

/** A name that cannot end its line. */
function sseName(topic: string): string {
  return topic.replace(/[\r\n]/g, " ");
}

/** The text of batches, with a sign of life between them. */
function beating(
  batches: AsyncIterable<Batch>,
  text: (batch: Batch) => string,
  beat: string,
  ended: () => void,
): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  const reader = batches[Symbol.asyncIterator]();
  let timer: NodeJS.Timeout | undefined;
  const end = (): void => {
    clearInterval(timer);
    ended();
  };
  return new ReadableStream<Uint8Array>({
    start(controller) {
      timer = setInterval(() => {
        if ((controller.desiredSize ?? 0) > 0) controller.enqueue(encoder.encode(beat));
      }, HEARTBEAT_MS);
      timer.unref();
    },
    async pull(controller) {
      try {
        const { value, done } = await reader.next();
        if (done) {
          end();
          controller.close();
        } else controller.enqueue(encoder.encode(text(value)));
      } catch (error) {
        end();
        controller.error(error);
      }
    },
    async cancel() {
      end();
      await reader.return?.();
    },
  });
}

function json(value: object, type = JSON_TYPE): Response {
  return new Response(JSON.stringify(value), { headers: { "Content-Type": type, ...UNCACHED } });
}
