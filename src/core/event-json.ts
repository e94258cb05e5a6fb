import { type Fault, GyreError } from "../errors.ts";
import type { Json } from "./stac.ts";

/** What a document may be, checked before anything is made of it. */
export interface JsonLimits {
  readonly bytes: number;
  /** Arrays and objects within each other. */
  readonly depth: number;
}

/** Of an event, and of any document that is sent to the catalogue. */
export const JSON_LIMITS: JsonLimits = { bytes: 4 * 1024 * 1024, depth: 64 };

/** Faults that are told of; a hostile document could have thousands. */
export const MOST_FAULTS = 100;

const utf8 = new TextDecoder("utf-8", { fatal: true });

/**
 * Reads JSON that somebody else wrote. What PostgreSQL's `jsonb` cannot hold is refused here, with its place: NUL, half
 * surrogate pairs and numbers beyond a double. Throws TooLarge or Invalid.
 */
export function parseJson(bytes: Uint8Array, limits: JsonLimits = JSON_LIMITS): Json {
  checkSize(bytes, limits);
  const text = decoded(bytes);
  const { depth, isPlain } = look(text, limits.depth);
  if (depth > limits.depth) throw tooDeep(limits);
  const value = parsed(text);
  if (!isPlain) checkValue(value);
  return value;
}

/** Throws TooLarge. */
export function checkSize({ byteLength }: Uint8Array, limits: JsonLimits): void {
  if (byteLength <= limits.bytes) return;
  throw new GyreError("TooLarge", `the document has ${byteLength} bytes; ${limits.bytes} are allowed`);
}

/** What `parseJson` checks besides the size, of a value that was parsed elsewhere. Throws Invalid. */
export function checkJson(value: Json, limits: JsonLimits = JSON_LIMITS): void {
  if (depthOf(value, limits.depth) > limits.depth) throw tooDeep(limits);
  checkValue(value);
}

function checkValue(value: Json): void {
  if (isHoldable(value)) return;
  const faults: Fault[] = [];
  collectFaults(value, "", faults);
  throw invalidDocument(faults);
}

/** A document with faults; the message names the first. */
export function invalidDocument(faults: readonly Fault[], what = "the document"): GyreError {
  const [first] = faults;
  const place = first === undefined || first.pointer === "" ? what : `${what} at ${first.pointer}`;
  const more = faults.length > 1 ? ` (and ${faults.length - 1} more)` : "";
  return new GyreError("Invalid", `${place} ${first?.detail ?? "is not valid"}${more}`, { faults });
}

/** JSON Pointer (RFC 6901) of a path. */
export function pointerOf(path: readonly PropertyKey[]): string {
  return path.map((part) => `/${escaped(String(part))}`).join("");
}

function escaped(part: string): string {
  return part.replaceAll("~", "~0").replaceAll("/", "~1");
}

function invalid(pointer: string, detail: string): GyreError {
  return invalidDocument([{ pointer, detail }]);
}

function tooDeep({ depth }: JsonLimits): GyreError {
  return invalid("", `is nested deeper than ${depth} levels`);
}

function decoded(bytes: Uint8Array): string {
  try {
    return utf8.decode(bytes);
  } catch {
    throw invalid("", "is not UTF-8");
  }
}

function parsed(text: string): Json {
  try {
    return JSON.parse(text) as Json;
  } catch (error) {
    const at = /position (\d+)/.exec((error as Error).message)?.[1];
    throw invalid("", at === undefined ? "is not JSON" : `is not JSON from character ${at} on`);
  }
}

/** A number of so many digits may be beyond a double. */
const MANY_DIGITS = 300;

/**
 * Looks before `JSON.parse` does, which would build every level. Of UTF-8 only an escape can make a NUL or half a
 * surrogate pair, and only an exponent or many digits a number beyond a double: a text without them is plain.
 */
function look(text: string, most: number): { readonly depth: number; readonly isPlain: boolean } {
  let depth = 0;
  let digits = 0;
  let isText = false;
  let isPlain = true;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (isText) {
      if (code === 0x22) isText = false;
      else if (code === 0x5c && text.charCodeAt(++i) === 0x75) isPlain = false;
    } else if (code >= 0x30 && code <= 0x39) {
      if (++digits > MANY_DIGITS) isPlain = false;
    } else {
      if (digits > 0 && (code === 0x65 || code === 0x45)) isPlain = false;
      digits = 0;
      if (code === 0x22) isText = true;
      else if (code === 0x7b || code === 0x5b) {
        if (++depth > most) return { depth, isPlain };
      } else if (code === 0x7d || code === 0x5d) depth--;
    }
  }
  return { depth, isPlain };
}

/** Levels of arrays and objects; counted no further than one beyond `most`. */
function depthOf(value: Json, most: number): number {
  if (typeof value !== "object" || value === null || most < 0) return 0;
  let deepest = 0;
  for (const entry of Array.isArray(value) ? value : Object.values(value)) {
    if (typeof entry === "object") deepest = Math.max(deepest, depthOf(entry, most - 1));
  }
  return deepest + 1;
}

/** Whether there is nothing to complain of: most documents need no places of faults. */
function isHoldable(value: Json): boolean {
  if (typeof value === "string") return textFault(value) === undefined;
  if (typeof value === "number") return Number.isFinite(value);
  if (typeof value !== "object" || value === null) return true;
  if (Array.isArray(value)) return value.every(isHoldable);
  const object = value as { readonly [name: string]: Json };
  return Object.keys(object).every((name) => textFault(name) === undefined && isHoldable(object[name] as Json));
}

function collectFaults(value: Json, pointer: string, faults: Fault[]): void {
  if (faults.length >= MOST_FAULTS) return;
  if (typeof value === "string") {
    const detail = textFault(value);
    if (detail !== undefined) faults.push({ pointer, detail });
  } else if (typeof value === "number") {
    if (!Number.isFinite(value)) faults.push({ pointer, detail: "is a number beyond a double" });
  } else if (Array.isArray(value)) {
    for (const [i, entry] of value.entries()) collectFaults(entry, `${pointer}/${i}`, faults);
  } else if (value !== null && typeof value === "object") {
    for (const [name, entry] of Object.entries(value)) {
      const at = `${pointer}/${escaped(name)}`;
      const detail = textFault(name);
      if (detail !== undefined) faults.push({ pointer, detail: `has a name that ${detail}` });
      collectFaults(entry, at, faults);
    }
  }
}

function textFault(text: string): string | undefined {
  if (text.includes("\0")) return "holds a NUL character";
  return text.isWellFormed() ? undefined : "holds half a surrogate pair";
}
