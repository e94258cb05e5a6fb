import { types } from "pg";

/** Object ids of PostgreSQL's types (`src/include/catalog/pg_type.dat`), the same in every database. */
const INT8 = 20;
const DATE = 1082;
const TIMESTAMP = 1114;
const NUMERIC = 1700;
const TEXTS: number = 1009;
const INT8S = 1016;
const TIMESTAMPS = 1115;
const DATES = 1182;
const NUMERICS = 1231;

/** Numbers where a number can hold the value; else the text as the server wrote it. */
function toNumber(text: string): number | string {
  const value = Number(text);
  return Math.abs(value) <= Number.MAX_SAFE_INTEGER ? value : text;
}

const asText = (text: string): string => text;
const asTexts: (text: string) => readonly (string | null)[] = types.getTypeParser(TEXTS);
const asNumbers = (text: string): readonly (number | string | null)[] =>
  asTexts(text).map((value) => (value === null ? null : toNumber(value)));

/** A date or a time without a zone is no instant: the driver would read it in the zone of this machine. */
const PARSERS = new Map<number, (text: string) => unknown>([
  [INT8, toNumber],
  [NUMERIC, toNumber],
  [DATE, asText],
  [TIMESTAMP, asText],
  [INT8S, asNumbers],
  [NUMERICS, asNumbers],
  [DATES, asTexts],
  [TIMESTAMPS, asTexts],
]);

/** How values arrive, for every connection of Gyre; the driver's global table is left as it is. */
export const COLUMN_TYPES = {
  getTypeParser: ((oid: number, format?: "text" | "binary") =>
    PARSERS.get(oid) ?? types.getTypeParser(oid, format as "text")) as typeof types.getTypeParser,
};
