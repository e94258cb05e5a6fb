import { z } from "zod";
import type { Opened } from "../core/access.ts";
import { chunkGrid, type Dataset, product } from "../core/array.ts";
import { GyreError } from "../errors.ts";
import { kerchunkJson } from "../write/kerchunk.ts";
import { type KerchunkParquetOptions, kerchunkParquet, withoutReferences } from "../write/kerchunk-parquet.ts";
import {
  conditionsOf,
  contentTag,
  isHeld,
  notModified,
  precondition,
  replyWith,
  strongTag,
  toResponse,
} from "./conditional.ts";
import { type Document, documentOf, documentReply } from "./document.ts";
import { datasetUrl, openDataset, type Route, type RouteCall } from "./protocol.ts";
import { storedDataset } from "./published.ts";

/** Where references lead: to this server's raw API, or to the source itself where clients can reach it. */
const query = z.strictObject({ links: z.enum(["server", "source"]).optional() });
type Links = "server" | "source";

/** Rows of one Parquet file. */
const RECORD_SIZE = 100_000;
const CACHING = "public, max-age=60";
/** Schemes that clients of references read without this server. */
const REACHABLE: ReadonlySet<string> = new Set(["http:", "https:", "s3:", "gs:"]);

/** Not with a query or a user, which may be what this server reads it with and nobody else is to. */
function isReachable({ protocol, search, username }: URL): boolean {
  return REACHABLE.has(protocol) && search === "" && username === "";
}

function linksOf(route: RouteCall): Links {
  return route.query.links === "source" ? "source" : "server";
}

function optionsFor(id: string, links: Links, { base, call }: RouteCall): KerchunkParquetOptions {
  const root = datasetUrl(base, id, "kerchunk");
  return {
    href: (url) => (links === "source" && isReachable(url) ? url.href : undefined),
    chunkHref: (name, chunk) => `${root}/${encodePath(name)}/${chunk.length === 0 ? "0" : chunk.join(".")}`,
    recordSize: RECORD_SIZE,
    ...(call.signal === undefined ? {} : { signal: call.signal }),
  };
}

function encodePath(path: string): string {
  return path.split("/").map(encodeURIComponent).join("/");
}

/**
 * References depend on the dataset, on where they lead and on this server's address. Undefined where chunks may have
 * come since: then only the references themselves tell.
 */
function referenceTag({ dataset }: Opened, links: Links, base: URL, path: string): string | undefined {
  for (const { mutable } of dataset.variables.values()) if (mutable) return undefined;
  return strongTag(dataset.version, `${links}/${base.href}${path}`);
}

async function answerJson(route: RouteCall): Promise<Response> {
  const { request, params, access, call, base } = route;
  const opened = await openDataset(access, params.id ?? "", call);
  const links = linksOf(route);
  const tag = referenceTag(opened, links, base, "kerchunk.json");
  const headers: Record<string, string> = { "Content-Type": "application/json", "Cache-Control": CACHING };
  if (tag !== undefined) headers.ETag = tag;
  const conditions = conditionsOf(request);
  const decided = precondition(conditions, headers);
  if (decided !== undefined) return toResponse(decided);
  if (conditions.isHead) return new Response(null, { headers });
  const parts = kerchunkJson(storedDataset(opened.dataset), optionsFor(opened.id, links, route));
  return new Response(await started(parts), { headers });
}

/** A stream whose first piece is there: what goes wrong before is still an error with a status of its own. */
async function started(parts: AsyncGenerator<Uint8Array>): Promise<ReadableStream<Uint8Array>> {
  const first = await parts.next();
  return ReadableStream.from(
    (async function* () {
      if (!first.done) yield first.value;
      yield* parts;
    })(),
  );
}

async function answerParquet(route: RouteCall): Promise<Response> {
  const { request, params, access, call, base } = route;
  const { id = "", path = "" } = params;
  const opened = await openDataset(access, id, call);
  const links = linksOf(route);
  const conditions = conditionsOf(request);
  if (path === ".zmetadata") {
    const document = await metadata(opened, links, route);
    return toResponse(documentReply(document, conditions, { "Content-Type": "application/json" }));
  }
  const type = { "Content-Type": "application/vnd.apache.parquet", "Cache-Control": CACHING };
  const tag = referenceTag(opened, links, base, `kerchunk.parquet/${path}`);
  if (tag !== undefined && isHeld(conditions, tag)) return toResponse(notModified({ ...type, ETag: tag }));
  const bytes = await referenceFile(opened, path, links, route);
  if (bytes === undefined) throw new GyreError("NotFound", `${opened.id} has no references ${path}`, { subject: path });
  return toResponse(replyWith(conditions, { ...type, ETag: tag ?? contentTag(bytes) }, bytes));
}

/** One file of references; only those of its variable are made for it. */
async function referenceFile(
  { id, dataset }: Opened,
  path: string,
  links: Links,
  route: RouteCall,
): Promise<Uint8Array | undefined> {
  const stored = storedDataset(dataset);
  const name = path.slice(0, Math.max(path.lastIndexOf("/"), 0));
  const variable = stored.variables.get(name);
  if (variable === undefined) return undefined;
  const alone = { ...stored, variables: new Map([[name, variable]]) };
  for await (const file of kerchunkParquet(alone, optionsFor(id, links, route))) {
    if (file.name === path) return file.bytes;
  }
  // fsspec takes a missing file for a fault, not for chunks that were never written.
  const record = /\/refs\.(\d{1,9})\.parq$/.exec(path)?.[1];
  const rows = record === undefined ? 0 : product(chunkGrid(variable.spec)) - Number(record) * RECORD_SIZE;
  return rows > 0 ? withoutReferences(Math.min(rows, RECORD_SIZE)) : undefined;
}

const kept = new WeakMap<Dataset, Map<string, Document>>();

/** The metadata beside the references: made by walking them all, so it is kept with the dataset. */
async function metadata({ id, dataset }: Opened, links: Links, route: RouteCall): Promise<Document> {
  const key = `${links} ${route.base.href}`;
  const known = kept.get(dataset)?.get(key);
  if (known !== undefined) return known;
  let text = "";
  for await (const { name, bytes } of kerchunkParquet(storedDataset(dataset), optionsFor(id, links, route))) {
    if (name === ".zmetadata") text = new TextDecoder().decode(bytes);
  }
  const made = documentOf(text);
  const documents = kept.get(dataset) ?? new Map<string, Document>();
  // Addresses come from clients where forwarding headers are trusted: they must not pile up.
  if (documents.size < 8) kept.set(dataset, documents.set(key, made));
  return made;
}

const responses: Route["responses"] = {
  200: { description: "kerchunk references", types: ["application/json", "application/vnd.apache.parquet"] },
  304: { description: "The client has them" },
  404: { description: "No such dataset or file of references" },
};

/** References to stored chunks, for fsspec, kerchunk and VirtualiZarr. */
export const references: readonly Route[] = [
  {
    method: "GET",
    path: "/datasets/:id/kerchunk.json",
    summary: "kerchunk references as JSON; links=source leads past this server where the source can be reached",
    query,
    responses,
    role: "read",
    handle: answerJson,
  },
  {
    method: "GET",
    path: "/datasets/:id/kerchunk.parquet/:path{.+}",
    summary: "kerchunk references as a folder of Parquet files, which fsspec reads as it needs them",
    query,
    responses,
    role: "read",
    handle: answerParquet,
  },
];
