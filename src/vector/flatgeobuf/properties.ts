import { GyreError } from "../../errors.ts";
import type { FieldValue } from "../feature.ts";
import { fitted, integerOf, jsonText } from "../fields.ts";
import type { Column } from "./header.ts";

/** Bytes of values of fixed width. */
const WIDTHS: ReadonlyMap<string, number> = new Map([
  ...["byte", "ubyte", "bool"].map((type) => [type, 1] as const),
  ...["short", "ushort"].map((type) => [type, 2] as const),
  ...["int", "uint", "float"].map((type) => [type, 4] as const),
  ...["long", "ulong", "double"].map((type) => [type, 8] as const),
]);

/** Values behind the numbers of their columns (feature.fbs: properties); what is not there is null. */
export function readProperties(bytes: Uint8Array, columns: readonly Column[]): ReadonlyMap<string, FieldValue> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const values = new Map<string, FieldValue>(columns.map(({ name }) => [name, null]));
  for (let at = 0; at < bytes.length; ) {
    need(view, at, 2);
    const column = columns[view.getUint16(at, true)];
    if (column === undefined) throw broken("a property of no column");
    at += 2;
    const width = WIDTHS.get(column.stored);
    if (width !== undefined) {
      need(view, at, width);
      values.set(column.name, fixedOf(view, at, column.stored));
      at += width;
    } else {
      need(view, at, 4);
      const length = view.getUint32(at, true);
      need(view, at + 4, length);
      values.set(column.name, lengthyOf(bytes.subarray(at + 4, at + 4 + length), column));
      at += 4 + length;
    }
  }
  return values;
}

function fixedOf(view: DataView, at: number, stored: string): FieldValue {
  switch (stored) {
    case "byte":
      return view.getInt8(at);
    case "ubyte":
      return view.getUint8(at);
    case "bool":
      return view.getUint8(at) !== 0;
    case "short":
      return view.getInt16(at, true);
    case "ushort":
      return view.getUint16(at, true);
    case "int":
      return view.getInt32(at, true);
    case "uint":
      return view.getUint32(at, true);
    case "long":
      return integerOf(view.getBigInt64(at, true));
    case "ulong":
      return integerOf(view.getBigUint64(at, true));
    case "float":
      return view.getFloat32(at, true);
    default:
      return view.getFloat64(at, true);
  }
}

function lengthyOf(bytes: Uint8Array, { stored }: Column): FieldValue {
  if (stored === "binary") return bytes.slice();
  const text = new TextDecoder().decode(bytes);
  if (stored === "datetime") return dateOf(text);
  if (stored === "string") return text;
  if (stored !== "json") throw new GyreError("Unsupported", `a column of type ${stored}`, { subject: stored });
  try {
    return JSON.parse(text) as FieldValue;
  } catch {
    return text;
  }
}

/** ISO 8601; without a zone it is UTC. */
function dateOf(text: string): Date | null {
  const date = new Date(/T.*(Z|[+-]\d\d(:?\d\d)?)$/.test(text) || !text.includes("T") ? text : `${text}Z`);
  return Number.isNaN(date.getTime()) ? null : date;
}

/** The properties of a feature; nulls are left out. */
export function writeProperties(values: ReadonlyMap<string, FieldValue>, columns: readonly Column[]): Uint8Array {
  const parts: Buffer[] = [];
  for (const [i, { name, type }] of columns.entries()) {
    const value = fitted(values.get(name), type);
    if (value === null || (value instanceof Date && Number.isNaN(value.getTime()))) continue;
    const head = Buffer.alloc(2);
    head.writeUInt16LE(i);
    parts.push(head, bytesOf(value, type));
  }
  return Buffer.concat(parts);
}

function bytesOf(value: NonNullable<FieldValue>, type: Column["type"]): Buffer {
  const bytes = Buffer.alloc(8);
  switch (type) {
    case "boolean":
      return Buffer.from([Number(value)]);
    case "integer":
      bytes.writeBigInt64LE(BigInt.asIntN(64, BigInt(typeof value === "bigint" ? value : Math.trunc(Number(value)))));
      return bytes;
    case "number":
      bytes.writeDoubleLE(Number(value));
      return bytes;
    default: {
      const body = value instanceof Uint8Array ? value : Buffer.from(textOf(value, type));
      const length = Buffer.alloc(4);
      length.writeUInt32LE(body.length);
      return Buffer.concat([length, body]);
    }
  }
}

function textOf(value: NonNullable<FieldValue>, type: Column["type"]): string {
  if (value instanceof Date) return value.toISOString();
  return type === "json" ? jsonText(value) : String(value);
}

function need(view: DataView, at: number, bytes: number): void {
  if (at + bytes > view.byteLength) throw broken("properties are cut off");
}

function broken(reason: string): GyreError {
  return new GyreError("BadSource", reason);
}
