import { GyreError } from "../errors.ts";

export interface ExternalApiOptions {
  /** Root of a STAC API. */
  readonly api: URL;
  /** Sent with every request (RFC 6750). */
  readonly token?: string | undefined;
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

export interface Answered {
  readonly status: number;
  readonly isOk: boolean;
  /** What it says, as far as that is of use. */
  readonly text: string;
}

/** A STAC API of somebody else. */
export interface ExternalApi {
  /**
   * Throws Busy when it cannot answer now, and Invalid for a name that no address can have. `key`: names the write, so
   * that its repeat is known.
   */
  send(
    method: string,
    path: readonly string[],
    write?: { readonly key?: string; readonly body?: unknown },
  ): Promise<Answered>;
}

const TIMEOUT_MS = 30_000;
/** Of an answer, which may be an item. */
const MOST_BYTES = 16 * 1024 * 1024;
/** It wants us to wait, or lets us not in at all: no document is to blame. */
const LATER: ReadonlySet<number> = new Set([401, 408, 425, 429, 503]);
/** So says what stands before it when it does not answer. */
const GATEWAY: ReadonlySet<number> = new Set([502, 504]);
/** A write without an answer so many times is to blame itself where the catalogue answers else: by then it was waited for. */
const MOST_SILENCES = 8;
/** What every server takes in a header; other keys are not sent. */
const KEY = /^[!-~]{1,200}$/;
/** Names that mean a way in an address, however they are escaped there (URL Standard 4.4): `/items/..` is `/`. */
const WAYS: ReadonlySet<string> = new Set([".", ".."]);

export function createExternalApi(options: ExternalApiOptions): ExternalApi {
  const { api, token, timeoutMs = TIMEOUT_MS, signal } = options;
  const base = new URL(api.href.endsWith("/") ? api.href : `${api.href}/`);
  const busy = (what: string, cause?: unknown): GyreError =>
    new GyreError("Busy", `${base.host} ${what}`, { source: base.href, cause });

  /** The last write without an answer, and how often in a row. */
  let unanswered = { key: "", times: 0 };

  const external: ExternalApi = {
    async send(method, path, { key, body } = {}) {
      const way = path.find((name) => WAYS.has(name));
      if (way !== undefined) throw new GyreError("Invalid", `"${way}" cannot be part of an address`);
      const url = new URL(path.map(encodeURIComponent).join("/"), base);
      const headers = new Headers();
      if (body !== undefined) headers.set("Content-Type", typeOf(method, body));
      if (token !== undefined) headers.set("Authorization", `Bearer ${token}`);
      if (key !== undefined && KEY.test(key)) headers.set("Idempotency-Key", key);
      const timeout = AbortSignal.timeout(timeoutMs);
      let answered: Answered;
      let silence: unknown;
      try {
        const response = await fetch(url, {
          method,
          headers,
          redirect: "error",
          signal: signal === undefined ? timeout : AbortSignal.any([signal, timeout]),
          ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        });
        answered = { status: response.status, isOk: response.ok, text: await textOf(response) };
      } catch (cause) {
        signal?.throwIfAborted();
        silence = cause;
        answered = { status: 504, isOk: false, text: "it does not answer" };
      }
      const { status } = answered;
      const refused = (): GyreError => busy(silence === undefined ? `answers ${status}` : "does not answer", silence);
      if (LATER.has(status)) throw refused();
      // One that fails at this document only must not hold up what comes behind it.
      if (status >= 500 && !(path.length > 0 && isToBlame(status, key) && (await isWell()))) throw refused();
      return answered;
    },
  };

  function isToBlame(status: number, key?: string): boolean {
    if (!GATEWAY.has(status)) return true;
    if (key === undefined) return false;
    unanswered = { key, times: key === unanswered.key ? unanswered.times + 1 : 1 };
    return unanswered.times >= MOST_SILENCES;
  }

  async function isWell(): Promise<boolean> {
    return (await external.send("GET", [])).isOk;
  }

  return external;
}

async function textOf(response: Response): Promise<string> {
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const part of response.body ?? []) {
    size += part.byteLength;
    if (size > MOST_BYTES) break;
    parts.push(part);
  }
  return Buffer.concat(parts).toString();
}

function typeOf(method: string, body: unknown): string {
  if (method !== "PATCH") return "application/json";
  return Array.isArray(body) ? "application/json-patch+json" : "application/merge-patch+json";
}
