import { z } from "zod";
import type { IoCall } from "../core/array.ts";
import { badSource, GyreError } from "../errors.ts";
import type { FileInfo, Files, Listed } from "./files.ts";
import { changed, type Exchange, infoOf, isAbsent, type ObjectRequest, objectReads, refusal } from "./http-object.ts";
import type { Incoming } from "./incoming.ts";
import { decodeKey, urlOfKey } from "./keys.ts";
import { authenticate, type KeystoneOptions, type Session } from "./keystone.ts";
import { createTransport, type TransportOptions } from "./transport.ts";

export interface SwiftOptions extends KeystoneOptions, TransportOptions {
  /** Most bytes of one answer. */
  readonly maxBytes?: number;
  /** Entries asked for at once when listing. */
  readonly pageSize?: number;
}

const MAX_PAGE_BYTES = 64 * 1024 * 1024;

const Page = z.array(
  z.union([
    z.object({ subdir: z.string() }),
    z.object({
      name: z.string(),
      bytes: z.int().nonnegative(),
      hash: z.string().optional(),
      last_modified: z.string().optional(),
    }),
  ]),
);

/** Objects of OpenStack Swift (Object Storage API v1) as `swift://container/object`, with a Keystone session. */
export function createSwiftFiles(options: SwiftOptions): Files {
  const { maxBytes = 1024 ** 3, pageSize = 10_000 } = options;
  const send = createTransport(options);
  let session: Promise<Session> | undefined;

  // Without the caller's signal: the session is everybody's.
  function currentSession(): Promise<Session> {
    if (session === undefined) {
      const opening = authenticate(send, options);
      session = opening;
      opening.catch(() => forget(opening));
    }
    return session;
  }

  function forget(old: Promise<Session>): void {
    if (session === old) session = undefined;
  }

  /** A token that has run out is answered with 401: then once more with a new one, unless the body is used up. */
  async function exchangeAt<T>(
    source: URL,
    path: string,
    request: ObjectRequest,
    receive: (incoming: Incoming) => Promise<T>,
    call?: IoCall,
  ): Promise<T> {
    for (let renewed = request.body instanceof ReadableStream; ; renewed = true) {
      const using = currentSession();
      const { token, store } = await using;
      const outgoing = {
        ...request,
        url: new URL(path, store),
        headers: { ...request.headers, "x-auth-token": token },
      };
      const answer: { value: T } | "expired" = await send(
        source,
        () => outgoing,
        async (incoming) => {
          if (incoming.status !== 401) return { value: await receive(incoming) };
          forget(using);
          return "expired";
        },
        call,
      );
      if (answer !== "expired") return answer.value;
      if (renewed) throw badSource(source, undefined, "refused (401)");
    }
  }

  const exchange: Exchange = async (source, request, receive, call) => {
    const { container, object } = addressOf(source);
    // The same requests would list, make or delete a container.
    if (object === "") throw new GyreError("BadRequest", `${source} is a container`, { source: source.href });
    const path = [container, ...object.split("/")].map(encodeURIComponent).join("/");
    return exchangeAt(source, path, request, receive, call);
  };
  const reads = objectReads(exchange, maxBytes);

  async function* list(folder: URL, listing?: IoCall & { readonly recursive?: boolean }): AsyncGenerator<Listed> {
    const { container, object: prefix } = addressOf(folder);
    const query = new URLSearchParams({ format: "json", limit: String(pageSize), prefix });
    if (!listing?.recursive) query.set("delimiter", "/");
    for (;;) {
      const path = `${encodeURIComponent(container)}?${query}`;
      const page = await exchangeAt(
        folder,
        path,
        { method: "GET" },
        (incoming) => receivePage(folder, incoming),
        listing,
      );
      for (const entry of page) {
        const listed = toListed(folder, prefix, entry);
        if (listed !== undefined) yield listed;
      }
      const last = page.at(-1);
      if (last === undefined) return;
      const marker = "subdir" in last ? last.subdir : last.name;
      if (marker === query.get("marker")) throw badSource(folder, undefined, "the listing does not end");
      query.set("marker", marker);
    }
  }

  return {
    ...reads,
    list,

    async write(url, body, write): Promise<FileInfo> {
      write?.signal?.throwIfAborted();
      // Swift knows no If-Match on PUT: two writers that look at the same moment are not told apart.
      if (write?.ifMatch !== undefined && (await reads.head(url, write))?.etag !== write.ifMatch) throw changed(url);
      const headers = {
        ...(write?.ifNoneMatch === undefined ? {} : { "if-none-match": write.ifNoneMatch }),
        ...(write?.contentType === undefined ? {} : { "content-type": write.contentType }),
      };
      const once = write?.ifNoneMatch !== undefined;
      // A stream is sent once only: it must not meet a token that has run out.
      if (body instanceof ReadableStream) await reads.head(url, write);
      const sent = body instanceof Uint8Array ? { size: body.byteLength, body } : counted(body);
      return exchange(
        url,
        { method: "PUT", headers, body: sent.body, once },
        async (incoming) => {
          if (incoming.status !== 201) throw refusal(url, incoming);
          return infoOf(url, incoming, sent.size);
        },
        write,
      );
    },

    delete: (url, call) =>
      exchange(
        url,
        { method: "DELETE" },
        async (incoming) => {
          if (incoming.status >= 300 && !isAbsent(incoming)) throw refusal(url, incoming);
        },
        call,
      ),
  };
}

/** Container and object name of a `swift:` address. */
function addressOf(url: URL): { container: string; object: string } {
  const object = decodeKey(url.pathname);
  if (url.protocol !== "swift:" || url.hostname === "" || object === undefined) {
    throw new GyreError("BadRequest", `${url} is no address of a Swift object`, { source: url.href });
  }
  return { container: decodeURIComponent(url.hostname), object: object.slice(1) };
}

async function receivePage(folder: URL, incoming: Incoming): Promise<z.infer<typeof Page>> {
  if (isAbsent(incoming) || incoming.status === 204) {
    return [];
  }
  if (incoming.status !== 200) throw refusal(folder, incoming);
  try {
    return Page.parse(JSON.parse(await incoming.text(MAX_PAGE_BYTES)));
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof z.ZodError) {
      throw badSource(folder, undefined, "sent no listing", error);
    }
    throw error;
  }
}

function toListed(folder: URL, prefix: string, entry: z.infer<typeof Page>[number]): Listed | undefined {
  const key = "subdir" in entry ? entry.subdir : entry.name;
  // An object whose name ends in a slash is the mark that consoles leave for an empty folder.
  const fits = key.startsWith(prefix) && key !== prefix && key.endsWith("/") === "subdir" in entry;
  const url = fits ? urlOfKey(folder, key.slice(prefix.length)) : undefined;
  if (url === undefined || "subdir" in entry) return url && { url };
  // Swift's listings give UTC without saying so.
  const modified = new Date(`${entry.last_modified?.replace(/Z$/, "")}Z`);
  return {
    url,
    info: {
      size: entry.bytes,
      ...(entry.hash === undefined ? {} : { etag: `"${entry.hash}"` }),
      ...(Number.isNaN(modified.getTime()) ? {} : { modified }),
    },
  };
}

/** The same stream with its size, which is known at its end. */
function counted(stream: ReadableStream<Uint8Array>): {
  readonly size: number;
  readonly body: ReadableStream<Uint8Array>;
} {
  let size = 0;
  const body = stream.pipeThrough(
    new TransformStream<Uint8Array, Uint8Array>({
      transform(part, controller) {
        size += part.byteLength;
        controller.enqueue(part);
      },
    }),
  );
  return {
    body,
    get size() {
      return size;
    },
  };
}
