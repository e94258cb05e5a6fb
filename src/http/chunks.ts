import type { IncomingMessage, ServerResponse } from "node:http";
import type { Access, Opened } from "../core/access.ts";
import { ANONYMOUS, type Call } from "../core/principal.ts";
import { isGyreError } from "../errors.ts";
import type { Conditions, Reply } from "../protocols/conditional.ts";
import { rawReply } from "../protocols/kerchunk.ts";
import { openDataset } from "../protocols/protocol.ts";
import { computedReply } from "../protocols/zarr.ts";
import type { Answer } from "./answer.ts";
import { COMMON_HEADERS } from "./app.ts";
import { onceMore } from "./once-more.ts";
import { problemOf } from "./problem.ts";

const PREFIX = "/datasets/";

type Answering = (opened: Opened, key: string, conditions: Conditions, access: Access, call: Call) => Promise<Reply>;

interface ChunkRoute {
  /** Behind the id of a dataset, before the key. */
  readonly infix: string;
  readonly route: string;
  readonly reply: Answering;
}

/** Chunks name no address; documents do, and do not come this way. */
const NO_BASE = new URL("http://localhost/");

const ROUTES: readonly ChunkRoute[] = [
  {
    infix: "/kerchunk/",
    route: "/datasets/{id}/kerchunk/{key}",
    reply: (opened, key, conditions, access, call) => rawReply(opened, key, conditions, access, call, NO_BASE),
  },
  {
    infix: "/zarr/",
    route: "/datasets/{id}/zarr/{key}",
    reply: (opened, key, conditions, access, call) => computedReply(opened, key, undefined, conditions, access, call),
  },
];

export interface ChunkOptions {
  readonly access: Access;
  readonly onError?: (error: unknown, url: string) => void;
  /** Told of every request when its answer is through. */
  readonly onAnswer?: ((answer: Answer) => void) | undefined;
}

/**
 * The short way of chunks: `GET /datasets/{id}/kerchunk|zarr/{variable}/{chunk}` from the socket to the file and back,
 * without a web-standard request and response in between. Answers exactly what the routes do; whatever is not plainly
 * such a key (documents, escapes, queries, views, other methods) is left to them.
 */
export function chunkServer({
  access,
  onError,
  onAnswer,
}: ChunkOptions): (r: IncomingMessage, response: ServerResponse) => boolean {
  return (request, response) => {
    const url = request.url ?? "";
    if (request.method !== "GET" || !url.startsWith(PREFIX)) return false;
    const end = url.indexOf("/", PREFIX.length);
    const found = end < 0 ? undefined : ROUTES.find(({ infix }) => url.startsWith(infix, end));
    if (found === undefined || !isPlain(url)) return false;
    const id = url.slice(PREFIX.length, end);
    const key = url.slice(end + found.infix.length);
    if (!isChunkKey(key)) return false;
    void answer(found, id, key, request, response);
    return true;
  };

  async function answer(
    { route, reply }: ChunkRoute,
    id: string,
    key: string,
    request: IncomingMessage,
    response: ServerResponse,
  ): Promise<void> {
    const started = performance.now();
    const gone = new AbortController();
    let sent = 0;
    response.once("close", () => {
      if (!response.writableFinished) gone.abort();
      const ms = performance.now() - started;
      onAnswer?.({ method: "GET", route, status: response.statusCode, ms, bytes: sent });
    });
    const write = ({ status, headers, body }: Reply): void => {
      sent = body?.byteLength ?? 0;
      response.writeHead(status, { ...headers, ...COMMON_HEADERS });
      response.end(body);
    };
    const call = { signal: gone.signal, who: ANONYMOUS };
    const { headers } = request;
    const conditions = {
      isHead: false,
      ifMatch: headers["if-match"],
      ifUnmodifiedSince: headers["if-unmodified-since"],
      ifNoneMatch: headers["if-none-match"],
      ifModifiedSince: headers["if-modified-since"],
      ifRange: headers["if-range"] as string | undefined,
      range: headers.range,
    };
    try {
      const answered = await onceMore(async () => {
        const opened = await openDataset(access, id, call);
        return reply(opened, key, conditions, access, call);
      });
      write(answered);
    } catch (error) {
      if (gone.signal.aborted) return;
      if (!isGyreError(error) || error.tag === "BadSource") onError?.(error, request.url ?? "");
      const problem = problemOf(error);
      const body = new Uint8Array(await problem.arrayBuffer());
      write({ status: problem.status, headers: Object.fromEntries(problem.headers), body });
    }
  }
}

/** `tas/0.1.2`, `tas/c/0/1`: the last part has digits and dots only. */
function isChunkKey(key: string): boolean {
  for (let i = key.lastIndexOf("/") + 1; i < key.length; i++) {
    const code = key.charCodeAt(i);
    if (code !== 46 && (code < 48 || code > 57)) return false;
  }
  const last = key.charCodeAt(key.length - 1);
  return last >= 48 && last <= 57;
}

function isPlain(url: string): boolean {
  return !/[%?#\\]|\/\.{1,2}(?:\/|$)/.test(url);
}
