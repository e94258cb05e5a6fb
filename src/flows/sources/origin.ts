import type { IoCall } from "../../core/array.ts";
import { badSource, GyreError } from "../../errors.ts";
import type { FileInfo, Files } from "../../files/files.ts";
import { type Exchange, infoOf, isAbsent, refusal } from "../../files/http-object.ts";

/** Which state of a file is copied, and from where on. */
export interface Stretch {
  readonly offset: number;
  readonly info: FileInfo;
}

/**
 * Hands a file on from an offset to its end, once; what breaks throws Busy, and whoever copies goes on from where it is.
 * Throws BadSource when the file is gone, Conflict when it is not in that state any more.
 */
export type Copy = (
  url: URL,
  stretch: Stretch,
  write: (part: Uint8Array) => Promise<void>,
  call: IoCall,
) => Promise<void>;

const BLOCK = 8 * 1024 * 1024;

/** Copies from stores that are read by ranges. */
export function copyByRanges(files: Files): Copy {
  return async (url, { offset, info }, write, call) => {
    const { signal } = call;
    for (let at = offset; at < info.size; at += BLOCK) {
      const length = Math.min(BLOCK, info.size - at);
      const condition = info.etag === undefined ? {} : { ifMatch: info.etag };
      const bytes = await files.read(url, { offset: at, length }, { ...(signal && { signal }), ...condition });
      if (bytes === undefined) throw gone(url);
      if (bytes.byteLength !== length) throw changed(url, "is shorter than it was");
      await write(bytes);
    }
  };
}

/** Copies over HTTP in one request, which takes a server that knows no ranges as well. */
export function copyByHttp(exchange: Exchange): Copy {
  return (url, { offset, info }, write, call) => {
    const range = offset === 0 ? {} : { range: `bytes=${offset}-`, ...ifRange(info) };
    return exchange(
      url,
      { method: "GET", headers: range },
      async (incoming) => {
        if (isAbsent(incoming)) throw gone(url);
        if (incoming.status === 416) throw changed(url, "is shorter than it was");
        if (incoming.status !== 200 && incoming.status !== 206) throw refusal(url, incoming);
        const start = incoming.status === 206 ? startOf(incoming.headers) : 0;
        if (start === undefined || start > offset) throw badSource(url, offset, "sent another part than was asked for");
        const { etag } = infoOf(url, incoming, info.size);
        if (info.etag !== undefined && etag !== undefined && etag !== info.etag) throw changed(url, "has changed");
        if (incoming.status === 200 && incoming.length !== undefined && incoming.length !== info.size) {
          throw changed(url, `has ${incoming.length} bytes now, not ${info.size}`);
        }
        let skip = offset - start;
        for await (const part of incoming.parts()) {
          if (skip < part.byteLength) await write(skip === 0 ? part : part.subarray(skip));
          skip = Math.max(0, skip - part.byteLength);
        }
      },
      call,
    );
  };
}

/** RFC 9110 section 13.1.5: only a strong tag; others are compared with what comes. */
function ifRange({ etag }: FileInfo): { readonly "if-range"?: string } {
  return etag?.startsWith('"') && !etag.startsWith('"t') ? { "if-range": etag } : {};
}

function startOf(headers: Headers): number | undefined {
  const first = /^bytes (\d{1,16})-/i.exec(headers.get("content-range") ?? "")?.[1];
  return first === undefined ? undefined : Number(first);
}

function gone(url: URL): GyreError {
  return badSource(url, undefined, "is not there any more");
}

/** A source that is not what it was when it was looked at; a new try sees its new state. */
export function changed(url: URL, how: string): GyreError {
  return new GyreError("Conflict", `${url} ${how}: it changed while it was fetched`, { source: url.href });
}
