import { GyreError } from "../errors.ts";

/** Both ends included; undefined: open. */
export interface Interval {
  readonly start?: Date;
  readonly end?: Date;
}

/** RFC 3339, 5.6; fractions of a second beyond milliseconds are cut. */
const DATE_TIME = /^(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d):(\d\d)(?:\.(\d{1,20}))?([Zz]|[+-]\d\d:\d\d)$/;

/** The instant that an RFC 3339 date-time names. A leap second is the second after it. */
export function parseInstant(text: string): Date | undefined {
  const match = DATE_TIME.exec(text);
  if (match === null) return undefined;
  const [, year, month, day, hour, minute, second, fraction = "", zone = "Z"] = match;
  if (Number(hour) > 23 || Number(minute) > 59 || Number(second) > 60) return undefined;
  if (!/^[Zz]$/.test(zone) && (Number(zone.slice(1, 3)) > 23 || Number(zone.slice(4)) > 59)) return undefined;
  const millis = Number(fraction.slice(0, 3).padEnd(3, "0"));
  const utc = new Date(0);
  utc.setUTCFullYear(Number(year), Number(month) - 1, Number(day));
  if (utc.getUTCMonth() !== Number(month) - 1 || utc.getUTCDate() !== Number(day)) return undefined;
  utc.setUTCHours(Number(hour), Number(minute), Number(second), millis);
  return /^[Zz]$/.test(zone) ? utc : new Date(utc.getTime() - offsetMinutes(zone) * 60_000);
}

function offsetMinutes(zone: string): number {
  const minutes = Number(zone.slice(1, 3)) * 60 + Number(zone.slice(4));
  return zone.startsWith("-") ? -minutes : minutes;
}

/**
 * The `datetime` of OGC API Features (17-069r4, 7.15.3) and STAC: an instant, or two with `/` between, of which one may
 * be `..` or empty. Throws BadRequest.
 */
export function parseInterval(text: string): Interval {
  const parts = text.split("/");
  const [first = "", second] = parts;
  if (parts.length > 2) throw refused(text, "has more than one slash");
  if (second === undefined) {
    const at = end(first, text);
    if (at === undefined) throw refused(text, "names no time");
    return { start: at, end: at };
  }
  const start = end(first, text);
  const stop = end(second, text);
  if (start === undefined && stop === undefined) throw refused(text, "is open at both ends");
  if (start !== undefined && stop !== undefined && start > stop) throw refused(text, "ends before it starts");
  return { ...(start === undefined ? {} : { start }), ...(stop === undefined ? {} : { end: stop }) };
}

function end(text: string, whole: string): Date | undefined {
  if (text === "" || text === "..") return undefined;
  const at = parseInstant(text);
  if (at === undefined)
    throw refused(whole, `has ${JSON.stringify(text.slice(0, 50))}, which is no RFC 3339 date-time`);
  return at;
}

function refused(text: string, why: string): GyreError {
  return new GyreError("BadRequest", `datetime ${JSON.stringify(text.slice(0, 100))} ${why}`, {
    subject: "datetime",
    allowed: ["2000-01-01T00:00:00Z", "2000-01-01T00:00:00Z/2001-01-01T00:00:00Z", "../2001-01-01T00:00:00Z"],
  });
}
