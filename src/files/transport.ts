import { setTimeout as sleep } from "node:timers/promises";
import type { IoCall } from "../core/array.ts";
import { badSource, GyreError } from "../errors.ts";
import { Incoming } from "./incoming.ts";

/** Time and chance as retries see them; a test brings its own, so that it never sleeps. */
export interface Clock {
  /** Milliseconds since 1970. */
  now(): number;
  /** Rejects with the reason of `signal` when that aborts. */
  wait(ms: number, signal?: AbortSignal): Promise<void>;
  /** In [0, 1). */
  random(): number;
}

export interface TransportOptions {
  /** Attempts after the first. */
  readonly retries?: number;
  /** Longest silence of the other side; nor does a request begin anew once this time has gone by. */
  readonly timeoutMs?: number;
  /** Requests under way at once. */
  readonly connections?: number;
  readonly clock?: Clock;
}

/** A request as it goes out; made anew for each attempt, because signatures and tokens age. */
export interface Outgoing {
  readonly method: "GET" | "HEAD" | "PUT" | "POST" | "DELETE";
  readonly url: URL;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array | ReadableStream<Uint8Array> | string;
  /** May have taken effect although no answer came: repeated only when the server said that it did nothing. */
  readonly once?: boolean;
}

/**
 * Sends a request until it is answered by something else than "try again", and reads the answer with `receive`;
 * a connection that breaks while it reads counts as a failed attempt. What `receive` leaves of the body is dropped.
 * `source` is what errors name.
 */
export type Transport = <T>(
  source: URL,
  prepare: () => Outgoing | Promise<Outgoing>,
  receive: (incoming: Incoming) => Promise<T>,
  call?: IoCall,
) => Promise<T>;

export const SYSTEM_CLOCK: Clock = {
  now: () => Date.now(),
  async wait(ms, signal) {
    try {
      await sleep(ms, undefined, { signal });
    } catch (error) {
      throw signal?.aborted ? signal.reason : error;
    }
  },
  random: () => Math.random(),
};

const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 30_000;
/** Uploads slower than this, in bytes per millisecond, count as silence. */
const SLOWEST_UPLOAD = 16;
/** Failures that another attempt does not mend: no such host, bad certificates, answers that are not HTTP. */
const LASTING = /^(ENOTFOUND|CERT_|ERR_TLS|ERR_SSL|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO|HPE_|ERR_INVALID)/;

/** A failed attempt. */
class Setback extends Error {
  /** The server answered, and so did not do what it was asked. */
  readonly answered: boolean;
  readonly lasting: boolean;
  readonly retryAfterMs: number | undefined;

  constructor(
    message: string,
    {
      answered = false,
      lasting = false,
      retryAfterMs,
      cause,
    }: { answered?: boolean; lasting?: boolean; retryAfterMs?: number | undefined; cause?: unknown } = {},
  ) {
    super(message, { cause });
    this.answered = answered;
    this.lasting = lasting;
    this.retryAfterMs = retryAfterMs;
  }
}

/** HTTP with retries (exponential backoff with full jitter, Retry-After), timeouts and a limit on connections. */
export function createTransport(options: TransportOptions = {}): Transport {
  const { retries = 4, timeoutMs = 30_000, connections = 64, clock = SYSTEM_CLOCK } = options;
  const waiting: (() => void)[] = [];
  let busy = 0;

  async function connected<T>(work: () => Promise<T>): Promise<T> {
    if (busy >= connections) await new Promise<void>((resolve) => waiting.push(resolve));
    else busy++;
    try {
      return await work();
    } finally {
      const next = waiting.shift();
      if (next === undefined) busy--;
      else next();
    }
  }

  async function attempt<T>(request: Outgoing, receive: (incoming: Incoming) => Promise<T>, call?: IoCall): Promise<T> {
    const watch = new AbortController();
    const uploading = request.body instanceof Uint8Array ? request.body.byteLength / SLOWEST_UPLOAD : 0;
    let lastSign = clock.now();
    const alive = (): void => {
      lastSign = clock.now();
    };
    const body = request.body instanceof ReadableStream ? watched(request.body, alive) : request.body;
    const silence = (async () => {
      let left = timeoutMs + uploading;
      while (left > 0) {
        await clock.wait(left, watch.signal);
        left = lastSign + timeoutMs - clock.now();
      }
      const timeout = new Setback(`no answer for ${timeoutMs} ms`);
      watch.abort(timeout);
      throw timeout;
    })();
    const signals = call?.signal === undefined ? [watch.signal] : [watch.signal, call.signal];
    try {
      const exchange = async (): Promise<T> => {
        const response = await fetch(request.url, {
          method: request.method,
          headers: { "accept-encoding": "identity", ...request.headers },
          ...(body === undefined ? {} : { body: body as RequestInit["body"], duplex: "half" }),
          redirect: "manual",
          signal: AbortSignal.any(signals),
        });
        alive();
        const incoming = new Incoming(response, alive);
        try {
          if (!isTemporary(incoming.status)) return await receive(incoming);
          const retryAfterMs = parseRetryAfter(incoming.headers.get("retry-after"), clock.now());
          throw new Setback(`answered ${incoming.status}`, { answered: true, retryAfterMs });
        } finally {
          await incoming.drop();
        }
      };
      return await Promise.race([exchange(), silence]);
    } finally {
      watch.abort();
    }
  }

  return async (source, prepare, receive, call) => {
    const started = clock.now();
    for (let failures = 0; ; failures++) {
      call?.signal?.throwIfAborted();
      const request = await prepare();
      try {
        return await connected(() => attempt(request, receive, call));
      } catch (error) {
        call?.signal?.throwIfAborted();
        const setback = asSetback(error);
        if (setback === undefined) throw error;
        if (setback.lasting) throw badSource(source, undefined, setback.message, setback);
        const backoff = clock.random() * Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** failures);
        const pause = Math.max(backoff, setback.retryAfterMs ?? 0);
        const repeatable = !(request.body instanceof ReadableStream) && (setback.answered || request.once !== true);
        const isOver = failures >= retries || clock.now() - started >= timeoutMs;
        if (isOver || !repeatable || pause > LONGEST_PAUSE_MS) throw unreachable(source, setback);
        await clock.wait(pause, call?.signal);
      }
    }
  };
}

function watched(body: ReadableStream<Uint8Array>, alive: () => void): ReadableStream<Uint8Array> {
  return body.pipeThrough(
    new TransformStream<Uint8Array, Uint8Array>({
      transform(part, controller) {
        alive();
        controller.enqueue(part);
      },
    }),
  );
}

function isTemporary(status: number): boolean {
  return status === 429 || (status >= 500 && status !== 501 && status !== 505);
}

/** RFC 9110 section 10.2.3: seconds, or a date. */
function parseRetryAfter(value: string | null, now: number): number | undefined {
  if (value === null) return undefined;
  if (/^\d{1,9}$/.test(value)) return Number(value) * 1000;
  const date = Date.parse(value);
  return Number.isNaN(date) ? undefined : Math.max(0, date - now);
}

/** fetch reports every broken connection as a TypeError with a cause; its other errors are not about the network. */
function asSetback(error: unknown): Setback | undefined {
  if (error instanceof Setback) return error;
  if (!(error instanceof TypeError) || !(error.cause instanceof Error)) return undefined;
  const { code = "", message } = error.cause as NodeJS.ErrnoException;
  return new Setback(message === "" ? code : message, { lasting: LASTING.test(code), cause: error });
}

function unreachable(source: URL, setback: Setback): GyreError {
  const retryAfter = Math.ceil((setback.retryAfterMs ?? 10_000) / 1000);
  return new GyreError("Busy", `${source}: ${setback.message}`, { source: source.href, retryAfter, cause: setback });
}
