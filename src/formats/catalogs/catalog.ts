import type { IoCall } from "../../core/array.ts";
import type { CubePart } from "../../core/cube.ts";
import { globMatches } from "../../core/glob.ts";
import { badSource, GyreError, isGyreError } from "../../errors.ts";
import type { Files } from "../../files/files.ts";

/** A dataset that a catalogue names. */
export interface SourceEntry {
  /** Proposed: the registry makes it an id. */
  readonly id: string;
  readonly title?: string;
  /** One source, or the cube that several make; addresses may still be patterns. */
  readonly part: CubePart;
  /** Variables left out, by name or pattern. */
  readonly drop?: readonly string[];
}

export interface CatalogOptions {
  /** Pattern for ids: `{id}` is the entry's own, `{name}` one of its parameters or columns. */
  readonly id?: string;
  /** Entries taken: patterns for ids or addresses; all without it. */
  readonly allow?: readonly string[];
  readonly drop?: readonly string[];
  /** Entries given at most. Default 100,000. */
  readonly maxEntries?: number;
  /** Told of what is left out and why. */
  report?(source: string, reason: string): void;
}

/** What the reader of one kind of catalogue works with. */
export interface Reading {
  readonly files: Files;
  readonly options: CatalogOptions;
  readonly call?: IoCall;
  /** Addresses on the way to this catalogue, so that none is entered twice. */
  readonly above: readonly string[];
  /** Opens a catalogue that this one names. */
  nested(url: URL, above: readonly string[]): AsyncIterable<NamedEntry>;
}

/** An entry before its id is made of the pattern. */
export interface NamedEntry extends SourceEntry {
  readonly values: ReadonlyMap<string, string>;
}

const MAX_BYTES = 64 * 1024 * 1024;
const MAX_ENTRIES = 100_000;
const MAX_DEPTH = 32;

/** The whole text of a catalogue, bounded. */
export async function readText(files: Files, url: URL, call?: IoCall): Promise<string> {
  const bytes = await files.read(url, { offset: 0, length: MAX_BYTES + 1 }, call);
  if (bytes === undefined) throw new GyreError("NotFound", `${url} is not there`, { source: url.href });
  if (bytes.byteLength > MAX_BYTES) throw badSource(url, MAX_BYTES, "too large for a catalogue");
  return Buffer.from(bytes).toString("utf8");
}

/** JSON that is an object; anything else is no catalogue. */
export function jsonObject(text: string, url: URL): { readonly [key: string]: unknown } {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw badSource(url, undefined, `not JSON: ${(error as Error).message}`);
  }
  if (!isRecord(json)) throw badSource(url, undefined, "not a JSON object");
  return json;
}

export function isRecord(value: unknown): value is { readonly [key: string]: unknown } {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** An address as catalogues write it: relative, a path, or a URL, which may be one of a public bucket of Google. */
export function resolveAddress(text: string, base: URL): URL {
  const google = /^(?:gs|gcs):\/\/(.+)$/.exec(text);
  try {
    return google === null ? new URL(text, base) : new URL(`https://storage.googleapis.com/${google[1]}`);
  } catch {
    throw badSource(base, undefined, `"${text}" is no address`);
  }
}

/** Entries of nested catalogues as they come, with the id pattern, the allow-list and the bound applied. */
export async function* choose(
  entries: AsyncIterable<NamedEntry>,
  options: CatalogOptions,
): AsyncGenerator<SourceEntry> {
  const { id: pattern, allow, drop = [], maxEntries = MAX_ENTRIES } = options;
  let count = 0;
  for await (const { values, id: own, ...entry } of entries) {
    const isAllowed = allow === undefined || allow.some((a) => globMatches(a, own) || anyAddress(entry.part, a));
    if (!isAllowed) continue;
    if (++count > maxEntries) {
      throw new GyreError("TooLarge", `the catalogue has more than ${maxEntries} entries: take some with "allow"`);
    }
    const id = pattern?.replace(/\{([^{}]+)\}/g, (_, name: string) => (name === "id" ? own : (values.get(name) ?? "")));
    const dropped = [...drop, ...(entry.drop ?? [])];
    yield { ...entry, id: id ?? own, ...(dropped.length === 0 ? {} : { drop: dropped }) };
  }
}

function anyAddress(part: CubePart, pattern: string): boolean {
  return typeof part === "string" ? globMatches(pattern, part) : part.parts.some((p) => anyAddress(p, pattern));
}

/** A catalogue below another: what is wrong with it is reported, and the rest goes on. */
export async function* below(
  { above, options, nested }: Pick<Reading, "above" | "options" | "nested">,
  own: URL,
  url: URL,
): AsyncGenerator<NamedEntry> {
  const path = [...above, own.href];
  if (path.includes(url.href)) return options.report?.(url.href, "the catalogue contains itself");
  if (path.length > MAX_DEPTH) return options.report?.(url.href, `more than ${MAX_DEPTH} catalogues in each other`);
  try {
    yield* nested(url, path);
  } catch (error) {
    if (!isGyreError(error) || error.tag === "TooLarge") throw error;
    options.report?.(url.href, error.message);
  }
}
