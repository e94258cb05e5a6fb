import { createHash } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** What a server may get wrong, or do otherwise. */
export interface Habits {
  /** Answers 200 with everything. */
  readonly ignoresRange?: boolean;
  /** Without entity tags, or with weak ones. */
  readonly etags?: "none" | "weak";
  /** Does not look at If-Match. */
  readonly ignoresConditions?: boolean;
  /** HEAD is not allowed. */
  readonly refusesHead?: boolean;
  /** Answers before the files do; true: it has answered. */
  readonly intercept?: (request: IncomingMessage, response: ServerResponse) => boolean;
}

export interface StaticServer {
  readonly url: URL;
  readonly files: Map<string, Uint8Array>;
  /** Method, path and headers of every request. */
  readonly requests: { readonly method: string; readonly path: string; readonly headers: IncomingMessage["headers"] }[];
  habits: Habits;
  close(): Promise<void>;
}

/** An HTTP server over files in memory, with ranges, conditions and index pages. */
export async function startStaticServer(habits: Habits = {}): Promise<StaticServer> {
  // An idle connection that a busy machine's client takes up again must still be there.
  const server = createServer({ keepAliveTimeout: 600_000 }, (request, response) => {
    const { method = "GET", url: path = "/", headers } = request;
    self.requests.push({ method, path, headers });
    if (!self.habits.intercept?.(request, response)) answer(request, response, self.files, self.habits);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const self: StaticServer = {
    url: new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`),
    files: new Map(),
    requests: [],
    habits,
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
  return self;
}

function answer(
  request: IncomingMessage,
  response: ServerResponse,
  files: ReadonlyMap<string, Uint8Array>,
  habits: Habits,
): void {
  const path = decodeURIComponent(request.url ?? "/");
  const isHead = request.method === "HEAD";
  if (isHead && habits.refusesHead) return void response.writeHead(405).end();
  if (path.endsWith("/")) return void response.writeHead(200, { "content-type": "text/html" }).end(index(path, files));
  const bytes = files.get(path.slice(1));
  if (bytes === undefined) return void response.writeHead(404).end("not here");
  const etag = `${habits.etags === "weak" ? "W/" : ""}"${createHash("md5").update(bytes).digest("hex")}"`;
  if (habits.etags !== "none") response.setHeader("etag", etag);
  response.setHeader("last-modified", new Date(1e12 + bytes.byteLength * 1000).toUTCString());
  const { range, "if-match": ifMatch } = request.headers;
  // RFC 9110 section 13.1.1: by strong comparison, which a weak tag never passes.
  const matches = ifMatch === undefined || (ifMatch === etag && habits.etags === undefined);
  if (!habits.ignoresConditions && !matches) return void response.writeHead(412).end();
  const wanted = /^bytes=(\d*)-(\d*)$/.exec(habits.ignoresRange ? "" : (range ?? ""));
  if (wanted === null) {
    response.writeHead(200, { "content-length": bytes.byteLength });
    return void response.end(isHead ? undefined : bytes);
  }
  const [, first, last] = wanted;
  const start = first ? Number(first) : Math.max(0, bytes.byteLength - Number(last));
  const end = first && last ? Math.min(bytes.byteLength, Number(last) + 1) : bytes.byteLength;
  if (start >= end) return void response.writeHead(416, { "content-range": `bytes */${bytes.byteLength}` }).end();
  response.writeHead(206, {
    "content-range": `bytes ${start}-${end - 1}/${bytes.byteLength}`,
    "content-length": end - start,
  });
  response.end(isHead ? undefined : bytes.subarray(start, end));
}

/** A page as nginx writes it, which escapes little. */
function index(path: string, files: ReadonlyMap<string, Uint8Array>): string {
  const names = new Set<string>();
  for (const key of files.keys()) {
    if (!`/${key}`.startsWith(path)) continue;
    const rest = key.slice(path.length - 1);
    names.add(rest.includes("/") ? rest.slice(0, rest.indexOf("/") + 1) : rest);
  }
  const links = [...names].map((name) => {
    const href = encodeURIComponent(name).replaceAll("%2F", "/").replaceAll("%26", "&amp;");
    return `<a href="${href}">${name.slice(0, 50)}</a> 01-Jan-2000 00:00 7`;
  });
  return `<html><body><h1>Index of ${path}</h1><pre><a href="../">../</a>\n${links.join("\n")}</pre></body></html>`;
}
