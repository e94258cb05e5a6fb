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
  const type = response.headers.get("content-type") ?? "";
  if (response.status !== 200 || !TEXT.test(type)) return response;
  if (response.headers.has("content-encoding") || response.headers.has("content-range")) return response;
  const headers = new Headers(response.headers);
  headers.append("Vary", "Accept-Encoding");
  if (response.body === null) return new Response(null, { headers });
  const coding = accepted(request);
  const length = Number(headers.get("content-length") ?? Number.NaN);
  // Without a length the body is a stream of unknown size, and is not gathered.
  if (coding === undefined || !(length >= LEAST_BYTES && length <= MOST_BYTES)) {
    return new Response(response.body, { status: response.status, headers });
  }
  const plain = new Uint8Array(await response.arrayBuffer());
  const body = coding === "zstd" ? await zstdded(plain) : await gzipped(plain, { level: 5 });
  headers.set("Content-Encoding", coding);
  headers.set("Content-Length", String(body.byteLength));
  const tag = headers.get("etag");
  if (tag !== null) headers.set("ETag", tag.replace(/"$/, `-${coding}"`));
  return new Response(new Uint8Array(body), { status: 200, headers });
}
