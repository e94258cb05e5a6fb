/**
 * Every error that Gyre raises on purpose. A tag says what kind of trouble it is; `HTTP_STATUS` maps tags to
 * statuses, and each protocol renders its own error document from the same tag. Absence is `undefined`, not an error,
 * wherever the caller can sensibly go on.
 */
export type ErrorTag =
  /** There is no such thing (404). */
  | "NotFound"
  /** The request cannot be understood or asks for what is not allowed (400). */
  | "BadRequest"
  /** The thing is real but this software cannot do it: an unknown codec, a grid without a reader (422). */
  | "Unsupported"
  /** A file or remote service is broken, truncated or hostile (502). */
  | "BadSource"
  /** A source could not be reached now; try again later (503, Retry-After). */
  | "Busy"
  /** Two writers met, or the same key came with another body (409). */
  | "Conflict"
  /** It existed and was withdrawn (410). */
  | "Gone"
  /** This principal may not (403). */
  | "Denied"
  /** The answer or the input is beyond the configured size (413). */
  | "TooLarge"
  /** It is not as If-Match says (412). */
  | "PreconditionFailed"
  /** A document that was sent breaks its schema (422, or 400 where the protocol says so). */
  | "Invalid"
  /** This node does not take such writes: it only follows others (405). */
  | "ReadOnly"
  /** The body is of a kind that is not taken here (415). */
  | "MediaType";

/** The one table from kinds of trouble to HTTP statuses. */
export const HTTP_STATUS: Readonly<Record<ErrorTag, number>> = {
  NotFound: 404,
  BadRequest: 400,
  Unsupported: 422,
  BadSource: 502,
  Busy: 503,
  Conflict: 409,
  Gone: 410,
  Denied: 403,
  TooLarge: 413,
  PreconditionFailed: 412,
  Invalid: 422,
  ReadOnly: 405,
  MediaType: 415,
};

/** One fault of a document that was sent. */
export interface Fault {
  /** JSON Pointer (RFC 6901) to the place; empty: the whole document. */
  readonly pointer: string;
  readonly detail: string;
}

/** What an error may carry besides its message; every field is meant to be shown to a person. */
export interface ErrorDetails {
  /** The file or address the trouble lies in. */
  readonly source?: string;
  /** Byte offset in that file. */
  readonly offset?: number;
  /** The codec, parameter or name that was refused. */
  readonly subject?: string;
  /** What would have been accepted. */
  readonly allowed?: readonly string[];
  /** What is wrong with a document, place by place. */
  readonly faults?: readonly Fault[];
  /** Last part of the problem's type: `item-already-exists`. */
  readonly type?: string;
  /** Seconds after which a retry makes sense. */
  readonly retryAfter?: number;
  readonly cause?: unknown;
}

export class GyreError extends Error {
  readonly tag: ErrorTag;
  readonly details: ErrorDetails;

  constructor(tag: ErrorTag, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = `GyreError(${tag})`;
    this.tag = tag;
    this.details = details;
  }
}

/** Narrows to a Gyre error, of one of `tags` when any are given. Survives duplicated copies of this package. */
export function isGyreError(error: unknown, ...tags: readonly ErrorTag[]): error is GyreError {
  if (!(error instanceof Error) || !error.name.startsWith("GyreError(")) return false;
  return tags.length === 0 || tags.includes((error as GyreError).tag);
}

/** A lasting fault of a source, which others can do without. That it cannot be reached now, or has changed, is none. */
export function isSourceFault(error: unknown): error is GyreError {
  return isGyreError(error) && error.tag !== "Busy" && error.tag !== "Conflict";
}

/** The fault of one who did not know the file (a codec, a template), now with the file; other errors as they are. */
export function inSource(error: unknown, url: URL | string, offset?: number): unknown {
  if (!isGyreError(error, "BadSource") || error.details.source !== undefined) return error;
  return badSource(url, offset, error.message, error);
}

/** A broken file: names the file, the offset and the reason, as every parser must. */
export function badSource(url: URL | string, offset: number | undefined, reason: string, cause?: unknown): GyreError {
  const where = offset === undefined ? "" : ` at byte ${offset}`;
  return new GyreError("BadSource", `${String(url)}${where}: ${reason}`, {
    source: String(url),
    ...(offset === undefined ? {} : { offset }),
    ...(cause === undefined ? {} : { cause }),
  });
}
