import type { Json } from "../core/stac.ts";

const LONGEST = 300;
const MOST_WORDS = 5000;

/**
 * What the index of properties knows of one value. Cut, so two values may share one: whoever uses the index must check
 * the property itself.
 */
export function facet(name: string, value: string | number | boolean): string {
  return `${name}=${value}`.slice(0, LONGEST).toWellFormed();
}

/** Facets of all scalar properties, and of the members of arrays. */
export function facetsOf(properties: { readonly [name: string]: Json }): string[] {
  const found = new Set<string>();
  for (const [name, value] of Object.entries(properties)) {
    for (const entry of Array.isArray(value) ? value : [value]) if (isScalar(entry)) found.add(facet(name, entry));
  }
  return [...found];
}

/** The words of a text as free-text search compares them: letters and digits, without case and accents. */
export function wordsOf(text: string): string[] {
  const folded = text.normalize("NFKD").replaceAll(/\p{M}/gu, "").toLowerCase();
  return (folded.match(/[\p{L}\p{N}]{1,100}/gu) ?? []).slice(0, MOST_WORDS);
}

/** Words of an id, and of every text among properties or in a collection's own fields. */
export function textOf(id: string, fields: { readonly [name: string]: unknown }): string {
  const texts = [id];
  for (const value of Object.values(fields)) {
    for (const entry of Array.isArray(value) ? value : [value]) if (typeof entry === "string") texts.push(entry);
  }
  return texts.flatMap(wordsOf).slice(0, MOST_WORDS).join(" ");
}

function isScalar(value: unknown): value is string | number | boolean {
  return typeof value === "string" || typeof value === "number" || typeof value === "boolean";
}
