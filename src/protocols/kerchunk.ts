import type { Access, Opened } from "../core/access.ts";
import { inGrid } from "../core/array.ts";
import type { Call } from "../core/principal.ts";
import { type ErrorTag, GyreError, isGyreError } from "../errors.ts";
import { hidesFill } from "../write/zarr-v2.ts";
import { type ChunkTag, chunkReply, chunkTag, documentHeaders, sourceFault } from "./chunk-reply.ts";
import { type Conditions, conditionsOf, type Reply, toResponse } from "./conditional.ts";
import { type Document, documentReply } from "./document.ts";
import { references } from "./kerchunk-references.ts";
import { datasetUrl, openDataset, type Protocol, type Route } from "./protocol.ts";
import { noForm, storedDataset } from "./published.ts";
import { documentV2 } from "./zarr-document.ts";
import { type ChunkKey, parseChunkV2 } from "./zarr-key.ts";

/** Every fault of the source: a raw chunk is either there or to be asked for again. */
const FAULTS: readonly ErrorTag[] = ["BadSource", "Busy", "Conflict", "NotFound"];

/**
 * Answers a key of the raw API: Zarr v2 metadata, or a chunk as it is stored. Needs no `Request`, so that a server can
 * answer chunks before it builds one. Throws NotFound, Unsupported, Busy.
 */
export async function rawReply(
  opened: Opened,
  key: string,
  conditions: Conditions,
  access: Access,
  call: Call,
  base: URL,
): Promise<Reply> {
  const found = parseChunkV2(opened.dataset, key);
  if (found === undefined) return documentReply(rawDocument(opened, key, base), conditions, documentHeaders(opened));
  checkGrid(opened, key, found);
  const tag = chunkTag(opened.dataset, found.variable, key);
  try {
    const reply =
      (conditions.isHead ? await headReply(opened, found, tag, conditions, call) : undefined) ??
      (await chunkReply(opened, tag, conditions, () => access.raw(found.variable, found.chunk, call))) ??
      (await fillReply(opened, found, tag, conditions, access, call));
    if (reply !== undefined) return reply;
  } catch (error) {
    throw sourceFault(error, opened, call, FAULTS);
  }
  throw neverWritten(opened, key);
}

/** A located chunk need not be read to know its length. */
async function headReply(
  opened: Opened,
  { variable, chunk }: ChunkKey,
  tag: ChunkTag,
  conditions: Conditions,
  call: Call,
): Promise<Reply | undefined> {
  if (variable.read !== undefined) return undefined;
  const ref = await variable.locate(chunk, call);
  if (ref === undefined || !("url" in ref) || ref.codecs !== undefined || ref.shape !== undefined) return undefined;
  if (typeof tag !== "string" && ref.etag === undefined) return undefined;
  const located = {
    bytes: new Uint8Array(0),
    source: "raw" as const,
    ...(ref.etag === undefined ? {} : { etag: ref.etag }),
  };
  const reply = await chunkReply(opened, tag, conditions, async () => located);
  if (reply?.status === 200) reply.headers["Content-Length"] = String(ref.length);
  return reply;
}

/** A chunk of fill in place of one never written, where the metadata cannot say what it holds. */
async function fillReply(
  opened: Opened,
  { variable, chunk }: ChunkKey,
  tag: ChunkTag,
  conditions: Conditions,
  access: Access,
  call: Call,
): Promise<Reply | undefined> {
  const stated = storedDataset(opened.dataset).variables.get(variable.name);
  if (stated === undefined || !hidesFill(stated.spec)) return undefined;
  return chunkReply(opened, tag, conditions, () =>
    access.recode(opened.dataset, variable, chunk, variable.spec.codecs, call),
  );
}

/** Answers the two bytes that make a tape archive stage the chunk's file. */
async function tapeReply(opened: Opened, key: string, access: Access, call: Call): Promise<Reply | undefined> {
  const found = parseChunkV2(opened.dataset, key);
  if (found === undefined) return undefined;
  checkGrid(opened, key, found);
  const body = await access.stage(found.variable, found.chunk, call).catch((error: unknown) => {
    throw sourceFault(error, opened, call, FAULTS);
  });
  if (body === undefined) throw neverWritten(opened, key);
  const headers = { "Content-Type": "application/octet-stream", "Cache-Control": "no-store", "Gyre-Source": "raw" };
  return { status: 200, headers: { ...headers, "Content-Length": String(body.byteLength) }, body };
}

function rawDocument(opened: Opened, key: string, base: URL): Document {
  try {
    const document = documentV2(storedDataset(opened.dataset), key);
    if (document !== undefined) return document;
  } catch (error) {
    if (!isGyreError(error, "Unsupported")) throw error;
    const computed = datasetUrl(base, opened.id, `zarr/${key}`);
    throw new GyreError("Unsupported", `${error.message}; decoded chunks are at ${computed}`, error.details);
  }
  const unshared = opened.dataset.variables.get(/^(.+)\/\.z(?:array|attrs)$/.exec(key)?.[1] ?? "");
  if (unshared !== undefined) throw noForm(unshared);
  throw new GyreError("NotFound", `${opened.id} has no key ${key}`, { subject: key });
}

function checkGrid(opened: Opened, key: string, { variable, chunk }: ChunkKey): void {
  if (!inGrid(variable.spec, chunk)) throw neverWritten(opened, key);
}

function neverWritten(opened: Opened, key: string): GyreError {
  return new GyreError("NotFound", `${opened.id} has no chunk ${key}`, { subject: key });
}

const CHUNK_RESPONSES: Route["responses"] = {
  200: { description: "Metadata, or a chunk", types: ["application/json", "application/octet-stream"] },
  206: { description: "A range of it", types: ["application/octet-stream"] },
  304: { description: "The client has it" },
  404: { description: "No such dataset or key, or a chunk never written" },
  416: { description: "The range begins behind the end" },
  422: { description: "The variable's codec has no id in Zarr v2; the detail names its computed address" },
  503: { description: "The source cannot be read now; Retry-After says when to ask again" },
};

const keys: Route = {
  method: "GET",
  path: "/datasets/:id/kerchunk/:key{.+}",
  summary: "Zarr v2 metadata and chunks as they are stored",
  responses: CHUNK_RESPONSES,
  role: "read",
  async handle({ request, params, access, call, base }) {
    const opened = await openDataset(access, params.id ?? "", call);
    return toResponse(await rawReply(opened, params.key ?? "", conditionsOf(request), access, call, base));
  },
};

const tape: Route = {
  method: "GET",
  path: "/datasets/:id/kerchunk-tape-order/:key{.+}",
  summary: "Reads two bytes of a chunk, so that a tape archive stages its file; metadata as below kerchunk/",
  responses: CHUNK_RESPONSES,
  role: "read",
  async handle({ request, params, access, call, base }) {
    const { id = "", key = "" } = params;
    const opened = await openDataset(access, id, call);
    const staged = await tapeReply(opened, key, access, call);
    return toResponse(staged ?? (await rawReply(opened, key, conditionsOf(request), access, call, base)));
  },
};

/** The raw API: archives as Zarr v2, chunk by chunk as they lie on disk. */
export const kerchunk: Protocol = {
  name: "kerchunk",
  summary: "Stored chunks under Zarr v2 keys; nothing is decoded",
  conformsTo: [],
  routes: [keys, tape, ...references],
  links: (id, _dataset, base) => [
    {
      rel: "data",
      href: datasetUrl(base, id, "kerchunk"),
      type: "application/vnd+zarr",
      title: "Stored chunks (Zarr v2)",
    },
    {
      rel: "data",
      href: datasetUrl(base, id, "kerchunk.json"),
      type: "application/json",
      title: "References to stored chunks (kerchunk)",
    },
  ],
};
