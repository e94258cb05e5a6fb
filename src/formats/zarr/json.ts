import type { Json } from "../../core/array.ts";
import { badSource } from "../../errors.ts";

export type JsonObject = { readonly [key: string]: Json };

declare global {
  interface JSON {
    /** With the text of each number, which TypeScript does not know yet. */
    parse(
      text: string,
      reviver: (this: unknown, key: string, value: unknown, context: { readonly source?: string }) => unknown,
    ): unknown;
  }
}

/** Bytes of one metadata document at most. */
export const MAX_DOCUMENT = 64 * 1024 * 1024;

/** Lists and objects within each other at most: what walks a document or writes it again does so by recursion. */
const MAX_DEPTH = 256;

/** A number that no document holds, in the place of Python's bare NaN. */
const NAN = "1e-99999";

/**
 * Parses a metadata document: JSON, and what Python's `json` writes beyond it (bare NaN and Infinity). A `fill_value`
 * that a double cannot hold comes as its digits.
 */
export function parseJson(url: URL | string, bytes: Uint8Array): Json {
  if (isDeep(bytes)) throw badSource(url, undefined, `JSON of more than ${MAX_DEPTH} levels`);
  const text = new TextDecoder().decode(bytes);
  try {
    return parse(text);
  } catch (error) {
    try {
      return parse(text.replace(/"(?:[^"\\]|\\.)*"|NaN|Infinity/g, toJson));
    } catch {
      throw badSource(url, undefined, `is no JSON: ${(error as Error).message}`);
    }
  }
}

function isDeep(bytes: Uint8Array): boolean {
  let depth = 0;
  for (let i = 0; i < bytes.length; i++) {
    const c = bytes[i];
    if (c === 0x22) {
      // To the next quote with an even number of backslashes before it.
      for (let odd = true; odd; ) {
        i = bytes.indexOf(0x22, i + 1);
        if (i < 0) return false;
        let from = i;
        while (bytes[from - 1] === 0x5c) from--;
        odd = (i - from) % 2 === 1;
      }
    } else if (c === 0x5b || c === 0x7b) {
      if (++depth > MAX_DEPTH) return true;
    } else if (c === 0x5d || c === 0x7d) {
      depth--;
    }
  }
  return false;
}

function toJson(word: string): string {
  return word === "NaN" ? NAN : word === "Infinity" ? "1e999" : word;
}

function parse(text: string): Json {
  if (!/\d{16}|1e-99999/.test(text)) return JSON.parse(text) as Json;
  return JSON.parse(text, (key, value, { source }) => {
    if (source === NAN) return Number.NaN;
    const isLong = key === "fill_value" && typeof value === "number" && !Number.isSafeInteger(value);
    return isLong && source !== undefined && /^-?\d+$/.test(source) ? source : value;
  }) as Json;
}

/** The document as an object; anything else is a broken source. */
export function asObject(url: URL | string, value: Json | undefined, what: string): JsonObject {
  if (isObject(value)) return value;
  throw badSource(url, undefined, `${what} is no JSON object`);
}

export function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** A list of whole numbers, none below `least`; undefined for anything else. */
export function wholeNumbers(value: Json | undefined, least: number): readonly number[] | undefined {
  const isFit = (n: Json): n is number => Number.isSafeInteger(n) && (n as number) >= least;
  return Array.isArray(value) && value.every(isFit) ? value : undefined;
}
