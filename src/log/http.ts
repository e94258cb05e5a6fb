import type { Call } from "../core/principal.ts";
import { GyreError } from "../errors.ts";
import type { Batch, EventLog, Position, ReadOptions, Recorded, TopicInfo } from "./event-log.ts";
import { linesOf, MOST_LINE_BYTES, parseLine } from "./line.ts";
import { positionText } from "./position-text.ts";

/** How a line begins that says where to go on, not a message. */
const NEXT = Buffer.from('{"next":');

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
  if (response.body === null) return;
  let messages: Recorded[] = [];
  for await (const line of linesOf(response.body, MOST_LINE_BYTES)) {
    if (line.byteLength === 0) continue;
    if (Buffer.compare(line.subarray(0, NEXT.byteLength), NEXT) === 0) {
      const { next } = JSON.parse(new TextDecoder().decode(line)) as { readonly next: Position };
      yield { messages, next };
      messages = [];
    } else messages.push(recorded(line, source));
  }
}

/** Throws BadSource for a line that no node wrote. */
function recorded(bytes: Uint8Array, source: string): Recorded {
  const broken = (cause?: unknown): GyreError =>
    new GyreError("BadSource", "a line of another node's events is no message", { source, cause });
  let line: ReturnType<typeof parseLine>;
  try {
    line = parseLine(bytes);
  } catch (cause) {
    throw broken(cause);
  }
  const { partition, offset, time, id, topic, key, value, encoding } = line;
  if (partition === undefined || offset === undefined || time === undefined) throw broken();
  return { partition, offset, time: new Date(time), id, topic, key, value: Buffer.from(value, encoding) };
}
