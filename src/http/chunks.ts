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
import { problemOf } from "./problem.ts";

const PREFIX = "/datasets/";

type Answering = (opened: Opened, key: string, conditions: Conditions, access: Access, call: Call) => Promise<Reply>;

/** The answer to a chunk's key with the headers as they are written; its bytes are found by `kept`. */
interface Prepared {
  readonly kept: string;
  readonly headers: readonly string[];
}

interface ChunkRoute {
  /** Behind the id of a dataset, before the key. */
  readonly infix: string;
  readonly route: string;
  readonly reply: Answering;
  /** By key, for as long as the dataset is known to be what it is. */
  readonly prepared: WeakMap<Opened, Map<string, Prepared>>;
}

/** Chunks name no address; documents do, and do not come this way. */
const NO_BASE = new URL("http://localhost/");

/** Of one dataset. */
const MOST_PREPARED = 16_384;

const NOBODY_LEAVES: Call = { who: ANONYMOUS };

export interface ChunkOptions {
  readonly access: Access;
  readonly onError?: (error: unknown, url: string) => void;
  /** Told of every request when its answer is through. */
  readonly onAnswer?: ((answer: Answer) => void) | undefined;
}

/**
 * The short way of chunks: `GET /datasets/{id}/kerchunk|zarr/{variable}/{chunk}` from the socket to the file and back,
 * without a web-standard request and response in between. Answers exactly what the routes do; whatever is not plainly
 * such a key (documents, escapes, queries, views, other methods) is left to them. What is in memory is answered at once,
 * without a promise.
 */
export function chunkServer({
  access,
  onError,
  onAnswer,
}: ChunkOptions): (request: IncomingMessage, response: ServerResponse) => boolean {
  const routes: readonly ChunkRoute[] = [
    {
      infix: "/kerchunk/",
      route: "/datasets/{id}/kerchunk/{key}",
      reply: (opened, key, conditions, access, call) => rawReply(opened, key, conditions, access, call, NO_BASE),
      prepared: new WeakMap(),
    },
    {
      infix: "/zarr/",
      route: "/datasets/{id}/zarr/{key}",
      reply: (opened, key, conditions, access, call) => computedReply(opened, key, undefined, conditions, access, call),
      prepared: new WeakMap(),
    },
  ];

  return (request, response) => {
    const url = request.url ?? "";
    if (request.method !== "GET" || !url.startsWith(PREFIX)) return false;
    const end = url.indexOf("/", PREFIX.length);
    const route = end < 0 ? undefined : routes.find(({ infix }) => url.startsWith(infix, end));
    if (route === undefined || !isPlain(url)) return false;
    const id = url.slice(PREFIX.length, end);
    const key = url.slice(end + route.infix.length);
    if (!isChunkKey(key)) return false;
    const opened = access.current?.(id, NOBODY_LEAVES);
    const started = performance.now();
    if (opened !== undefined && answerKept(route, opened, key, request, response, started)) return true;
    void answer(route, id, opened, key, request, response, started);
    return true;
  };

  /** True where the whole chunk is wanted, is in memory, and its headers are known. */
  function answerKept(
    { route, prepared }: ChunkRoute,
    opened: Opened,
    key: string,
    request: IncomingMessage,
    response: ServerResponse,
    started: number,
  ): boolean {
    const known = prepared.get(opened)?.get(key);
    if (known === undefined || isConditional(request.headers)) return false;
    const bytes = access.kept?.(known.kept)?.bytes;
    if (bytes === undefined) return false;
    response.writeHead(200, known.headers as string[]);
    response.end(bytes);
    const tell = (): void => told(route, 200, bytes.byteLength, started);
    // Mostly the system takes all of it at once.
    if (response.socket?.writableLength === 0) tell();
    else response.once("close", tell);
    return true;
  }

  async function answer(
    { route, reply, prepared }: ChunkRoute,
    id: string,
    current: Opened | undefined,
    key: string,
    request: IncomingMessage,
    response: ServerResponse,
    started: number,
  ): Promise<void> {
    const gone = new AbortController();
    let sent: Reply | undefined;
    response.once("close", () => {
      if (response.writableFinished) sent?.release?.();
      else gone.abort();
      told(route, response.statusCode, sent?.body?.byteLength ?? 0, started);
    });
    const write = (headers: readonly string[], answered: Reply): void => {
      sent = answered;
      response.writeHead(answered.status, headers as string[]);
      response.end(answered.body);
    };
    const call = { signal: gone.signal, who: ANONYMOUS };
    const conditions = conditionsOf(request.headers);
    let opened = current;
    try {
      const answered = await onceMore(async () => {
        opened = access.current?.(id, call) ?? (await openDataset(access, id, call));
        return reply(opened, key, conditions, access, call);
      });
      const headers = flat(answered.headers);
      if (answered.kept !== undefined && opened !== undefined) {
        let known = prepared.get(opened);
        if (known === undefined || known.size >= MOST_PREPARED) prepared.set(opened, (known = new Map()));
        known.set(key, { kept: answered.kept, headers });
      }
      write(headers, answered);
    } catch (error) {
      if (gone.signal.aborted) return;
      if (!isGyreError(error) || error.tag === "BadSource") onError?.(error, request.url ?? "");
      const problem = problemOf(error);
      const body = new Uint8Array(await problem.arrayBuffer());
      const headers = Object.fromEntries(problem.headers);
      write(flat(headers), { status: problem.status, headers, body });
    }
  }

  function told(route: string, status: number, bytes: number, started: number): void {
    onAnswer?.({ method: "GET", route, status, ms: performance.now() - started, bytes });
  }
}

const COMMON = Object.entries(COMMON_HEADERS).flat();

/** Names and values in turn, which cost least to write. */
function flat(headers: Readonly<Record<string, string>>): string[] {
  return [...Object.entries(headers).flat(), ...COMMON];
}

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

function isConditional(headers: IncomingHttpHeaders): boolean {
  const { isHead: _, ...conditions } = conditionsOf(headers);
  return Object.values(conditions).some((value) => value !== undefined);
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
