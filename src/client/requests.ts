/** A node that refuses, fails or cannot be understood. */
export class ClientError extends Error {
  /** Of the answer; absent where there was none. */
  readonly status: number | undefined;

  constructor(message: string, status?: number, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = "ClientError";
    this.status = status;
  }
}

export interface RequestOptions {
  readonly signal?: AbortSignal;
}

export interface Ask extends RequestOptions {
  readonly method?: "GET" | "POST" | "DELETE";
  readonly query?: Readonly<Record<string, string | number>>;
  /** Sent as JSON unless it is a form. */
  readonly body?: object;
  readonly headers?: Readonly<Record<string, string>>;
  /** Statuses besides 2xx that are answers as well. */
  readonly also?: readonly number[];
}

/** Asks one node. */
export interface Requests {
  /** Throws ClientError with what the node says, unless it answers well. */
  ask(path: string, options?: Ask): Promise<Response>;
  json<T>(path: string, options?: Ask): Promise<T>;
}

/** `fetch` for everything; `base` ends in `/`. */
export function createRequests(base: URL, headers: Readonly<Record<string, string>>, fetcher: typeof fetch): Requests {
  async function ask(path: string, options: Ask = {}): Promise<Response> {
    const { method = "GET", query = {}, body, signal, also = [] } = options;
    const url = new URL(path, base);
    for (const [name, value] of Object.entries(query)) url.searchParams.set(name, String(value));
    const isForm = body instanceof FormData;
    const typed = body === undefined || isForm ? {} : { "Content-Type": "application/json" };
    const response = await fetcher(url, {
      method,
      headers: { Accept: "application/json", ...typed, ...headers, ...options.headers },
      ...(body === undefined ? {} : { body: isForm ? body : JSON.stringify(body) }),
      ...(signal === undefined ? {} : { signal }),
    }).catch((cause: unknown) => {
      if (signal?.aborted) throw cause;
      throw new ClientError(`${url.origin} does not answer`, undefined, cause);
    });
    if (response.ok || also.includes(response.status)) return response;
    throw new ClientError(await reasonOf(response), response.status);
  }
  return {
    ask,
    async json<T>(path: string, options?: Ask): Promise<T> {
      const response = await ask(path, options);
      try {
        return (await response.json()) as T;
      } catch (cause) {
        throw new ClientError(`${response.url} answers with something else than JSON`, response.status, cause);
      }
    },
  };
}

async function reasonOf(response: Response): Promise<string> {
  const said = (await response.json().catch(() => undefined)) as { readonly detail?: unknown } | undefined;
  const detail = typeof said?.detail === "string" ? said.detail : `${response.url} answers ${response.status}`;
  return detail;
}
