import type { Stored } from "../../catalog/catalog.ts";
import { GyreError } from "../../errors.ts";
import type { RouteCall } from "../protocol.ts";
import type { StacOptions } from "./context.ts";

const TAGS = /^(?:W\/)?"[^"]*"(?:\s*,\s*(?:W\/)?"[^"]*")*$/;

/**
 * The event that must be the last one of the document when a change is done, by `If-Match` or `If-Unmodified-Since` (RFC
 * 9110, 13.1); undefined: any. The door compares once more, so that nothing comes in between.
 */
export async function expectedEvent(
  { request: { headers }, params, call }: RouteCall,
  { catalog }: StacOptions,
): Promise<string | undefined> {
  const { collection = "", item } = params;
  const stored = (): Promise<Stored<unknown> | undefined> => {
    return item === undefined ? catalog.collection(collection, call) : catalog.item(collection, item, call);
  };
  const match = headers.get("if-match")?.trim();
  if (match !== undefined) return match === "*" ? undefined : amongTags(match, stored);
  const since = Date.parse(headers.get("if-unmodified-since") ?? "");
  if (Number.isNaN(since)) return undefined;
  const current = await stored();
  // HTTP tells times to the second.
  if (current !== undefined && Math.floor(current.updated.getTime() / 1000) * 1000 > since) {
    throw failed(`it was changed on ${current.updated.toUTCString()}`);
  }
  return current?.etag;
}

/** The door compares with one: that of several which is there. A weak one is like no other (RFC 9110, 8.8.3.2). */
async function amongTags(header: string, stored: () => Promise<Stored<unknown> | undefined>): Promise<string> {
  if (!TAGS.test(header)) {
    throw new GyreError("BadRequest", "If-Match is * or entity tags in quotes", { subject: "If-Match" });
  }
  const strong = [...header.matchAll(/(W\/)?"([^"]*)"/g)].flatMap(([, weak, tag = ""]) => (weak ? [] : [tag]));
  const [first, ...others] = strong;
  if (first === undefined) throw failed("If-Match compares strong entity tags, and W/ is a weak one");
  if (others.length === 0) return first;
  const etag = (await stored())?.etag;
  return strong.find((tag) => tag === etag) ?? first;
}

function failed(message: string): GyreError {
  return new GyreError("PreconditionFailed", message, { type: "precondition-failed" });
}
