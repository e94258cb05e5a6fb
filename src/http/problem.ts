import { publicText } from "../core/public-source.ts";
import { type GyreError, HTTP_STATUS, isGyreError } from "../errors.ts";

const TITLES: Readonly<Record<number, string>> = {
  400: "Bad request",
  403: "Not allowed",
  404: "Not found",
  405: "Method not allowed",
  409: "Conflict",
  410: "Withdrawn",
  412: "Changed in between",
  413: "Too large",
  414: "Address too long",
  415: "Media type not taken",
  422: "Not supported for this data",
  500: "Internal error",
  502: "The source is broken",
  503: "Not available now",
};

/** An RFC 9457 problem document. `fields` are its extension members. */
export function problem(status: number, detail: string, fields: Readonly<Record<string, unknown>> = {}): Response {
  const body = { type: "about:blank", title: TITLES[status] ?? "Error", status, detail, ...fields };
  const retryAfter = fields.retryAfter;
  return new Response(JSON.stringify(body), {
    status,
    headers: {
      "Content-Type": "application/problem+json",
      "Cache-Control": "no-store",
      ...(typeof retryAfter === "number" ? { "Retry-After": String(retryAfter) } : {}),
    },
  });
}

/** The HTTP status of a Gyre error. */
export function statusOf(error: GyreError): number {
  return HTTP_STATUS[error.tag];
}

/** The answer to a thrown error. What is not a Gyre error is our fault, and says no more than that. */
export function problemOf(error: unknown): Response {
  if (!isGyreError(error)) return problem(500, "This node failed to answer; the fault is logged.");
  const { subject, allowed, offset, faults, type, retryAfter } = error.details;
  const fields: Record<string, unknown> = {};
  if (subject !== undefined) fields.subject = publicText(subject);
  if (allowed !== undefined) fields.allowed = allowed.map((one) => publicText(one));
  if (offset !== undefined) fields.offset = offset;
  if (faults !== undefined) fields.errors = faults;
  if (error.tag === "Invalid") fields.title = "Not valid";
  if (type !== undefined) fields.type = `/publication/errors/${type}`;
  if (retryAfter !== undefined || error.tag === "Busy") fields.retryAfter = retryAfter ?? 10;
  return problem(statusOf(error), publicText(error.message), fields);
}
