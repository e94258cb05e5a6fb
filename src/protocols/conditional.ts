import { createHash } from "node:crypto";
import type { RawChunk } from "../core/access.ts";

/** The headers of a request that decide how an entity is answered (RFC 9110, 13 and 14). */
export interface Conditions {
  readonly isHead: boolean;
  readonly ifMatch?: string | undefined;
  readonly ifUnmodifiedSince?: string | undefined;
  readonly ifNoneMatch?: string | undefined;
  readonly ifModifiedSince?: string | undefined;
  readonly ifRange?: string | undefined;
  readonly range?: string | undefined;
}

/** An answer with all of its bytes: what a fast path writes to a socket without making a `Response`. */
export interface Reply {
  readonly status: number;
  readonly headers: Record<string, string>;
  readonly body?: Uint8Array;
  /** The body is a whole chunk, which `Access.kept` finds by this. */
  readonly kept?: RawChunk["kept"];
  /** To be called when the body has been sent, by those who know when that is. */
  release?(): void;
}

export function conditionsOf(request: Request): Conditions {
  const { headers } = request;
  return {
    isHead: request.method === "HEAD",
    ifMatch: headers.get("if-match") ?? undefined,
    ifUnmodifiedSince: headers.get("if-unmodified-since") ?? undefined,
    ifNoneMatch: headers.get("if-none-match") ?? undefined,
    ifModifiedSince: headers.get("if-modified-since") ?? undefined,
    ifRange: headers.get("if-range") ?? undefined,
    range: headers.get("range") ?? undefined,
  };
}

/** A strong entity tag out of a version and a key; characters that a tag may not hold are percent-encoded. */
export function strongTag(version: string, key: string): string {
  return /^[!#-~]*$/.test(key) ? `"${version}/${key}"` : `"${version}/${encodeURIComponent(key)}"`;
}

/** The strong tag of bytes that nothing else tells apart. */
export function contentTag(bytes: Uint8Array): string {
  return `"${createHash("sha256").update(bytes).digest("base64url").slice(0, 22)}"`;
}

/** Whether `If-None-Match` names this tag; weak comparison, as RFC 9110 13.1.2 wants. */
export function isNotModified(ifNoneMatch: string | undefined, tag: string): boolean {
  if (ifNoneMatch === undefined) return false;
  if (ifNoneMatch === tag || ifNoneMatch.trim() === "*") return true;
  for (const [candidate] of ifNoneMatch.matchAll(/"[^"]*"/g)) if (candidate === tag) return true;
  return false;
}

/** Whether the client has the entity, said before it is known that there is one: `*` and dates cannot say it. */
export function isHeld({ ifMatch, ifUnmodifiedSince, ifNoneMatch }: Conditions, tag: string): boolean {
  const comesFirst = ifMatch !== undefined || ifUnmodifiedSince !== undefined;
  return !comesFirst && ifNoneMatch?.trim() !== "*" && isNotModified(ifNoneMatch, tag);
}

/**
 * What the conditions alone answer for an entity with these headers, in the order of RFC 9110, 13.2.2: 412, 304, or
 * undefined. Dates are compared as nginx does: a file that was replaced by an older one is another file.
 */
export function precondition(conditions: Conditions, headers: Record<string, string>): Reply | undefined {
  const { ifMatch, ifUnmodifiedSince, ifNoneMatch, ifModifiedSince } = conditions;
  const { ETag: tag, "Last-Modified": modified } = headers;
  if (ifMatch !== undefined) {
    if (tag !== undefined && !matchesStrongly(ifMatch, tag)) return failed(headers);
  } else if (ifUnmodifiedSince !== undefined && isLater(modified, ifUnmodifiedSince)) {
    return failed(headers);
  }
  if (ifNoneMatch !== undefined) {
    return tag !== undefined && isNotModified(ifNoneMatch, tag) ? notModified(headers) : undefined;
  }
  return ifModifiedSince !== undefined && isSameTime(modified, ifModifiedSince) ? notModified(headers) : undefined;
}

/** Strong comparison, as `If-Match` wants (13.1.1). */
function matchesStrongly(ifMatch: string, tag: string): boolean {
  if (ifMatch.trim() === "*") return true;
  for (const [candidate] of ifMatch.matchAll(/(?:W\/)?"[^"]*"/g)) if (candidate === tag) return true;
  return false;
}

function isLater(modified: string | undefined, date: string): boolean {
  return modified !== undefined && Date.parse(modified) > Date.parse(date);
}

function isSameTime(modified: string | undefined, date: string): boolean {
  return modified !== undefined && Date.parse(modified) === Date.parse(date);
}

function failed({ ETag }: Record<string, string>): Reply {
  return { status: 412, headers: { ...(ETag === undefined ? {} : { ETag }), "Content-Length": "0" } };
}

/** The 304 that stands for an entity which the client has. */
export function notModified(headers: Record<string, string>): Reply {
  const { "Content-Type": _type, ...rest } = headers;
  return { status: 304, headers: rest };
}

/** Answers with an entity as the conditions want it: whole, not modified, one range of it, or its headers alone. */
export function replyWith(conditions: Conditions, headers: Record<string, string>, body: Uint8Array): Reply {
  const decided = precondition(conditions, headers);
  if (decided !== undefined) return decided;
  const size = body.byteLength;
  headers["Accept-Ranges"] = "bytes";
  const isWhole = conditions.isHead || (conditions.ifRange !== undefined && conditions.ifRange !== headers.ETag);
  const range = conditions.range === undefined || isWhole ? undefined : rangeOf(conditions.range, size);
  if (range === "unsatisfiable") {
    return { status: 416, headers: { "Content-Range": `bytes */${size}`, "Content-Length": "0" } };
  }
  let part = body;
  if (range !== undefined) {
    part = body.subarray(range.first, range.last + 1);
    headers["Content-Range"] = `bytes ${range.first}-${range.last}/${size}`;
  }
  headers["Content-Length"] = String(part.byteLength);
  const status = range === undefined ? 200 : 206;
  return conditions.isHead ? { status, headers } : { status, headers, body: part };
}

interface Range {
  readonly first: number;
  readonly last: number;
}

/** One byte range, both ends inclusive. Several ranges, and what is no range, are ignored (RFC 9110, 14.2). */
export function rangeOf(header: string, size: number): Range | "unsatisfiable" | undefined {
  const match = /^\s*bytes\s*=\s*(\d*)\s*-\s*(\d*)\s*$/i.exec(header);
  if (match === null) return undefined;
  const from = match[1] ?? "";
  const to = match[2] ?? "";
  if (from === "") {
    if (to === "") return undefined;
    const suffix = Number(to);
    return suffix === 0 || size === 0 ? "unsatisfiable" : { first: Math.max(0, size - suffix), last: size - 1 };
  }
  const first = Number(from);
  const last = to === "" ? size - 1 : Math.min(Number(to), size - 1);
  if (to !== "" && Number(to) < first) return undefined;
  return first >= size ? "unsatisfiable" : { first, last };
}

export function toResponse({ status, headers, body }: Reply): Response {
  return new Response(body === undefined ? null : (body as Uint8Array<ArrayBuffer>), { status, headers });
}
