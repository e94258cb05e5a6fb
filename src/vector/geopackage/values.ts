import type { SQLInputValue, SQLOutputValue } from "node:sqlite";
import type { FieldType, FieldValue } from "../feature.ts";
import { dateText, fitted, integerOf, jsonText } from "../fields.ts";

/** Types of columns (GeoPackage 1.3, table 1). */
const TYPES: readonly (readonly [RegExp, FieldType])[] = [
  [/^BOOLEAN$/i, "boolean"],
  [/^(TINY|SMALL|MEDIUM|BIG)?INT(EGER)?$/i, "integer"],
  [/^(FLOAT|DOUBLE|REAL|NUMERIC)/i, "number"],
  [/^DATE$/i, "date"],
  [/^(DATETIME|TIMESTAMP)$/i, "datetime"],
  [/^BLOB/i, "binary"],
  [/^JSON$/i, "json"],
];

export const COLUMN_TYPES: Readonly<Record<FieldType, string>> = {
  boolean: "BOOLEAN",
  integer: "INTEGER",
  number: "REAL",
  string: "TEXT",
  date: "DATE",
  datetime: "DATETIME",
  binary: "BLOB",
  json: "TEXT",
};

export function fieldType(column: string): FieldType {
  return TYPES.find(([pattern]) => pattern.test(column))?.[1] ?? "string";
}

/** A value of a column, which in SQLite may be of any type whatever the column says. */
export function fieldValue(value: SQLOutputValue, type: FieldType): FieldValue {
  if (value === null) return null;
  switch (type) {
    case "boolean":
      return typeof value === "bigint" ? value !== 0n : null;
    case "integer":
    case "number":
      if (typeof value === "bigint") return integerOf(value);
      return typeof value === "number" ? value : null;
    case "date":
    case "datetime":
      return typeof value === "string" ? dateOf(value) : null;
    case "binary":
      return value instanceof Uint8Array ? value : null;
    case "json":
      return typeof value === "string" ? parsed(value) : null;
    case "string":
      return value instanceof Uint8Array ? Buffer.from(value).toString("base64") : String(value);
  }
}

/** Without a zone it is UTC, as GeoPackage says of all times. */
function dateOf(text: string): Date | null {
  const date = new Date(/T.*(Z|[+-]\d\d:?\d\d)$/.test(text) || !text.includes("T") ? text : `${text}Z`);
  return Number.isNaN(date.getTime()) ? null : date;
}

function parsed(text: string): FieldValue {
  try {
    return JSON.parse(text) as FieldValue;
  } catch {
    return text;
  }
}

/** A value as its column has it. */
export function columnValue(value: FieldValue | undefined, type: FieldType): SQLInputValue {
  const fit = fitted(value, type);
  if (fit === null) return null;
  if (typeof fit === "boolean") return fit ? 1 : 0;
  if (fit instanceof Date)
    return Number.isNaN(fit.getTime()) ? null : type === "date" ? dateText(fit) : fit.toISOString();
  if (fit instanceof Uint8Array || typeof fit === "number" || typeof fit === "bigint") return fit;
  return type === "json" ? jsonText(fit) : String(fit);
}
