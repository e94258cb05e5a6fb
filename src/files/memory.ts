import { GyreError } from "../errors.ts";
import type { FileInfo, Files, Listed, WriteOptions } from "./files.ts";
import { byKey } from "./keys.ts";
import { sliceRange } from "./range.ts";

/** Files in a Map, under any scheme: for tests, and for what never needs a disk. */
export function createMemoryFiles(initial: Iterable<readonly [string, Uint8Array]> = []): Files {
  interface Entry {
    readonly bytes: Uint8Array;
    readonly info: FileInfo;
  }
  const entries = new Map<string, Entry>();
  let generation = 0;
  const put = (href: string, bytes: Uint8Array): FileInfo => {
    const info = { size: bytes.byteLength, etag: `"m${++generation}"`, modified: new Date() };
    entries.set(href, { bytes, info });
    return info;
  };
  const checkConditions = (url: URL, { ifMatch, ifNoneMatch }: WriteOptions = {}): void => {
    const old = entries.get(url.href);
    if ((ifNoneMatch === "*" && old !== undefined) || (ifMatch !== undefined && ifMatch !== old?.info.etag)) {
      throw new GyreError("Conflict", `${url} is there already or has changed`, { source: url.href });
    }
  };
  for (const [href, bytes] of initial) put(new URL(href).href, bytes);

  return {
    async read(url, range, options) {
      options?.signal?.throwIfAborted();
      const entry = entries.get(url.href);
      if (entry === undefined) return undefined;
      if (options?.ifMatch !== undefined && options.ifMatch !== entry.info.etag) {
        throw new GyreError("Conflict", `${url} has changed`, { source: url.href });
      }
      return sliceRange(entry.bytes, range);
    },
    async head(url, call) {
      call?.signal?.throwIfAborted();
      return entries.get(url.href)?.info;
    },
    async *list(prefix, options) {
      options?.signal?.throwIfAborted();
      const seen = new Set<string>();
      const found: Listed[] = [];
      for (const [href, { info }] of entries) {
        if (!href.startsWith(prefix.href)) continue;
        const rest = href.slice(prefix.href.length);
        const cut = options?.recursive ? -1 : rest.indexOf("/");
        if (cut < 0) {
          found.push({ url: new URL(href), info });
        } else if (!seen.has(rest.slice(0, cut))) {
          seen.add(rest.slice(0, cut));
          found.push({ url: new URL(prefix.href + rest.slice(0, cut + 1)) });
        }
      }
      yield* found.sort((a, b) => byKey(a.url, b.url));
    },
    async write(url, body, options) {
      options?.signal?.throwIfAborted();
      checkConditions(url, options);
      const bytes = body instanceof Uint8Array ? body.slice() : await collect(body, options?.signal);
      checkConditions(url, options);
      return put(url.href, bytes);
    },
    async delete(url, call) {
      call?.signal?.throwIfAborted();
      entries.delete(url.href);
    },
  };
}

async function collect(stream: ReadableStream<Uint8Array>, signal?: AbortSignal): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  await stream.pipeTo(new WritableStream({ write: (part) => void parts.push(part) }), { signal });
  return new Uint8Array(Buffer.concat(parts));
}
