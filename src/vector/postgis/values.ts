import type { FieldType, FieldValue } from "../feature.ts";
import { integerOf } from "../fields.ts";

/** Types by their numbers in `pg_type`; all others are texts. */
const TYPES: ReadonlyMap<number, FieldType> = new Map([
  [16, "boolean"],
  [20, "integer"],
  [21, "integer"],
  [23, "integer"],
  [700, "number"],
  [701, "number"],
  [1700, "number"],
  [1082, "date"],
  [1114, "datetime"],
  [1184, "datetime"],
  [17, "binary"],
  [114, "json"],
  [3802, "json"],
]);

export function fieldType(oid: number): FieldType {
  return TYPES.get(oid) ?? "string";
}

/** A value out of PostgreSQL's text of it, in a session of ISO dates and UTC. */
export function fieldValue(text: string | null, type: FieldType): FieldValue {
  if (text === null) return null;
  switch (type) {
    case "boolean":
      return text === "t";
    case "integer":
      return integerOf(BigInt(text));
    case "number":
      return Number(text);
    case "date":
    case "datetime":
      return dateOf(text, type);
    case "binary":
      return new Uint8Array(Buffer.from(text.slice(2), "hex"));
    case "json":
      return JSON.parse(text) as FieldValue;
    case "string":
      return text;
  }
}

/** `2020-01-31 12:00:00+00`; `infinity` and years before Christ are no dates here. */
function dateOf(text: string, type: "date" | "datetime"): Date | null {
  const date = new Date(type === "date" ? text : `${text.replace(" ", "T").replace(/\+00$/, "")}Z`);
  return Number.isNaN(date.getTime()) ? null : date;
}
