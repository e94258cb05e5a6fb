import { GyreError } from "../../errors.ts";
import type { Order } from "./order.ts";

/** A place between two rows of an order. */
export interface Place {
  readonly keys: readonly string[];
  /** The page before it is wanted, not the one behind it. */
  readonly isBackwards: boolean;
}

const LONGEST_TOKEN = 16_000;
const TIME = /^(\d{4,6})-(\d\d-\d\d) ([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d{1,6})?\+00( BC)?$/;

export function writeToken(order: Order, { keys, isBackwards }: Place): string {
  return Buffer.from(JSON.stringify([isBackwards ? "<" : ">", order.name, ...keys])).toString("base64url");
}

/** Throws BadRequest for what is no place in this order. */
export function readToken(order: Order, token: string): Place {
  const [direction, name, ...keys] = parsed(token);
  const isPlace =
    (direction === "<" || direction === ">") &&
    name === order.name &&
    keys.length === order.keys.length &&
    keys.every((key, i) => isValue(key, order.keys[i]?.type));
  if (!isPlace) throw refused();
  return { keys: keys as string[], isBackwards: direction === "<" };
}

function parsed(token: string): readonly unknown[] {
  if (token.length > LONGEST_TOKEN) throw refused();
  try {
    const value: unknown = JSON.parse(Buffer.from(token, "base64url").toString());
    if (Array.isArray(value)) return value;
  } catch {
    // Refused like everything else that is no token.
  }
  throw refused();
}

/** What PostgreSQL would refuse to read must not reach it. */
function isValue(value: unknown, type: Order["keys"][number]["type"] | undefined): boolean {
  if (typeof value !== "string" || value.includes("\0") || !value.isWellFormed()) return false;
  if (type === "text") return true;
  if (type === "timestamptz") return value === "-infinity" || isTime(value);
  if (type === "boolean") return value === "true" || value === "false";
  return isScalar(value);
}

/** The year is taken to one of the same length in our time: all that matters is whether there is such a day. */
function isTime(text: string): boolean {
  const [, year, day, , , isBefore] = TIME.exec(text) ?? [];
  if (year === undefined || Number(year) > 200_000) return false;
  const leap = (isBefore === undefined ? Number(year) : 401 - (Number(year) % 400)) % 400;
  const at = new Date(`${2000 + leap}-${day}T00:00:00Z`);
  return !Number.isNaN(at.getTime()) && at.toISOString().includes(`-${day}T`);
}

function isScalar(text: string): boolean {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === "string") return !value.includes("\0") && value.isWellFormed();
    return typeof value === "number" ? Number.isFinite(value) : value === null || typeof value === "boolean";
  } catch {
    return false;
  }
}

function refused(): GyreError {
  return new GyreError("BadRequest", "the page token is not one of this search: begin with its first page", {
    subject: "token",
  });
}
