import { z } from "zod";
import type { Call } from "../core/principal.ts";
import { GyreError, isGyreError } from "../errors.ts";
import type { Batch, EventLog, Position, ReadOptions, Recorded, TopicInfo } from "./event-log.ts";
import { linesOf, MOST_LINE_BYTES, parseLine } from "./line.ts";

/** Of the list of topics, or of positions. */
const MOST_DOCUMENT_BYTES = 64 * 1024 * 1024;
/** Of one batch, whatever was asked for. */
const MOST_MESSAGES = 10_000;
const MOST_BATCH_BYTES = 256 * 1024 * 1024;

const positionShape = z.record(z.string().max(500), z.int().min(0));
const positionsShape = z.object({ heads: positionShape, tails: positionShape });
const nextShape = z.object({ next: positionShape });
const topicsShape = z.object({
  topics: z.array(z.object({ name: z.string(), messages: z.int().min(0), last: z.iso.datetime().nullable() })),
});

/** How a line begins that says where to go on, not a message. */
const NEXT = Buffer.from('{"next":');

/**
 * The log of another node, read through its `/events`: what a follower needs, without a broker between. Nothing is
 * appended here; that is what the other node's own door is for.
 */
export function createHttpLog(events: URL): EventLog {
  const base = new URL(events.href.endsWith("/") ? events.href : `${events.href}/`);
  const source = base.href;

  async function ask(path: string, call: Call, body?: object): Promise<Response> {
    const request: RequestInit =
      body === undefined
        ? {}
        : { method: "POST", body: JSON.stringify(body), headers: { "Content-Type": "application/json" } };
    let response: Response;
    try {
      response = await fetch(new URL(path, base), {
        ...request,
        redirect: "error",
        ...(call.signal === undefined ? {} : { signal: call.signal }),
      });
    } catch (cause) {
      if (call.signal?.aborted) throw cause;
      throw new GyreError("Busy", `the events of ${base.host} cannot be reached`, { source, cause });
    }
    if (response.ok) return response;
    await response.body?.cancel();
    throw new GyreError("Busy", `${base.host} answers ${response.status} for its events`, { source });
  }

  /** A document of the other node. Throws BadSource for what is none. */
  async function document<T extends z.ZodType>(path: string, shape: T, call: Call): Promise<z.output<T>> {
    const bytes = await whole(await ask(path, call), source);
    try {
      return shape.parse(JSON.parse(new TextDecoder().decode(bytes)));
    } catch (cause) {
      throw broken(source, cause);
    }
  }

  return {
    system: `events of ${base.host}`,
    append() {
      throw new GyreError("ReadOnly", `the events of ${base.host} are read only here`);
    },
    async *read({ topics, from, partitions, live = false, batch }: ReadOptions, call: Call): AsyncGenerator<Batch> {
      // A position may be longer than an address.
      const asked = { from, live, partitions, batch, ...(topics === undefined ? {} : { topics: topics.source }) };
      try {
        const response = await ask("messages", call, asked);
        const chosen = partitions && new Set(partitions);
        // A filter can be narrower than its expression says; and the other node need not have understood what was asked.
        const isWanted = ({ topic, partition }: Recorded): boolean =>
          (topics?.test(topic) ?? true) && (chosen?.has(partition) ?? true);
        for await (const { messages, next } of batches(response, source)) {
          yield { messages: messages.filter(isWanted), next };
        }
      } catch (error) {
        if (live && call.signal?.aborted) return;
        if (isGyreError(error) || call.signal?.aborted) throw error;
        throw new GyreError("Busy", `the events of ${base.host} were cut off`, { source, cause: error });
      }
    },
    heads: async (call) => (await document("positions", positionsShape, call)).heads,
    tails: async (call) => (await document("positions", positionsShape, call)).tails,
    async topics(call): Promise<readonly TopicInfo[]> {
      const { topics } = await document("topics", topicsShape, call);
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

/** A document of another node, within bounds. */
async function whole(response: Response, source: string): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const part of response.body ?? []) {
    size += part.byteLength;
    if (size > MOST_DOCUMENT_BYTES) throw broken(source);
    parts.push(part);
  }
  return Buffer.concat(parts);
}

/** Messages up to each line that says where to go on. */
async function* batches(response: Response, source: string): AsyncGenerator<Batch> {
  if (response.body === null) return;
  let messages: Recorded[] = [];
  let bytes = 0;
  for await (const line of linesOf(response.body, MOST_LINE_BYTES)) {
    if (line.byteLength === 0) continue;
    if (Buffer.compare(line.subarray(0, NEXT.byteLength), NEXT) === 0) {
      yield { messages, next: nextOf(line, source) };
      messages = [];
      bytes = 0;
      continue;
    }
    messages.push(recorded(line, source));
    bytes += line.byteLength;
    if (messages.length > MOST_MESSAGES || bytes > MOST_BATCH_BYTES) throw broken(source);
  }
}

function nextOf(line: Uint8Array, source: string): Position {
  try {
    return nextShape.parse(JSON.parse(new TextDecoder().decode(line))).next;
  } catch (cause) {
    throw broken(source, cause);
  }
}

/** Throws BadSource for a line that no node wrote. */
function recorded(bytes: Uint8Array, source: string): Recorded {
  let line: ReturnType<typeof parseLine>;
  try {
    line = parseLine(bytes);
  } catch (cause) {
    throw broken(source, cause);
  }
  const { partition, offset, time, id, topic, key, value, encoding } = line;
  if (partition === undefined || offset === undefined || time === undefined) throw broken(source);
  return { partition, offset, time: new Date(time), id, topic, key, value: Buffer.from(value, encoding) };
}

function broken(source: string, cause?: unknown): GyreError {
  return new GyreError("BadSource", "what another node tells of its events is not understood", { source, cause });
}
