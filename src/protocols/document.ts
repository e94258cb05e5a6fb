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
