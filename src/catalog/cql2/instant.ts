import type { Operand } from "./expression.ts";

/** A point in time, or a whole day, as text says it. */
export interface TextInstant {
  /** Microseconds since 1970 in UTC. */
  readonly micros: number;
  readonly isDate: boolean;
}

/** Longer text is no instant: it would only be work. */
export const MAX_INSTANT = 60;
export const DAY_MILLIS = 86_400_000;

/**
 * RFC 3339, 5.6, or its full-date alone: year, month, day, hour, minute, second, fraction, zone. PostgreSQL reads the
 * same pattern in `sql-instant.ts`.
 */
export const INSTANT_PATTERN =
  "^(?!0000)([0-9]{4})-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])" +
  "(?:[Tt ]([01][0-9]|2[0-3]):([0-5][0-9]):([0-5][0-9])(?:[.]([0-9]{1,6})[0-9]*)?([Zz]|[+-][01][0-9]:[0-5][0-9]))?$";
const INSTANT = new RegExp(INSTANT_PATTERN);

/** Reads what items hold. A 30th of February is a day of March, since the text of an item is not ours to judge. */
export function readInstant(text: string): TextInstant | undefined {
  const match = text.length > MAX_INSTANT ? null : INSTANT.exec(text);
  if (match === null) return undefined;
  const [, year, month, day, hour = "0", minute = "0", second = "0", fraction = "", zone = "Z"] = match;
  const utc = new Date(0);
  utc.setUTCFullYear(Number(year), Number(month) - 1, Number(day));
  utc.setUTCHours(Number(hour), Number(minute), Number(second));
  const micros = utc.getTime() * 1000 + Number(fraction.padEnd(6, "0")) - offsetMicros(zone);
  return { micros, isDate: match[4] === undefined };
}

/** An instant or day as a client wrote it. */
export type Literal = Omit<Extract<Operand, { kind: "instant" }>, "kind">;

/** Reads what a client writes: as `readInstant`, but the day must exist. */
export function parseLiteral(text: string): Literal | undefined {
  const read = readInstant(text);
  if (read === undefined) return undefined;
  const day = new Date(0);
  day.setUTCFullYear(Number(text.slice(0, 4)), Number(text.slice(5, 7)) - 1, Number(text.slice(8, 10)));
  const at = new Date(Math.floor(read.micros / 1000));
  // What the offset moves out of four digits could not be written any more.
  const isWritable = at.getUTCFullYear() >= 1 && at.getUTCFullYear() <= 9999;
  if (!isWritable || day.getUTCDate() !== Number(text.slice(8, 10))) return undefined;
  const micros = read.micros - at.getTime() * 1000;
  return { at, isDate: read.isDate, ...(micros === 0 ? {} : { micros }) };
}

/** The first and last microsecond of an instant or day. */
export function edges({ micros, isDate }: TextInstant): { readonly start: number; readonly end: number } {
  return { start: micros, end: isDate ? micros + DAY_MILLIS * 1000 - 1 : micros };
}

/** How the encodings, and PostgreSQL, write it. */
export function writeInstant({ at, isDate, micros = 0 }: Literal): string {
  const text = at.toISOString();
  if (isDate) return text.slice(0, 10);
  return micros === 0 ? text.replace(".000Z", "Z") : text.replace("Z", `${String(micros).padStart(3, "0")}Z`);
}

/** The first microsecond of a literal, and its last. */
export function literalEdges({ at, isDate, micros = 0 }: Literal): { readonly start: number; readonly end: number } {
  return edges({ micros: at.getTime() * 1000 + micros, isDate });
}

function offsetMicros(zone: string): number {
  if (zone === "Z" || zone === "z") return 0;
  const minutes = Number(zone.slice(1, 3)) * 60 + Number(zone.slice(4));
  return (zone.startsWith("-") ? -minutes : minutes) * 60_000_000;
}
