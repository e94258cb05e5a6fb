import type { IoCall } from "../core/array.ts";
import { badSource } from "../errors.ts";
import { outside } from "./by-prefix.ts";
import type { Files, Listed } from "./files.ts";
import { type Exchange, isAbsent, type ObjectRequest, objectReads, refusal } from "./http-object.ts";
import type { Incoming } from "./incoming.ts";
import { byKey, decodeKey, isWithin } from "./keys.ts";
import { createTransport, type TransportOptions } from "./transport.ts";

export interface HttpOptions extends TransportOptions {
  /** Nothing outside these prefixes is asked for, neither directly nor after a redirect. */
  readonly allow: readonly URL[];
  /** Headers for what lies below a prefix, credentials among them; chosen anew for every address, so they go nowhere else. */
  readonly headers?: readonly { readonly prefix: URL; readonly headers: Readonly<Record<string, string>> }[];
  /** Most bytes of one answer. */
  readonly maxBytes?: number;
  readonly redirects?: number;
}

const MAX_INDEX_BYTES = 16 * 1024 * 1024;
const MAX_DEPTH = 64;

/** Files behind `http:` and `https:`, read by ranges; folders where the server writes an index page. */
export function createHttpFiles(options: HttpOptions): Files {
  const exchange = createHttpExchange(options);
  return {
    ...objectReads(exchange, options.maxBytes ?? 1024 ** 3),
    list: (prefix, listing) => listIndex(exchange, prefix, listing?.recursive ?? false, listing),
  };
}

/** Requests that follow redirects, as far as the prefixes allow. */
export function createHttpExchange(options: Omit<HttpOptions, "maxBytes">): Exchange {
  const { allow, headers = [], redirects = 5 } = options;
  const send = createTransport(options);

  return async <T>(
    source: URL,
    request: ObjectRequest,
    receive: (incoming: Incoming) => Promise<T>,
    call?: IoCall,
  ): Promise<T> => {
    let url = source;
    for (let hop = 0; hop <= redirects; hop++) {
      permit(url, allow);
      const configured = headers.filter(({ prefix }) => isWithin(url, prefix)).map((entry) => entry.headers);
      const outgoing = { ...request, url, headers: Object.assign({}, ...configured, request.headers) };
      const answer: { value: T } | { target: URL } = await send(
        source,
        () => outgoing,
        async (incoming) => {
          const target = redirectTarget(incoming, url);
          if (target === undefined) return { value: await receive(incoming) };
          return { target };
        },
        call,
      );
      if ("value" in answer) return answer.value;
      url = answer.target;
    }
    throw badSource(source, undefined, `more than ${redirects} redirects`);
  };
}

function permit(url: URL, allow: readonly URL[]): void {
  if (/^https?:$/.test(url.protocol) && allow.some((prefix) => isWithin(url, prefix))) return;
  throw outside(url, allow.map(String));
}

function redirectTarget(incoming: Incoming, from: URL): URL | undefined {
  const location = incoming.headers.get("location");
  if (location === null || ![301, 302, 303, 307, 308].includes(incoming.status)) return undefined;
  const target = URL.parse(location, from.href);
  if (target === null) throw badSource(from, undefined, "redirects to what is no address");
  return target;
}

/** Reads the index pages that nginx, Apache and most others write: plain links to the entries of the folder. */
async function* listIndex(
  exchange: Exchange,
  folder: URL,
  recursive: boolean,
  call?: IoCall,
  depth = 0,
): AsyncGenerator<Listed> {
  call?.signal?.throwIfAborted();
  const page = await exchange(
    folder,
    { method: "GET" },
    async (incoming) => {
      if (isAbsent(incoming)) return undefined;
      if (incoming.status !== 200) throw refusal(folder, incoming);
      if (/^text\/html\b/i.test(incoming.headers.get("content-type") ?? "")) return incoming.text(MAX_INDEX_BYTES);
      throw badSource(folder, undefined, "the server writes no index page of this folder");
    },
    call,
  );
  if (depth > MAX_DEPTH) throw badSource(folder, undefined, "folders lie too deep");
  for (const url of linksBelow(folder, page ?? "")) {
    if (recursive && url.pathname.endsWith("/")) yield* listIndex(exchange, url, true, call, depth + 1);
    else yield { url };
  }
}

/** Direct children of the folder that the page links to, each once, in order. */
function linksBelow(folder: URL, page: string): URL[] {
  const found = new Map<string, URL>();
  // Nothing in it runs past the next angle bracket, which keeps the search linear on a hostile page.
  for (const [, double, single] of page.matchAll(/<a\b[^<>]*?\bhref\s*=\s*(?:"([^"<>]*)"|'([^'<>]*)')/gi)) {
    const url = URL.parse((double ?? single ?? "").replaceAll("&amp;", "&"), folder.href);
    if (url === null || url.search !== "" || url.hash !== "" || !isWithin(url, folder)) continue;
    const name = url.pathname.slice(folder.pathname.length);
    const isChild = name !== "" && name !== "/" && name.indexOf("/") === (name.endsWith("/") ? name.length - 1 : -1);
    if (isChild && decodeKey(url.pathname) !== undefined) found.set(url.href, url);
  }
  return [...found.values()].sort(byKey);
}
