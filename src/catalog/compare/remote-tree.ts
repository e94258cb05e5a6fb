import { z } from "zod";
import { parseJson } from "../../core/event-json.ts";
import type { Call } from "../../core/principal.ts";
import { badSource, GyreError } from "../../errors.ts";
import { type HashTree, MOST_COLLECTIONS, MOST_LEAVES } from "./tree.ts";

const TIMEOUT_MS = 60_000;
/** Collections of one page can be that many. */
const MOST_BYTES = 64 * 1024 * 1024;
const PAGE = 1000;

const hash = z.string().regex(/^[0-9a-f]{64}$/);
const count = z.int().min(0);
const id = z.string().min(1).max(1024);
const document = {
  digest: hash,
  etag: z.string().max(500),
  time: z.iso.datetime({ offset: true }).transform((text) => new Date(text)),
};
const nodeOf = <T>(leaf: z.ZodType<T>) =>
  z.object({
    items: count,
    branches: z.array(z.object({ digit: z.string().regex(/^[0-9a-f]$/), items: count, hash })).max(16),
    leaves: z.array(leaf).max(MOST_LEAVES).optional(),
  });
const nodeSchema = nodeOf(z.object({ id, ...document, isRetracted: z.boolean() }));
const catalogueSchema = nodeOf(
  z.object({ id, digest: hash, document: z.object(document).nullable(), items: hash.nullable() }),
);
const pageSchema = z.object({
  collections: z.array(z.object({ id })).max(PAGE),
  links: z.array(z.object({ rel: z.string(), href: z.string() })).max(100),
});

/** The tree of another node, which is asked over HTTP; `node` is its root. */
export function createRemoteTree(node: URL): HashTree {
  const base = new URL(node.href.endsWith("/") ? node.href : `${node.href}/`);

  async function ask<T>(path: string, schema: z.ZodType<T>, call: Call): Promise<T | undefined> {
    const url = new URL(path, base);
    const response = await fetched(url, call);
    if (response.status === 404) {
      await response.body?.cancel();
      return undefined;
    }
    const result = schema.safeParse(parseJson(await bytesOf(response, url), { bytes: MOST_BYTES, depth: 64 }));
    if (result.success) return result.data;
    const [issue] = result.error.issues;
    throw badSource(url, undefined, `answers what is no part of a tree: ${issue?.path.join(".")}: ${issue?.message}`);
  }

  return {
    async catalogue(prefix, call) {
      const node = await ask(`stac/compare?prefix=${prefix}`, catalogueSchema, call);
      if (node !== undefined) return node;
      // Not every address that answers is a node.
      if ((await ask("stac/collections?limit=1", pageSchema, call)) === undefined) {
        throw new GyreError("NotFound", `there is no catalogue at ${base.href}`, { subject: base.href });
      }
      throw new GyreError("Unsupported", `${base.host} does not compare the documents of collections`);
    },
    async collections(call) {
      const found = new Set<string>();
      for (let token: string | null = ""; token !== null; ) {
        const query = new URLSearchParams({ limit: String(PAGE), ...(token === "" ? {} : { token }) });
        const page: z.output<typeof pageSchema> | undefined = await ask(`stac/collections?${query}`, pageSchema, call);
        const before = found.size;
        for (const { id } of page?.collections ?? []) found.add(id);
        if (found.size > MOST_COLLECTIONS) {
          throw new GyreError("TooLarge", `${base.host} has more than ${MOST_COLLECTIONS} collections`);
        }
        // Only its token counts: where a link leads is the other node's say, not ours. Nothing new is the end.
        const next = found.size > before ? page?.links.find(({ rel }) => rel === "next") : undefined;
        token = next === undefined ? null : (URL.parse(next.href, base.href)?.searchParams.get("token") ?? null);
      }
      return [...found].sort();
    },
    node: (collection, prefix, call) =>
      ask(`stac/collections/${encodeURIComponent(collection)}/compare?prefix=${prefix}`, nodeSchema, call),
  };
}

/** Throws Busy where the node does not answer, or answers an error that is not 404. */
async function fetched(url: URL, { signal }: Call): Promise<Response> {
  const timeout = AbortSignal.timeout(TIMEOUT_MS);
  let response: Response;
  try {
    response = await fetch(url, {
      redirect: "error",
      signal: signal === undefined ? timeout : AbortSignal.any([signal, timeout]),
    });
  } catch (cause) {
    signal?.throwIfAborted();
    throw new GyreError("Busy", `${url.host} does not answer`, { source: url.href, cause });
  }
  if (response.ok || response.status === 404) return response;
  await response.body?.cancel();
  throw new GyreError("Busy", `${url.host} answers ${response.status}`, { source: url.href });
}

async function bytesOf(response: Response, url: URL): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const part of response.body ?? []) {
    size += part.byteLength;
    if (size > MOST_BYTES) throw badSource(url, size, "answers more than any part of a tree has");
    parts.push(part);
  }
  return Buffer.concat(parts, size);
}
