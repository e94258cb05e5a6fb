/** RFC 3339, with any zone; the calendar of a model that has other days than ours cannot be an instant. */
const RFC3339 = /^\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}:\d{2}(\.\d{1,9})?([Zz]|[+-]\d{2}:\d{2})$/;

/** The instant that a document's text names, to the millisecond; undefined: it is none. */
export function instantOf(text: unknown): Date | undefined {
  if (typeof text !== "string" || !RFC3339.test(text)) return undefined;
  const at = new Date(text.toUpperCase().replace(" ", "T"));
  return Number.isNaN(at.getTime()) ? undefined : at;
}

/** As PostgreSQL reads it: it knows no year 0 and no negative years. */
export function timeText(at: Date): string {
  const text = at.toISOString();
  const [, sign, year, rest] = /^([+-]?)(\d+)(-.*)$/.exec(text) as RegExpExecArray;
  if (sign !== "-" && Number(year) > 0) return `${year}${rest}`;
  return `${String(Number(year) + 1).padStart(4, "0")}${rest} BC`;
}

/** Both ends included; an open end is undefined. */
export function spanText(start: Date | undefined, end: Date | undefined): string {
  return `[${start === undefined ? "" : `"${timeText(start)}"`},${end === undefined ? "" : `"${timeText(end)}"`}]`;
}
