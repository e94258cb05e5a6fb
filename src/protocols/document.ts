import { type Conditions, conditionsOf, contentTag, type Reply, replyWith, toResponse } from "./conditional.ts";

/** A whole text with a strong entity tag made of it. */
export interface Document {
  readonly body: Uint8Array;
  readonly tag: string;
}

/** Metadata is asked for again after a minute: a source may have grown. */
const CACHING = "public, max-age=60";

export function documentOf(text: string): Document {
  const body = new TextEncoder().encode(text);
  return { body, tag: contentTag(body) };
}

/** Answers with a document, which is text and may be compressed; `headers` say at least its type. */
export function documentReply(
  { body, tag }: Document,
  conditions: Conditions,
  headers: Readonly<Record<string, string>>,
): Reply {
  return replyWith(conditions, { "Cache-Control": CACHING, ETag: tag, Vary: "Accept-Encoding", ...headers }, body);
}

/** Answers with JSON. */
export function jsonResponse(request: Request, value: unknown): Response {
  const document = documentOf(JSON.stringify(value));
  return toResponse(documentReply(document, conditionsOf(request), { "Content-Type": "application/json" }));
}

/** Text is handed on in pieces of about this size. */
const PIECE = 64 * 1024;

/** Answers with JSON that is too large to be gathered, as its parts come; it has no entity tag. */
export function jsonStream(request: Request, parts: AsyncIterable<string>): Response {
  const headers = { "Content-Type": "application/json", "Cache-Control": CACHING };
  if (request.method === "HEAD") return new Response(null, { headers });
  return new Response(ReadableStream.from(encoded(parts)), { headers });
}

async function* encoded(parts: AsyncIterable<string>): AsyncGenerator<Uint8Array> {
  const encoder = new TextEncoder();
  let text = "";
  for await (const part of parts) {
    text += part;
    if (text.length < PIECE) continue;
    yield encoder.encode(text);
    text = "";
  }
  yield encoder.encode(text);
}
