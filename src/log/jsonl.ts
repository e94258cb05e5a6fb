import type { Call } from "../core/principal.ts";
import { GyreError, isGyreError } from "../errors.ts";
import { BEGINNING, type EventLog, type Message, type Position, type TopicFilter } from "./event-log.ts";
import { lineOf, linesOf, messageOfLine, parseLine } from "./line.ts";
import { checkMessages } from "./message.ts";

export interface ExportOptions {
  readonly topics?: TopicFilter;
  readonly from?: Position;
}

/** All that a log holds as lines of JSON, a batch at a time. */
export async function* exportLines(
  log: EventLog,
  { topics, from = BEGINNING }: ExportOptions,
  call: Call,
): AsyncGenerator<string> {
  for await (const { messages } of log.read({ from, ...(topics === undefined ? {} : { topics }) }, call)) {
    if (messages.length > 0) yield messages.map(lineOf).join("");
  }
}

export interface Imported {
  readonly appended: number;
  /** Were there already. */
  readonly repeated: number;
}

export interface ImportOptions {
  readonly topics?: TopicFilter;
  /** Told after each batch. */
  readonly onProgress?: (imported: Imported) => void;
}

const BATCH = 500;
const BATCH_BYTES = 8 * 1024 * 1024;

/**
 * Appends the lines of an export or dump, in their order. What is there already is not appended again, so that an import
 * that broke off is simply run again. Throws Invalid with the line's number.
 */
export async function importLines(
  log: EventLog,
  source: AsyncIterable<Uint8Array>,
  { topics, onProgress }: ImportOptions,
  call: Call,
): Promise<Imported> {
  let imported: Imported = { appended: 0, repeated: 0 };
  let batch: Message[] = [];
  let bytes = 0;
  const flush = async (): Promise<void> => {
    const repeated = (await log.append(batch, call)).filter(({ isRepeat }) => isRepeat).length;
    imported = {
      appended: imported.appended + batch.length - repeated,
      repeated: imported.repeated + repeated,
    };
    onProgress?.(imported);
    batch = [];
    bytes = 0;
  };
  let number = 0;
  for await (const line of linesOf(source)) {
    number++;
    if (line.every((byte) => byte <= 0x20)) continue;
    const message = readLine(line, number);
    if (topics !== undefined && !topics.test(message.topic)) continue;
    batch.push(message);
    bytes += message.value.byteLength;
    if (batch.length >= BATCH || bytes >= BATCH_BYTES) await flush();
  }
  if (batch.length > 0) await flush();
  return imported;
}

function readLine(line: Uint8Array, number: number): Message {
  try {
    const message = messageOfLine(parseLine(line));
    checkMessages([message]);
    return message;
  } catch (error) {
    if (!isGyreError(error)) throw error;
    throw new GyreError("Invalid", `line ${number}: ${error.message}`, { cause: error });
  }
}
