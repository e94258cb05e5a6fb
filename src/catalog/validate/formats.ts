import { readInstant } from "../cql2/instant.ts";

/** Formats of text that STAC and its extensions name; `utc`: a `date-time` that ends in Z or +00:00. */
export type Format = "iri" | "iri-reference" | "uri" | "date-time" | "utc";

/** RFC 3986 and 3987, as far as a regular expression in linear time tells. */
const SCHEME = /^[a-z][a-z0-9+.-]*:[^\s<>"{}|\\^`]*$/i;
const REFERENCE = /^[^\s<>"{}|\\^`]*$/;
const ASCII = /^[\x21-\x7e]*$/;
const UTC = /(?:\+00:00|Z)$/;

/** Whether a text has a format. */
export function isFormat(format: Format, text: string): boolean {
  switch (format) {
    case "iri":
      return SCHEME.test(text);
    case "uri":
      return SCHEME.test(text) && ASCII.test(text);
    case "iri-reference":
      return REFERENCE.test(text);
    case "date-time":
      return isDateTime(text);
    case "utc":
      return isDateTime(text) && UTC.test(text);
  }
}

function isDateTime(text: string): boolean {
  if (readInstant(text)?.isDate !== false) return false;
  const day = new Date(0);
  day.setUTCFullYear(Number(text.slice(0, 4)), Number(text.slice(5, 7)) - 1, Number(text.slice(8, 10)));
  return day.getUTCDate() === Number(text.slice(8, 10));
}
