import { isTopic } from "../core/topic.ts";
import { GyreError } from "../errors.ts";
import type { Message, Position } from "./event-log.ts";

/** Beyond every event: an error event holds one, and half as much again for quoting it. */
export const MOST_VALUE_BYTES = 16 * 1024 * 1024;

/** Key and id in characters, at most. */
export const LONGEST_NAME = 1200;

/** Refuses what some log could not keep, before anything is written. Throws BadRequest or TooLarge. */
export function checkMessages(messages: readonly Message[]): void {
  for (const { id, topic, key, value } of messages) {
    if (!isTopic(topic)) throw new GyreError("BadRequest", `"${topic.slice(0, 250)}" is no topic`, { subject: topic });
    for (const [name, text] of [
      ["id", id],
      ["key", key],
    ] as const) {
      if (text.length > LONGEST_NAME || text.includes("\0") || !text.isWellFormed()) {
        throw new GyreError("BadRequest", `a message's ${name} is no text of ${LONGEST_NAME} characters at most`);
      }
    }
    if (value.byteLength > MOST_VALUE_BYTES) {
      const most = `${MOST_VALUE_BYTES} are allowed`;
      throw new GyreError("TooLarge", `message ${id} has ${value.byteLength} bytes; ${most}`, { subject: id });
    }
  }
}

/** What others wrote, as a name that every log and reader takes. */
export function keepable(text: string): string {
  return text.slice(0, LONGEST_NAME).replaceAll("\0", "\ufffd").toWellFormed();
}

/** Positions are sent by clients. Throws BadRequest. */
export function checkPosition(position: Position): void {
  for (const [partition, offset] of Object.entries(position)) {
    if (Number.isSafeInteger(offset) && offset >= 0) continue;
    throw new GyreError("BadRequest", `the position in partition "${partition.slice(0, 300)}" is no offset`);
  }
}

/** The partition of a key among `count`: FNV-1a, the same in every process and version. */
export function partitionOf(key: string, count: number): number {
  let hash = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(key)) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  return hash % count;
}

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Bytes as a text that JSON can quote and every reader takes; undefined where they are none. */
export function textOf(value: Uint8Array): string | undefined {
  if (value.includes(0)) return undefined;
  try {
    return utf8.decode(value);
  } catch {
    return undefined;
  }
}
