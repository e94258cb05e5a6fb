import type { Call } from "../core/principal.ts";
import { GyreError } from "../errors.ts";
import type { Batch, EventLog, Position, ReadOptions, Recorded, TopicInfo } from "./event-log.ts";
import { fromWire, positionText } from "./wire.ts";

/** A line of another node is one message; those of 16 MB are refused by its door. */
const MOST_LINE = 64 * 1024 * 1024;

/**
 * The log of another node, read through its `/events`: what a follower needs, without a broker between. Nothing is
 * appended here; that is what the other node's own door is for.
 */
export function createHttpLog(events: URL): EventLog {
  const base = new URL(events.href.endsWith("/") ? events.href : `${events.href}/`);
  const source = base.href;

  async function ask(path: string, call: Call, query: Record<string, string> = {}): Promise<Response> {
    const url = new URL(path, base);
    for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
    let response: Response;
    try {
      response = await fetch(url, { redirect: "error", ...(call.signal === undefined ? {} : { signal: call.signal }) });
    } catch (cause) {
      if (call.signal?.aborted) throw cause;
      throw new GyreError("Busy", `the events of ${base.host} cannot be reached`, { source, cause });
    }
    if (response.ok) return response;
    await response.body?.cancel();
    throw new GyreError("Busy", `${base.host} answers ${response.status} for its events`, { source });
  }

  async function json<T>(path: string, call: Call): Promise<T> {
    return (await (await ask(path, call)).json()) as T;
  }

  return {
    system: `events of ${base.host}`,
    append() {
      throw new GyreError("ReadOnly", `the events of ${base.host} are read only here`);
    },
    async *read({ topics, from, partitions, live = false, batch }: ReadOptions, call: Call): AsyncGenerator<Batch> {
      const query: Record<string, string> = { from: positionText(from) };
      if (topics !== undefined) query.topics = topics.source;
      if (partitions !== undefined) query.partitions = JSON.stringify(partitions);
      if (live) query.live = "true";
      if (batch !== undefined) query.batch = String(batch);
      try {
        const response = await ask("messages", call, query);
        yield* batches(response, source);
      } catch (error) {
        if (live && call.signal?.aborted) return;
        throw error;
      }
    },
    heads: async (call) => (await json<{ heads: Position }>("positions", call)).heads,
    tails: async (call) => (await json<{ tails: Position }>("positions", call)).tails,
    async topics(call) {
      const { topics } = await json<{ topics: readonly (Omit<TopicInfo, "last"> & { last: string | null })[] }>(
        "topics",
        call,
      );
      return topics.map(({ name, messages, last }) => {
        return { name, messages, last: last === null ? undefined : new Date(last) };
      });
    },
    retain() {
      throw new GyreError("ReadOnly", `the events of ${base.host} are read only here`);
    },
    async close() {},
  };
}

/** Messages up to each line that says where to go on. */
async function* batches(response: Response, source: string): AsyncGenerator<Batch> {
  let messages: Recorded[] = [];
  for await (const line of linesOf(response, source)) {
    let value: unknown;
    try {
      value = JSON.parse(line);
    } catch (cause) {
      throw new GyreError("BadSource", "a line of another node's events is no JSON", { source, cause });
    }
    const { next } = value as { next?: Position };
    if (next === undefined) {
      messages.push(fromWire(value, source));
    } else {
      yield { messages, next };
      messages = [];
    }
  }
}

async function* linesOf(response: Response, source: string): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const part of response.body ?? []) {
    rest += decoder.decode(part, { stream: true });
    const lines = rest.split("\n");
    rest = lines.pop() as string;
    if (rest.length > MOST_LINE)
      throw new GyreError("BadSource", "a line of another node's events is too long", { source });
    for (const line of lines) if (line !== "") yield line;
  }
}
