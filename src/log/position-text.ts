import { GyreError } from "../errors.ts";
import type { Position } from "./event-log.ts";

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
