import { GyreError } from "../errors.ts";

export interface ExternalApiOptions {
  /** Root of a STAC API. */
  readonly api: URL;
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
  /** Throws Busy when it cannot answer now. `key`: names the write, so that its repeat is known. */
  send(
    method: string,
    path: readonly string[],
    write?: { readonly key?: string; readonly body?: unknown },
  ): Promise<Answered>;
}

const TIMEOUT_MS = 30_000;
/** Of an answer, which may be an item. */
const MOST_BYTES = 16 * 1024 * 1024;
const PASSING: ReadonlySet<number> = new Set([408, 425, 429, 502, 503, 504]);
/** What every server takes in a header; other keys are not sent. */
const KEY = /^[!-~]{1,200}$/;

export function createExternalApi({ api, timeoutMs = TIMEOUT_MS, signal }: ExternalApiOptions): ExternalApi {
  const base = new URL(api.href.endsWith("/") ? api.href : `${api.href}/`);
  const busy = (what: string, cause?: unknown): GyreError =>
    new GyreError("Busy", `${base.host} ${what}`, { source: base.href, cause });

  const external: ExternalApi = {
    async send(method, path, { key, body } = {}) {
      const url = new URL(path.map(encodeURIComponent).join("/"), base);
      const headers = new Headers();
      if (body !== undefined) headers.set("Content-Type", typeOf(method, body));
      if (key !== undefined && KEY.test(key)) headers.set("Idempotency-Key", key);
      const timeout = AbortSignal.timeout(timeoutMs);
      let answered: Answered;
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
        throw busy("does not answer", cause);
      }
      if (PASSING.has(answered.status)) throw busy(`answers ${answered.status}`);
      // One that fails at this document only must not hold up what comes behind it.
      if (answered.status >= 500 && !(path.length > 0 && (await isWell()))) throw busy(`answers ${answered.status}`);
      return answered;
    },
  };

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
