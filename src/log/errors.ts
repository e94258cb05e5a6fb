import { decodeEvent, itemIdOf, keyOf } from "../core/event.ts";
import type { Call } from "../core/principal.ts";
import { ERROR_TOPIC, type TopicFilter, topicFilter, topicTemplate } from "../core/topic.ts";
import { GyreError, isGyreError } from "../errors.ts";
import { decodeErrorEvent, type ErrorEvent, redrivenId } from "./error-event.ts";
import { BEGINNING, type EventLog, type Message, type Position, type Recorded } from "./event-log.ts";
import type { ErrorType } from "./projection.ts";

/** One failure as the error topic has it. */
export interface LoggedError {
  /** Id of the error event. */
  readonly id: string;
  readonly time: Date;
  readonly event: ErrorEvent;
}

/** Which failures are meant; what is not named does not count. */
export interface ErrorFilter {
  /** Ids of error events, or of the messages that failed. */
  readonly ids?: readonly string[];
  readonly node?: string;
  readonly type?: ErrorType;
  /** Of the messages that failed. */
  readonly topics?: TopicFilter;
  /** How many of their keys begin: `cmip6/`. */
  readonly keyPrefix?: string;
  readonly since?: Date;
}

/** The failures that a filter takes, oldest first in each partition. What is no error event is passed over. */
export async function* listErrors(
  log: EventLog,
  filter: ErrorFilter,
  call: Call,
  from: Position = BEGINNING,
): AsyncGenerator<LoggedError> {
  for await (const { messages } of log.read({ topics: topicFilter(ERROR_TOPIC), from }, call)) {
    for (const message of messages) {
      const found = readError(message);
      if (found !== undefined && fits(found, filter)) yield found;
    }
  }
}

/** What became of a redrive. */
export interface Redriven {
  /** Appended again. */
  readonly sent: number;
  /** Were sent for the same failure before. */
  readonly repeated: number;
  /**
   * Cannot be sent, and why: neither the error event nor the log has their bytes any more, or no log takes them, or nobody
   * would hear them; or there is no failure of an id that was named.
   */
  readonly lost: readonly { readonly id: string; readonly reason: string }[];
}

/** Messages and bytes of one append. */
const BATCH = 100;
const BATCH_BYTES = 8 * 1024 * 1024;

/** A message to be sent, and the error event that tells of it. */
interface Again {
  readonly error: string;
  readonly message: Message;
}

/**
 * Appends the messages of failures again, with ids made from theirs and the number of attempts: consumers see them as
 * new, while redriving the same failure twice, or the same message for several nodes, sends it once. `deafness` says why
 * what is appended to this log does not reach a consumer; undefined: it does.
 */
export async function redrive(
  log: EventLog,
  filter: ErrorFilter,
  call: Call,
  deafness: (consumer: string) => string | undefined = () => undefined,
): Promise<Redriven> {
  let sent = 0;
  let repeated = 0;
  const lost: { id: string; reason: string }[] = [];
  const unmet = new Set(filter.ids);
  let batch: Again[] = [];
  let bytes = 0;
  const send = async (some: readonly Again[]): Promise<void> => {
    const messages = some.map(({ message }) => message);
    try {
      for (const { isRepeat } of await log.append(messages, call)) isRepeat ? repeated++ : sent++;
    } catch (cause) {
      if (!isGyreError(cause, "BadRequest", "TooLarge")) throw cause;
      // Error events are written by others too: what one of them quotes keeps none of the others.
      if (some.length > 1) for (const one of some) await send([one]);
      else for (const { error } of some) lost.push({ id: error, reason: cause.message });
    }
  };
  for await (const error of listErrors(log, filter, call)) {
    for (const id of [error.id, error.event.original?.id ?? ""]) unmet.delete(id);
    const reason = deafness(error.event.consumer);
    if (reason !== undefined) {
      lost.push({ id: error.id, reason });
      continue;
    }
    try {
      const message = await messageAgain(log, error, call);
      batch.push({ error: error.id, message });
      bytes += message.value.byteLength;
    } catch (cause) {
      if (!isGyreError(cause, "Gone", "Invalid", "Unsupported", "TooLarge", "BadSource")) throw cause;
      lost.push({ id: error.id, reason: cause.message });
    }
    if (batch.length < BATCH && bytes < BATCH_BYTES) continue;
    await send(batch);
    batch = [];
    bytes = 0;
  }
  if (batch.length > 0) await send(batch);
  for (const id of unmet) lost.push({ id, reason: "there is no such failure" });
  return { sent, repeated, lost };
}

function readError({ id, time, value }: Recorded): LoggedError | undefined {
  try {
    return { id, time, event: decodeErrorEvent(value) };
  } catch (error) {
    if (isGyreError(error, "Invalid", "TooLarge")) return undefined;
    throw error;
  }
}

function fits({ id, time, event }: LoggedError, filter: ErrorFilter): boolean {
  const { ids, node, type, topics, keyPrefix, since } = filter;
  return (
    (ids === undefined || ids.includes(id) || ids.includes(event.original?.id ?? "")) &&
    (node === undefined || event.node === node) &&
    (type === undefined || event.error_type === type) &&
    (topics === undefined || topics.test(event.original?.topic ?? "")) &&
    (keyPrefix === undefined || event.original?.key.startsWith(keyPrefix) === true) &&
    (since === undefined || time >= since)
  );
}

async function messageAgain(log: EventLog, { event }: LoggedError, call: Call): Promise<Message> {
  const { original, original_payload, original_encoding, attempts } = event;
  const payload = Buffer.from(original_payload, original_encoding === "base64" ? "base64" : "utf-8");
  if (original === undefined) return foundingMessage(payload, attempts);
  const { id, topic, key, partition, offset } = original;
  const value = payload.byteLength > 0 ? payload : await valueAt(log, original, call);
  return { id: redrivenId(id === "" ? `${partition}@${offset}` : id, attempts), topic, key, value };
}

/** An error event of the founding system has the payload only, which must be an event then. */
function foundingMessage(value: Uint8Array, attempts: number): Message {
  const { metadata, data } = decodeEvent(value);
  const item = "item" in data.payload ? data.payload.item : { id: itemIdOf(data.payload) ?? "" };
  const topic = topicTemplate().topicOf(item);
  return { id: redrivenId(metadata.event_id, attempts), topic, key: keyOf(data.payload), value };
}

/** From the place where it was. Another message may lie there, in a log that was made again of an export. */
async function valueAt(
  log: EventLog,
  { topic, key, partition, offset }: NonNullable<ErrorEvent["original"]>,
  call: Call,
): Promise<Uint8Array> {
  const options = { from: { [partition]: offset }, partitions: [partition], batch: 1 };
  for await (const { messages } of log.read(options, call)) {
    const [found] = messages;
    if (found?.offset === offset && found.topic === topic && found.key === key) return found.value;
    break;
  }
  throw new GyreError("Gone", `message ${offset} of partition ${partition} is not kept any more`);
}
