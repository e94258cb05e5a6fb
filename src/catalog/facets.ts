import type { Json } from "../core/stac.ts";

const LONGEST = 64;
const MOST_WORDS = 5000;
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
  for (const [name, value] of Object.entries(properties)) {
    for (const entry of Array.isArray(value) ? value : [value]) {
      const known = isScalar(entry) ? facet(name, entry) : undefined;
      if (known !== undefined) found.add(known);
    }
  }
  return [...found];
}

/** The words of a text as free-text search compares them: letters and digits, without case and accents. */
export function wordsOf(text: string): string[] {
  const folded = text.normalize("NFKD").replaceAll(/\p{M}/gu, "").toLowerCase();
  return folded.match(/[\p{L}\p{N}]{1,100}/gu) ?? [];
}

/** Words of an id and of the texts beside it, but for addresses and times. */
export function textOf(id: string, fields: { readonly [name: string]: unknown }): string {
  const texts = new Set([id]);
  for (const value of Object.values(fields)) {
    for (const entry of Array.isArray(value) ? value : [value]) {
      if (typeof entry === "string" && !entry.includes("://") && !TIME.test(entry)) texts.add(entry);
    }
  }
  return [...texts]
    .flatMap((text) => wordsOf(text))
    .slice(0, MOST_WORDS)
    .join(" ");
}

function isShort(text: string): boolean {
  return text.length <= LONGEST && !text.includes("://") && !TIME.test(text);
}

function isScalar(value: unknown): value is string | number | boolean {
  return typeof value === "string" || typeof value === "number" || typeof value === "boolean";
}
