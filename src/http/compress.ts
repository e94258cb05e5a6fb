import { promisify } from "node:util";
import { gzip, zstdCompress } from "node:zlib";

const gzipped = promisify(gzip);
const zstdded = promisify(zstdCompress);

const TEXT = /^(?:text\/|application\/(?:[\w.+-]+\+)?(?:json|xml|yaml)|image\/svg\+xml)/;
const LEAST_BYTES = 1024;
/** Larger bodies are streams in all but name: they go out as they are. */
const MOST_BYTES = 16 * 1024 * 1024;

type Coding = "zstd" | "gzip";

function accepted(request: Request): Coding | undefined {
  const header = request.headers.get("accept-encoding")?.toLowerCase() ?? "";
  const takes = (coding: string): boolean =>
    new RegExp(`(?:^|[,\\s])${coding}(?!\\s*;\\s*q=0(?:\\.0*)?(?:[,\\s]|$))`).test(header);
  return takes("zstd") ? "zstd" : takes("gzip") ? "gzip" : undefined;
}

/** Entity tags that went out for a compressed form stand for the plain one again (RFC 9110, 8.8.3.3). */
export function plainTags(header: string): string {
  return header.replace(/-(?:gzip|zstd)"/g, '"');
}

/**
 * Compresses texts where the client takes it and it helps; chunks and images are compressed already. The entity tag
 * gets the coding as a suffix, since a strong tag names bytes.
 */
export async function compressed(request: Request, response: Response): Promise<Response> {
  if (response.status === 304) return revalidated(request, response);
  const type = response.headers.get("content-type") ?? "";
  if (response.status !== 200 || !TEXT.test(type)) return response;
  if (response.headers.has("content-encoding") || response.headers.has("content-range")) return response;
  const { headers } = response;
  varying(headers);
  const coding = accepted(request);
  const length = Number(headers.get("content-length") ?? Number.NaN);
  // Without a length the body is a stream of unknown size, and is not gathered.
  if (coding === undefined || !(length >= LEAST_BYTES && length <= MOST_BYTES)) return response;
  const tag = headers.get("etag");
  if (tag !== null) headers.set("ETag", codedTag(tag, coding));
  headers.set("Content-Encoding", coding);
  if (response.body === null) {
    // HEAD says what GET would; how long the compressed text is, only compressing it would tell.
    headers.delete("Content-Length");
    return new Response(null, { headers });
  }
  const plain = new Uint8Array(await response.arrayBuffer());
  const body = coding === "zstd" ? await zstdded(plain) : await gzipped(plain, { level: 3 });
  headers.set("Content-Length", String(body.byteLength));
  return new Response(new Uint8Array(body), { status: 200, headers });
}

/** A 304 names the form that the client has, or its cache would not know which one still holds (RFC 9111, 4.3.4). */
function revalidated(request: Request, response: Response): Response {
  const tag = response.headers.get("etag");
  const held = request.headers.get("if-none-match") ?? "";
  const wanted = accepted(request);
  const codings = [...(wanted === undefined ? [] : [wanted]), "zstd", "gzip"] as const;
  const coding = tag === null ? undefined : codings.find((name) => held.includes(codedTag(tag, name)));
  if (tag === null || coding === undefined) return response;
  const headers = new Headers(response.headers);
  headers.set("ETag", codedTag(tag, coding));
  varying(headers);
  return new Response(null, { status: 304, headers });
}

function codedTag(tag: string, coding: Coding): string {
  return tag.replace(/"$/, `-${coding}"`);
}

function varying(headers: Headers): void {
  if (!/\baccept-encoding\b/i.test(headers.get("vary") ?? "")) headers.append("Vary", "Accept-Encoding");
}
