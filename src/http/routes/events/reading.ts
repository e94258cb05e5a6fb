import { z } from "zod";
import { topicFilter } from "../../../core/topic.ts";
import { GyreError } from "../../../errors.ts";
import type { Batch, EventLog, ReadOptions, TopicInfo } from "../../../log/event-log.ts";
import { lineOf } from "../../../log/line.ts";
import { parsePosition, positionText } from "../../../log/position-text.ts";
import { readJson } from "../../../protocols/json-body.ts";
import type { Route, RouteCall } from "../../../protocols/protocol.ts";
import { type EventsOptions, get, JSON_TYPE, json, NDJSON, notUnderstood, UNCACHED } from "./events.ts";
import { beating } from "./streams.ts";

/** Readers that wait for what comes, at once. */
const MOST_LIVE = 1000;
const SSE = "text/event-stream";

const LONGEST_PATTERN = 1000;
const MOST_BATCH = 10_000;
const BODY_BYTES = 16 * 1024 * 1024;

/** What a follower of another node sends: it may have more partitions than an address can name. */
const readBody = z.strictObject({
  topics: z.string().max(LONGEST_PATTERN).optional(),
  from: z.record(z.string().max(500), z.int().min(0)).default({}),
  partitions: z.array(z.string().max(500)).optional(),
  live: z.boolean().default(false),
  batch: z.int().min(1).max(MOST_BATCH).optional(),
});

const readQuery = z.strictObject({
  topics: z
    .string()
    .max(LONGEST_PATTERN)
    .optional()
    .describe("a regular expression for whole names of topics; all without it"),
  from: z.string().max(2_000_000).optional().describe("a position of an earlier answer; the beginning without it"),
  partitions: z.string().max(100_000).optional().describe("a JSON list of partitions; all without it"),
  live: z.enum(["true", "false"]).optional().describe("go on with what comes"),
  batch: z.coerce.number().int().min(1).max(MOST_BATCH).optional(),
});

/** Routes that read the log. */
export function readingRoutes(options: EventsOptions): readonly Route[] {
  let live = 0;

  function lines(batch: Batch): string {
    return `${batch.messages.map(lineOf).join("")}${JSON.stringify({ next: batch.next })}\n`;
  }

  function messages(route: RouteCall): Promise<Response> {
    return streamed(route, readOptions(route.query), NDJSON, lines);
  }

  async function asked(route: RouteCall): Promise<Response> {
    const parsed = readBody.safeParse(await readJson(route.request, [JSON_TYPE], BODY_BYTES));
    if (!parsed.success) throw notUnderstood(parsed.error);
    const { topics, partitions, batch, ...rest } = parsed.data;
    const read: ReadOptions = {
      ...rest,
      ...(topics === undefined ? {} : { topics: topicFilter(topics) }),
      ...(partitions === undefined ? {} : { partitions }),
      ...(batch === undefined ? {} : { batch }),
    };
    return streamed(route, read, NDJSON, lines);
  }

  function events(route: RouteCall): Promise<Response> {
    const last = route.request.headers.get("last-event-id");
    const query = { live: "true", ...route.query, ...(last === null ? {} : { from: last }) };
    return streamed(route, readOptions(query), SSE, (batch) => {
      const said = batch.messages.map((message) => `event: ${oneLine(message.topic)}\ndata: ${lineOf(message)}\n`);
      return `${said.join("")}id: ${positionText(batch.next)}\ndata:\n\n`;
    });
  }

  /** Batches of the log as text, for as long as the client listens. */
  async function streamed(
    route: RouteCall,
    read: ReadOptions,
    type: string,
    text: (batch: Batch) => string,
  ): Promise<Response> {
    const headers = { "Content-Type": type, ...UNCACHED, "X-Accel-Buffering": "no" };
    if (route.request.method === "HEAD") return new Response(null, { headers });
    const log = await options.log();
    if (read.live && live >= MOST_LIVE) {
      throw new GyreError("Busy", `${MOST_LIVE} readers wait for events already`, { retryAfter: 30 });
    }
    const count = read.live ? 1 : 0;
    live += count;
    // A reader that waits ends with its client, however that leaves.
    const left = new AbortController();
    const signal = AbortSignal.any([left.signal, route.request.signal]);
    const beat = type === NDJSON ? "\n" : ":\n\n";
    const body = beating(log.read(read, { ...route.call, signal }), text, beat, () => {
      live -= count;
      left.abort();
    });
    return new Response(body, { headers });
  }

  return [
    get("/events", "The log and who reads it", JSON_TYPE, async ({ call }) => {
      const log = await options.log();
      const [topics, consumers, where] = await Promise.all([
        log.topics(call),
        options.consumers(call),
        positions(log, call),
      ]);
      return json({ log: log.system, topics: topics.map(plain), consumers, ...where });
    }),
    get("/events/topics", "Topics, with messages and the time of the last", JSON_TYPE, async ({ call }) =>
      json({ topics: (await (await options.log()).topics(call)).map(plain) }),
    ),
    get("/events/positions", "Where the log begins and ends", JSON_TYPE, async ({ call }) =>
      json(await positions(await options.log(), call)),
    ),
    get("/events/messages", "Messages, a line each; after each batch a line with `next`", NDJSON, messages, {
      query: readQuery,
    }),
    {
      ...get("/events/messages", "Messages, as asked for by a document", NDJSON, asked),
      method: "POST",
    },
    get("/events/stream", "Messages as server-sent events", SSE, events, { query: readQuery }),
    get("/events/consumers", "What reads the log, and how far it is", JSON_TYPE, async ({ call }) =>
      json({ consumers: await options.consumers(call) }),
    ),
    get("/events/lag", "What each consumer has not applied yet, by topic", JSON_TYPE, async ({ call }) =>
      json({ consumers: await options.lags(call) }),
    ),
  ];
}

async function positions(log: EventLog, call: RouteCall["call"]): Promise<object> {
  const [heads, tails] = await Promise.all([log.heads(call), log.tails(call)]);
  return { heads, tails, head: positionText(heads) };
}

function plain({ name, messages, last }: TopicInfo): object {
  return { name, messages, last: last ?? null };
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
function oneLine(topic: string): string {
  return topic.replace(/[\r\n]/g, " ");
}
