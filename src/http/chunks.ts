import type { IncomingMessage, ServerResponse } from "node:http";
import type { Access } from "../core/access.ts";
import { ANONYMOUS } from "../core/principal.ts";
import { isGyreError } from "../errors.ts";
import type { Reply } from "../protocols/conditional.ts";
import { rawReply } from "../protocols/kerchunk.ts";
import { openDataset } from "../protocols/protocol.ts";
import type { Answer } from "./answer.ts";
import { COMMON_HEADERS } from "./app.ts";
import { onceMore } from "./once-more.ts";
import { problemOf } from "./problem.ts";

const PREFIX = "/datasets/";
const RAW = "/kerchunk/";

export interface ChunkOptions {
  readonly access: Access;
  readonly onError?: (error: unknown, url: string) => void;
  /** Told of every request when its answer is through. */
  readonly onAnswer?: ((answer: Answer) => void) | undefined;
}

const ROUTE = "/datasets/{id}/kerchunk/{key}";

/**
 * The short way of stored chunks: `GET /datasets/{id}/kerchunk/{variable}/{chunk}` from the socket to the file and
 * back, without a web-standard request and response in between. Answers exactly what the route does; whatever is not
 * plainly such a key (documents, escapes, queries, other methods) is left to it.
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
    if (end < 0 || !url.startsWith(RAW, end) || !isPlain(url)) return false;
    const id = url.slice(PREFIX.length, end);
    const key = url.slice(end + RAW.length);
    if (!isChunkKey(key)) return false;
    void answer(id, key, request, response);
    return true;
  };

  async function answer(id: string, key: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const started = performance.now();
    const gone = new AbortController();
    let sent = 0;
    response.once("close", () => {
      if (!response.writableFinished) gone.abort();
      const ms = performance.now() - started;
      onAnswer?.({ method: "GET", route: ROUTE, status: response.statusCode, ms, bytes: sent });
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
      ifNoneMatch: headers["if-none-match"],
      ifRange: headers["if-range"] as string | undefined,
      range: headers.range,
    };
    try {
      const reply = await onceMore(async () => {
        const opened = await openDataset(access, id, call);
        return rawReply(opened, key, conditions, access, call, NO_BASE);
      });
      write(reply);
    } catch (error) {
      if (gone.signal.aborted) return;
      if (!isGyreError(error) || error.tag === "BadSource") onError?.(error, request.url ?? "");
      const problem = problemOf(error);
      const body = new Uint8Array(await problem.arrayBuffer());
      write({ status: problem.status, headers: Object.fromEntries(problem.headers), body });
    }
  }
}

/** Chunks name no address; documents do, and do not come this way. */
const NO_BASE = new URL("http://localhost/");

/** `tas/0.1.2`: the last part has digits and dots only. */
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
