import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from "node:http";
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
import { PreparedAnswers } from "./prepared.ts";
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

const WITHOUT_WAITING: Call = { who: ANONYMOUS };

export interface ChunkOptions {
  readonly access: Access;
  readonly onError?: (error: unknown, url: string) => void;
  /** Told of every request when its answer is through. */
  readonly onAnswer?: ((answer: Answer) => void) | undefined;
}

/** One request of a chunk on its way. */
interface Asked {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly url: string;
  readonly id: string;
  readonly key: string;
  readonly found: ChunkRoute;
  readonly started: number;
}

/**
 * The short way of chunks: `GET /datasets/{id}/kerchunk|zarr/{variable}/{chunk}` from the socket to the file and back,
 * without a web-standard request and response in between. Answers exactly what the routes do; whatever is not plainly
 * such a key (documents, escapes, queries, views, other methods) is left to them. A chunk that is in memory is answered
 * at once, without a promise.
 */
export function chunkServer({
  access,
  onError,
  onAnswer,
}: ChunkOptions): (request: IncomingMessage, response: ServerResponse) => boolean {
  const prepared = new PreparedAnswers();

  return (request, response) => {
    const url = request.url ?? "";
    if (request.method !== "GET" || !url.startsWith(PREFIX)) return false;
    const end = url.indexOf("/", PREFIX.length);
    const found = end < 0 ? undefined : ROUTES.find(({ infix }) => url.startsWith(infix, end));
    if (found === undefined || !isPlain(url)) return false;
    const id = url.slice(PREFIX.length, end);
    const key = url.slice(end + found.infix.length);
    if (!isChunkKey(key)) return false;
    const asked: Asked = { request, response, url, id, key, found, started: performance.now() };
    if (!answerKept(asked)) void answer(asked);
    return true;
  };

  /** True where the whole chunk is wanted and all that it takes is in memory. */
  function answerKept(asked: Asked): boolean {
    const { request, response, url, id } = asked;
    const opened = access.current?.(id, WITHOUT_WAITING);
    const known = opened === undefined ? undefined : prepared.find(url, opened);
    if (known === undefined || CONDITIONS.some((name) => request.headers[name] !== undefined)) return false;
    const bytes = access.kept?.(known.kept)?.bytes;
    if (bytes === undefined) return false;
    write(response, 200, known.headers, bytes);
    // Mostly the system takes all of it at once.
    if (response.socket?.writableLength === 0) tell(asked, bytes.byteLength);
    else response.once("close", () => tell(asked, bytes.byteLength));
    return true;
  }

  async function answer(asked: Asked): Promise<void> {
    const { request, response, url, id, key, found } = asked;
    const gone = new AbortController();
    let reply: Reply | undefined;
    response.once("close", () => {
      // What a client did not take may still be on its way somewhere.
      if (response.writableFinished) reply?.release?.();
      else gone.abort();
      tell(asked, reply?.body?.byteLength ?? 0);
    });
    const call = { signal: gone.signal, who: ANONYMOUS };
    const conditions = conditionsOf(request.headers);
    try {
      const [opened, made] = await onceMore(async () => {
        const opened = access.current?.(id, call) ?? (await openDataset(access, id, call));
        return [opened, await found.reply(opened, key, conditions, access, call)] as const;
      });
      reply = made;
      const headers = flat(reply.headers);
      if (reply.kept !== undefined) prepared.add(url, opened, reply.kept, headers);
      write(response, reply.status, headers, reply.body);
    } catch (error) {
      if (gone.signal.aborted) return;
      if (!isGyreError(error) || error.tag === "BadSource") onError?.(error, url);
      const problem = problemOf(error);
      const body = new Uint8Array(await problem.arrayBuffer());
      reply = { status: problem.status, headers: Object.fromEntries(problem.headers), body };
      write(response, reply.status, flat(reply.headers), body);
    }
  }

  function tell({ found, response, started }: Asked, bytes: number): void {
    const { statusCode: status } = response;
    onAnswer?.({ method: "GET", route: found.route, status, ms: performance.now() - started, bytes });
  }
}

function write(
  response: ServerResponse,
  status: number,
  headers: readonly string[],
  body: Uint8Array | undefined,
): void {
  response.writeHead(status, headers as string[]);
  response.end(body);
}

const COMMON = Object.entries(COMMON_HEADERS).flat();

/** Names and values in turn, which cost least to write. */
function flat(headers: Readonly<Record<string, string>>): string[] {
  const all: string[] = [];
  for (const name in headers) all.push(name, headers[name]!);
  all.push(...COMMON);
  return all;
}

const CONDITIONS = ["range", "if-range", "if-match", "if-none-match", "if-modified-since", "if-unmodified-since"];

function conditionsOf(headers: IncomingHttpHeaders): Conditions {
  return {
    isHead: false,
    ifMatch: headers["if-match"],
    ifUnmodifiedSince: headers["if-unmodified-since"],
    ifNoneMatch: headers["if-none-match"],
    ifModifiedSince: headers["if-modified-since"],
    ifRange: headers["if-range"] as string | undefined,
    range: headers.range,
  };
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
