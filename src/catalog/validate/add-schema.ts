import { GyreError } from "../../errors.ts";
import { isKnownSchema, JsonSchemas, readSchema } from "./json-schemas.ts";
import { type SchemaStore, schemaUrl } from "./schema-store.ts";

/** Schemas that one may refer to, directly or not. */
const MAX_REFERRED = 64;
const MAX_DEPTH = 200;

export interface NewSchema {
  /** Where it comes from; a file's own URL when it says no `$id`. */
  readonly url: string;
  readonly bytes: Uint8Array;
}

/**
 * Puts a published schema in a store with all that it refers to, so that no request ever has to fetch one. Answers the
 * URLs that were written, those referred to first. Throws BadSource, and writes nothing, when it does not compile.
 */
export async function addSchema(
  store: SchemaStore,
  { url, bytes }: NewSchema,
  fetch: (url: string) => Promise<Uint8Array>,
): Promise<readonly string[]> {
  const found = new Map([[schemaUrl(url), bytes]]);
  for (const [at, body] of found) {
    for (const referred of referencesOf(readSchema(at, body), at)) {
      if (found.has(referred) || isKnownSchema(referred) || (await store.read(referred)) !== undefined) continue;
      if (found.size > MAX_REFERRED)
        throw new GyreError("BadSource", `${url} refers to more than ${MAX_REFERRED} schemas`, { source: url });
      found.set(referred, await fetch(referred));
    }
  }
  const together: SchemaStore = {
    read: async (one) => found.get(schemaUrl(one)) ?? store.read(one),
    write: (one, body) => store.write(one, body),
    list: () => store.list(),
  };
  await new JsonSchemas(together).faults({}, url);
  const added = [...found.keys()].reverse();
  for (const one of added) await store.write(one, found.get(one)!);
  return added;
}

/** The name that documents know a schema by: its `$id`, when that is an address. */
export function nameOf(bytes: Uint8Array, file: string): string {
  const { $id } = readSchema(file, bytes);
  if (typeof $id === "string" && /^https?:\/\//.test($id)) return schemaUrl($id);
  throw new GyreError("BadSource", `${file}: a schema out of a file needs an $id that is an http address`, {
    source: file,
  });
}

function referencesOf(schema: object, base: string): ReadonlySet<string> {
  const found = new Set<string>();
  const root = "$id" in schema && typeof schema.$id === "string" && URL.canParse(schema.$id) ? schema.$id : base;
  const visit = (value: unknown, depth: number): void => {
    if (typeof value !== "object" || value === null) return;
    if (depth > MAX_DEPTH)
      throw new GyreError("BadSource", `${base} is nested deeper than ${MAX_DEPTH}`, { source: base });
    for (const [key, member] of Object.entries(value)) {
      if (key !== "$ref" || typeof member !== "string") visit(member, depth + 1);
      else if (!member.startsWith("#") && URL.canParse(member, root)) found.add(withoutFragment(new URL(member, root)));
    }
  };
  visit(schema, 0);
  found.delete(withoutFragment(new URL(root)));
  return found;
}

function withoutFragment(url: URL): string {
  return url.href.slice(0, url.href.length - url.hash.length).replace(/#$/, "");
}
