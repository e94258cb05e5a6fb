import type { Json } from "../core/stac.ts";

const LONGEST = 64;
const MOST_WORDS = 5000;
const ASCII = /^[\0-\x7f]*$/;
const TIME = /^\d{4}-\d\d-\d\dT/;

/**
 * What the index of properties knows of one value: whoever uses it must check the property itself. Undefined: nothing,
 * since addresses, times, long texts and fractions are not asked for by equality and would fill the index.
 */
export function facet(name: string, value: string | number | boolean): string | undefined {
  const isIndexed =
    typeof value === "string" ? isShort(value) : typeof value === "boolean" || Number.isSafeInteger(value);
  return isIndexed && name.length <= LONGEST ? `${name}=${value}` : undefined;
}

/** Facets of all scalar properties, and of the members of arrays. */
export function facetsOf(properties: { readonly [name: string]: Json }): string[] {
  const found = new Set<string>();
  const add = (name: string, value: Json): void => {
    const known = isScalar(value) ? facet(name, value) : undefined;
    if (known !== undefined) found.add(known);
  };
  for (const [name, value] of Object.entries(properties)) {
    if (Array.isArray(value)) for (const entry of value) add(name, entry);
    else add(name, value);
  }
  return [...found];
}

/** The words of a text as free-text search compares them: letters and digits, without case and accents. */
export function wordsOf(text: string): string[] {
  if (ASCII.test(text)) return text.toLowerCase().match(/[a-z0-9]{1,100}/g) ?? [];
  const folded = text.normalize("NFKD").replaceAll(/\p{M}/gu, "").toLowerCase();
  return folded.match(/[\p{L}\p{N}]{1,100}/gu) ?? [];
}

/** Words of an id and of the texts beside it, but for addresses and times. */
export function textOf(id: string, fields: { readonly [name: string]: unknown }): string {
  const texts = new Set([id]);
  for (const value of Object.values(fields)) {
    if (typeof value === "string") addText(texts, value);
    else if (Array.isArray(value)) for (const entry of value) addText(texts, entry);
  }
  const words: string[] = [];
  for (const text of texts) {
    for (const word of wordsOf(text)) if (words.length < MOST_WORDS) words.push(word);
  }
  return words.join(" ");
}

/** The words of `textOf` with their places, as core `tsvector` reads them: its own parser would take longer. */
export function vectorOf(words: string): string {
  const places = new Map<string, string>();
  let place = 0;
  for (const word of words === "" ? [] : words.split(" ")) {
    const before = places.get(word);
    place += 1;
    places.set(word, before === undefined ? `${word}:${place}` : `${before},${place}`);
  }
  return [...places.values()].join(" ");
}

function addText(texts: Set<string>, value: unknown): void {
  if (typeof value === "string" && !value.includes("://") && !TIME.test(value)) texts.add(value);
}

function isShort(text: string): boolean {
  return text.length <= LONGEST && !text.includes("://") && !TIME.test(text);
}

function isScalar(value: unknown): value is string | number | boolean {
  return typeof value === "string" || typeof value === "number" || typeof value === "boolean";
}
