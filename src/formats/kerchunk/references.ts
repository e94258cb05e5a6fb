import type { Json } from "../../core/array.ts";
import { badSource, inSource } from "../../errors.ts";
import { asObject, isObject, type JsonObject } from "../zarr/json.ts";
import { renderTemplate, type TemplateValue, templateNames } from "./template.ts";

/** Bytes themselves, a part of another file, or all of it (without `length`). */
export type Reference = Uint8Array | { readonly href: string; readonly offset: number; readonly length?: number };

/** A set of references by key. */
export interface References {
  get(key: string): Promise<Reference | undefined>;
  /** Keys of metadata documents, at least. */
  keys(): Iterable<string>;
}

/** Entries that generators may make, all together. */
const MAX_GENERATED = 1_000_000;
const MAX_DIMENSIONS = 16;
/** Sets in one list: a GRIB file of a forecast has some hundred messages. */
const MAX_SETS = 10_000;
const ROOT_GROUP = Buffer.from('{"zarr_format":2}');

/**
 * Reads a reference set in JSON, version 0 (keys alone) or 1 (`refs`, `templates`, `gen`); or a list of them, as kerchunk
 * makes of a GRIB file: each is a group by its place in the list.
 */
export function referencesFromJson(url: URL, document: Json): References {
  const room = { left: MAX_GENERATED };
  if (!Array.isArray(document)) return referencesOfSet(url, asObject(url, document, "the reference set"), room);
  const list: readonly Json[] = document;
  if (list.length > MAX_SETS) throw badSource(url, undefined, `a list of ${list.length} reference sets`);
  const sets = list.map((set, i) => referencesOfSet(url, asObject(url, set, `reference set ${i}`), room));
  return {
    async get(key) {
      if (key === ".zgroup") return ROOT_GROUP;
      const [, place, rest] = /^(0|[1-9]\d*)\/(.*)$/s.exec(key) ?? [];
      return place === undefined ? undefined : sets[Number(place)]?.get(rest!);
    },
    *keys() {
      yield ".zgroup";
      for (const [i, set] of sets.entries()) for (const key of set.keys()) yield `${i}/${key}`;
    },
  };
}

/** Entries that may still be generated. */
interface Room {
  left: number;
}

function referencesOfSet(url: URL, document: JsonObject, room: Room): References {
  if (document.version === undefined) return createReferences(url, document, new Map());
  if (document.version !== 1)
    throw badSource(url, undefined, `references of version ${JSON.stringify(document.version)}`);
  const templates = Object.entries(isObject(document.templates) ? document.templates : {});
  const names = templateNames(templates.filter((entry): entry is [string, string] => typeof entry[1] === "string"));
  const generated = new Map<string, Reference>();
  if (document.gen !== undefined && !Array.isArray(document.gen)) throw badSource(url, undefined, "gen is no list");
  try {
    for (const generator of (document.gen as readonly Json[] | undefined) ?? [])
      generate(url, generator, names, generated, room);
  } catch (error) {
    throw inSource(error, url);
  }
  return createReferences(url, isObject(document.refs) ? document.refs : {}, names, generated);
}

function createReferences(
  url: URL,
  refs: JsonObject,
  names: ReadonlyMap<string, TemplateValue>,
  generated: ReadonlyMap<string, Reference> = new Map(),
): References {
  return {
    async get(key) {
      const made = generated.get(key);
      if (made !== undefined || !Object.hasOwn(refs, key)) return made;
      try {
        return referenceOf(url, key, refs[key]!, names);
      } catch (error) {
        throw inSource(error, url);
      }
    },
    *keys() {
      yield* Object.keys(refs);
      yield* generated.keys();
    },
  };
}

function referenceOf(url: URL, key: string, value: Json, names: ReadonlyMap<string, TemplateValue>): Reference {
  if (typeof value === "string") return inlineBytes(value);
  if (isObject(value)) return Buffer.from(JSON.stringify(value));
  const [href, offset = 0, length] = Array.isArray(value) ? (value as readonly Json[]) : [];
  if (typeof href !== "string")
    throw badSource(url, undefined, `${key} refers to ${JSON.stringify(value)?.slice(0, 100)}`);
  return checkedReference(url, key, names.size > 0 ? renderTemplate(href, names) : href, offset, length);
}

/** Text is itself, in UTF-8, unless it says that it is base64. */
export function inlineBytes(text: string): Uint8Array {
  return text.startsWith("base64:") ? Buffer.from(text.slice(7), "base64") : Buffer.from(text);
}

export function checkedReference(
  url: URL,
  key: string,
  href: string,
  offset: Json | undefined,
  length: Json | undefined,
): Reference {
  const isSize = (n: Json | undefined): n is number => Number.isSafeInteger(n) && (n as number) >= 0;
  if (!isSize(offset) || (length !== undefined && !isSize(length))) {
    throw badSource(url, undefined, `${key} refers to bytes ${String(offset)} with length ${String(length)}`);
  }
  return length === undefined ? { href, offset } : { href, offset, length };
}

/** Adds what one entry of `gen` makes: a reference for each combination of its dimensions. */
function generate(
  url: URL,
  generator: Json,
  names: ReadonlyMap<string, TemplateValue>,
  generated: Map<string, Reference>,
  room: Room,
): void {
  const fail = (reason: string): Error => badSource(url, undefined, `gen: ${reason}`);
  if (!isObject(generator) || !isObject(generator.dimensions)) throw fail("an entry has no dimensions");
  const { key, url: href, offset, length } = generator;
  if (typeof key !== "string" || typeof href !== "string") throw fail("an entry has no key or no url");
  if ((offset === undefined) !== (length === undefined)) throw fail("offset and length belong together");
  const dimensions = Object.entries(generator.dimensions).map(([name, json]) => ({ name, values: valuesOf(json) }));
  const count = dimensions.reduce((n, { values }) => n * (values?.count ?? Number.NaN), 1);
  if (dimensions.length > MAX_DIMENSIONS || !(count <= room.left)) {
    throw fail(`${count} references of ${dimensions.length} dimensions; at most ${MAX_GENERATED} are made`);
  }
  room.left -= count;
  const scope = new Map(names);
  const numberOf = (template: Json): number => Number(renderTemplate(String(template), scope));
  for (let i = 0; i < count; i++) {
    let rest = i;
    for (const { name, values } of dimensions.toReversed()) {
      scope.set(name, values!.at(rest % values!.count));
      rest = Math.floor(rest / values!.count);
    }
    const made = renderTemplate(key, scope);
    const place = offset === undefined ? [0, undefined] : [numberOf(offset), numberOf(length!)];
    generated.set(made, checkedReference(url, made, renderTemplate(href, scope), place[0], place[1]));
  }
}

interface DimensionValues {
  readonly count: number;
  at(i: number): string | number;
}

/** A list, or `{start, stop, step}` as Python's `range`; undefined for anything else. */
function valuesOf(json: Json): DimensionValues | undefined {
  if (Array.isArray(json)) {
    const isFit = json.every((v) => typeof v === "string" || typeof v === "number");
    return isFit ? { count: json.length, at: (i) => json[i] as string | number } : undefined;
  }
  if (!isObject(json)) return undefined;
  const { start = 0, stop, step = 1 } = json;
  if (![start, stop, step].every(Number.isSafeInteger) || step === 0) return undefined;
  const [from, to, by] = [start as number, stop as number, step as number];
  return { count: Math.max(0, Math.ceil((to - from) / by)), at: (i) => from + i * by };
}
