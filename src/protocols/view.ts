import type { Rounding, View } from "../core/view.ts";
import { GyreError } from "../errors.ts";

/** Parameters of a view, in the order in which they are documented. */
export const VIEW_NAMES = ["bbox", "time", "vars", "chunks", "keepbits", "abs", "rel", "codec"] as const;

/** Compressors that a view may ask for. */
export const VIEW_CODECS = ["zstd", "gzip", "blosc", "none"] as const;

const MOST_MEMBERS = 1000;

/**
 * Reads `name=value,name=value` as it stands behind `zarr@`, already percent-decoded. Lists are joined by `~`;
 * `keepbits`, `abs` and `rel` may name one variable: `keepbits.tas=10`.
 */
export function parseView(text: string): View {
  const given = new Map<string, string>();
  for (const part of text.split(",")) {
    const equals = part.indexOf("=");
    const name = equals < 0 ? part : part.slice(0, equals);
    if (!isName(name)) throw refuse(name, `a view has no parameter "${name}"`, VIEW_NAMES);
    if (equals < 0 || equals === part.length - 1) throw refuse(name, `${name} has no value: write ${name}=...`);
    if (given.has(name)) throw refuse(name, `${name} is given twice`);
    given.set(name, part.slice(equals + 1));
  }
  const roundings = new Map<string, Rounding>();
  for (const [name, value] of given) {
    const [kind, variable] = splitName(name);
    if (!isRounding(kind)) continue;
    if (roundings.has(variable))
      throw refuse(name, `${variable || "a view"} can be rounded in one way only`, ROUNDINGS);
    roundings.set(variable, { kind, value: amount(kind, name, value) });
  }
  const forAll = roundings.get("");
  roundings.delete("");
  return {
    bbox: optional(given, "bbox", bbox),
    time: optional(given, "time", time),
    vars: optional(given, "vars", members),
    chunks: optional(given, "chunks", chunks),
    codec: optional(given, "codec", codec),
    rounding: forAll,
    roundings: roundings.size > 0 ? roundings : undefined,
  };
}

const ROUNDINGS = ["keepbits", "abs", "rel"] as const;

function isRounding(kind: string): kind is Rounding["kind"] {
  return (ROUNDINGS as readonly string[]).includes(kind);
}

/** `keepbits.group/tas` as `keepbits` and `group/tas`; the variable is empty where none is named. */
function splitName(name: string): [string, string] {
  const dot = name.indexOf(".");
  return dot < 0 ? [name, ""] : [name.slice(0, dot), name.slice(dot + 1)];
}

function isName(name: string): boolean {
  const [kind] = splitName(name);
  if (name !== kind) return isRounding(kind) && name.length > kind.length + 1;
  return (VIEW_NAMES as readonly string[]).includes(name);
}

function optional<T>(given: ReadonlyMap<string, string>, name: string, read: (value: string) => T): T | undefined {
  const value = given.get(name);
  return value === undefined ? undefined : read(value);
}

function members(value: string): string[] {
  const list = value.split("~");
  if (list.length > MOST_MEMBERS) throw refuse("vars", `more than ${MOST_MEMBERS} members`);
  if (list.some((member) => member === "")) throw refuse("vars", `"${value}" has an empty member`);
  return list;
}

function bbox(value: string): [number, number, number, number] {
  const edges = members(value).map(decimal);
  if (edges.length !== 4 || !edges.every(Number.isFinite)) {
    throw refuse("bbox", `bbox=${value} is not west~south~east~north in degrees`);
  }
  const [west, south, east, north] = edges as [number, number, number, number];
  if (south > north) throw refuse("bbox", `bbox=${value}: south ${south} is above north ${north}`);
  if (Math.abs(south) > 90 || Math.abs(north) > 90 || Math.abs(west) > 360 || Math.abs(east) > 360) {
    throw refuse("bbox", `bbox=${value} leaves -360..360 degrees east, -90..90 degrees north`);
  }
  return [west, south, east, north];
}

function time(value: string): [string, string] {
  const [first, last = first, ...rest] = members(value);
  if (rest.length > 0) throw refuse("time", `time=${value} is not first~last`);
  return [first as string, last as string];
}

function chunks(value: string): Map<string, number> {
  const sizes = new Map<string, number>();
  for (const member of members(value)) {
    const colon = member.lastIndexOf(":");
    const size = Number(member.slice(colon + 1));
    const name = member.slice(0, Math.max(colon, 0));
    if (name === "" || !/^\d+$/.test(member.slice(colon + 1)) || !Number.isSafeInteger(size) || size < 1) {
      throw refuse("chunks", `chunks: "${member}" is not dimension:length, as in time:1~lat:90`);
    }
    if (sizes.has(name)) throw refuse("chunks", `chunks names ${name} twice`);
    sizes.set(name, size);
  }
  return sizes;
}

function codec(value: string): string {
  if (!(VIEW_CODECS as readonly string[]).includes(value)) {
    throw refuse("codec", `codec=${value} is not offered`, VIEW_CODECS);
  }
  return value;
}

function amount(kind: Rounding["kind"], name: string, text: string): number {
  const value = decimal(text);
  if (kind === "keepbits") {
    if (Number.isInteger(value) && value >= 1 && value <= 52) return value;
    throw refuse(name, `${name}=${text} is not a number of mantissa bits from 1 to 52`);
  }
  if (Number.isFinite(value) && value > 0 && (kind === "abs" || value < 1)) return value;
  throw refuse(
    name,
    `${name}=${text} is not a${kind === "rel" ? " relative error between 0 and 1" : " positive error"}`,
  );
}

/** A plain decimal number; NaN for all else that `Number` would take (`0x10`, blanks). */
function decimal(text: string): number {
  return /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text) ? Number(text) + 0 : Number.NaN;
}

function refuse(subject: string, message: string, allowed?: readonly string[]): GyreError {
  const names = allowed === undefined ? "" : `; allowed are ${allowed.join(", ")}`;
  return new GyreError("BadRequest", message + names, { subject, ...(allowed === undefined ? {} : { allowed }) });
}
