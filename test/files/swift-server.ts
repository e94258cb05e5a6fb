import { createHash } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** A small OpenStack: Keystone's Identity API v3 and Swift's Object Storage API v1, as their references describe them. */
export interface SwiftServer {
  readonly authUrl: URL;
  /** Tokens given out so far. */
  readonly tokens: string[];
  readonly requests: { readonly method: string; readonly path: string }[];
  /** Makes every token given out so far run out. */
  expire(): void;
  close(): Promise<void>;
}

interface Stored {
  readonly bytes: Buffer;
  readonly modified: Date;
}

interface AuthBody {
  readonly auth: {
    readonly identity: {
      readonly methods: readonly string[];
      readonly password?: {
        readonly user: { readonly name: string; readonly password: string; readonly domain: object };
      };
      readonly token?: { readonly id: string };
    };
    readonly scope?: { readonly project: { readonly name: string } };
  };
}

export const SWIFT_USER = { user: "reader", password: "correct horse" } as const;
export const SWIFT_TOKEN = "a-token-from-elsewhere";

export async function startSwiftServer(): Promise<SwiftServer> {
  const objects = new Map<string, Stored>();
  const valid = new Set<string>();
  const self = { tokens: [] as string[], requests: [] as { method: string; path: string }[] };

  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    try {
      for await (const chunk of request) chunks.push(chunk as Buffer);
    } catch {
      return; // The client broke off: nothing is stored.
    }
    const url = new URL(request.url ?? "/", base);
    self.requests.push({ method: request.method ?? "", path: url.pathname });
    const body = Buffer.concat(chunks);
    if (url.pathname === "/v3/auth/tokens") authenticate(response, JSON.parse(body.toString()) as AuthBody);
    else if (!valid.has(String(request.headers["x-auth-token"]))) response.writeHead(401).end();
    else store(request, response, url, body);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

  function authenticate(response: ServerResponse, { auth: { identity, scope } }: AuthBody): void {
    const user = identity.password?.user;
    const known =
      identity.methods[0] === "password"
        ? user?.name === SWIFT_USER.user && user.password === SWIFT_USER.password
        : identity.token?.id === SWIFT_TOKEN;
    if (!known || scope?.project.name !== "climate") return void response.writeHead(401).end();
    const token = `token-${self.tokens.length + 1}`;
    self.tokens.push(token);
    valid.add(token);
    const endpoint = (region: string, kind: string, url: string) => ({
      region_id: region,
      region,
      interface: kind,
      url,
    });
    const catalog = [
      { type: "identity", name: "keystone", endpoints: [endpoint("north", "public", `${base}/v3`)] },
      {
        type: "object-store",
        name: "swift",
        endpoints: [
          endpoint("south", "public", `${base}/v1/AUTH_of_another_region`),
          endpoint("north", "admin", `${base}/v1/admin`),
          endpoint("north", "public", `${base}/v1/AUTH_climate`),
        ],
      },
    ];
    response.writeHead(201, { "x-subject-token": token, "content-type": "application/json" });
    response.end(JSON.stringify({ token: { methods: identity.methods, expires_at: "2099-01-01T00:00:00Z", catalog } }));
  }

  function store(request: IncomingMessage, response: ServerResponse, url: URL, body: Buffer): void {
    const [, account, container, ...rest] = /^\/v1\/([^/]+)\/([^/]+)(?:\/(.*))?$/.exec(url.pathname) ?? [];
    if (account !== "AUTH_climate" || container !== "data") return void response.writeHead(404).end();
    if (rest[0] === undefined || rest[0] === "") return void list(response, url.searchParams);
    const key = decodeURIComponent(rest[0]);
    const found = objects.get(key);
    if (request.method === "PUT") {
      if (request.headers["if-none-match"] === "*" && found !== undefined) return void response.writeHead(412).end();
      objects.set(key, { bytes: body, modified: new Date() });
      return void response.writeHead(201, { etag: digest(body), "last-modified": new Date().toUTCString() }).end();
    }
    if (found === undefined) return void response.writeHead(404).end();
    if (request.method === "DELETE") {
      objects.delete(key);
      return void response.writeHead(204).end();
    }
    read(request, response, found);
  }

  function list(response: ServerResponse, query: URLSearchParams): void {
    const prefix = query.get("prefix") ?? "";
    const names = new Set<string>();
    for (const key of objects.keys()) {
      if (!key.startsWith(prefix)) continue;
      const cut = query.get("delimiter") === "/" ? key.indexOf("/", prefix.length) : -1;
      names.add(cut < 0 ? key : key.slice(0, cut + 1));
    }
    const marker = Buffer.from(query.get("marker") ?? "");
    const page = [...names]
      .filter((name) => Buffer.compare(Buffer.from(name), marker) > 0)
      .sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
      .slice(0, Number(query.get("limit") ?? 10_000));
    const entries = page.map((name) => {
      const stored = objects.get(name);
      if (stored === undefined) return { subdir: name };
      const last_modified = stored.modified.toISOString().replace("Z", "000");
      return { name, bytes: stored.bytes.byteLength, hash: digest(stored.bytes), last_modified };
    });
    response.writeHead(200, { "content-type": "application/json; charset=utf-8" }).end(JSON.stringify(entries));
  }

  return {
    ...self,
    authUrl: new URL(`${base}/v3`),
    expire: () => valid.clear(),
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

/** Swift writes digests without quotes, and compares If-Match without them too. */
function digest(bytes: Buffer): string {
  return createHash("md5").update(bytes).digest("hex");
}

function read(request: IncomingMessage, response: ServerResponse, { bytes, modified }: Stored): void {
  response.setHeader("etag", digest(bytes));
  response.setHeader("last-modified", modified.toUTCString());
  const ifMatch = request.headers["if-match"]?.replaceAll('"', "");
  if (ifMatch !== undefined && ifMatch !== digest(bytes)) return void response.writeHead(412).end();
  const isHead = request.method === "HEAD";
  const wanted = /^bytes=(\d*)-(\d*)$/.exec(request.headers.range ?? "");
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
  response.end(bytes.subarray(start, end));
}
