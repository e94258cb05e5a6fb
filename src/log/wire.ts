import { GyreError } from "../errors.ts";
import type { Position, Recorded } from "./event-log.ts";

/** Partitions of a position that a client may send. */
const MOST_PARTITIONS = 100_000;

/** A position as one word of an address. */
export function positionText(position: Position): string {
  return Buffer.from(JSON.stringify(position)).toString("base64url");
}

/** Throws BadRequest for what is no position. */
export function parsePosition(text: string): Position {
  const refused = (): GyreError =>
    new GyreError("BadRequest", "from is no position: take it from an answer, or leave it out for the beginning", {
      subject: "from",
    });
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(text, "base64url").toString());
  } catch {
    throw refused();
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw refused();
  const entries = Object.entries(value);
  const isSane = ([, offset]: [string, unknown]): boolean => Number.isSafeInteger(offset) && (offset as number) >= 0;
  if (entries.length > MOST_PARTITIONS || !entries.every(isSane)) throw refused();
  return Object.fromEntries(entries) as Position;
}

/** One message as a line of JSON: its value as text where it is UTF-8, else in base64. */
export interface WireMessage {
  readonly partition: string;
  readonly offset: number;
  readonly time: string;
  readonly topic: string;
  readonly key: string;
  readonly id: string;
  readonly value?: string;
  readonly value64?: string;
}

export function toWire({ partition, offset, time, topic, key, id, value }: Recorded): WireMessage {
  return { partition, offset, time: time.toISOString(), topic, key, id, ...textOf(value) };
}

function textOf(value: Uint8Array): { readonly value: string } | { readonly value64: string } {
  try {
    return { value: new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(value) };
  } catch {
    return { value64: Buffer.from(value).toString("base64") };
  }
}

/** Throws BadSource for a line that no node wrote. */
export function fromWire(line: unknown, source: string): Recorded {
  const { partition, offset, time, topic, key, id, value, value64 } = (line ?? {}) as Partial<WireMessage>;
  const texts = [partition, time, topic, key, id];
  const at = new Date(time ?? Number.NaN);
  const body = value === undefined ? value64 : value;
  if (!texts.every((text) => typeof text === "string") || typeof body !== "string" || Number.isNaN(at.getTime())) {
    throw new GyreError("BadSource", "a line of another node's events is no message", { source });
  }
  if (!Number.isSafeInteger(offset)) throw new GyreError("BadSource", "a message without an offset", { source });
  return {
    partition: partition as string,
    offset: offset as number,
    time: at,
    topic: topic as string,
    key: key as string,
    id: id as string,
    value: value === undefined ? Buffer.from(body, "base64") : new TextEncoder().encode(body),
  };
}
