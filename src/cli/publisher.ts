import { setTimeout as delay } from "node:timers/promises";
import type { StacItem } from "../core/stac.ts";
import { type ErrorDetails, type Fault, GyreError } from "../errors.ts";

/** Nodes of the playground by the names that the founding system gave them. */
const NODES: Readonly<Record<string, string>> = {
  east: "http://127.0.0.1:9010/",
  west: "http://127.0.0.1:9014/",
  secondary: "http://127.0.0.1:9012/",
};

/** Items of one request. */
const BATCH = 100;
/** Requests that are under way at once. */
const TRIES = 6;
const FIRST_WAIT_MS = 200;

/** The address of a node: `east`, `west`, `secondary` of the playground, or a URL. Throws BadRequest. */
export function nodeUrl(text: string): URL {
  const named = Object.hasOwn(NODES, text) ? NODES[text] : text;
  const url = URL.parse(named ?? text);
  if (url === null || !/^https?:$/.test(url.protocol)) {
    throw new GyreError("BadRequest", `--node ${JSON.stringify(text)} is no node`, {
      subject: "--node",
      allowed: [...Object.keys(NODES), "http://host:port/"],
    });
  }
  if (!url.pathname.endsWith("/")) url.pathname += "/";
  return url;
}

/** What speaks to the door of a node. */
export interface Publisher {
  /** Items in groups of one collection, each for one request. */
  batches(items: Iterable<StacItem>): Generator<readonly StacItem[]>;
  /** Sends items of one collection, again while the node is away; answers how many were accepted. */
  publish(items: readonly StacItem[]): Promise<number>;
  /** Any write; answers the reply's document, if there is one. Throws with the problem that the node answers. */
  send(
    method: "POST" | "PUT" | "PATCH" | "DELETE",
    path: string,
    body?: object,
    type?: string,
    headers?: Readonly<Record<string, string>>,
  ): Promise<unknown>;
}

export function createPublisher(node: URL, signal: AbortSignal): Publisher {
  const publisher: Publisher = {
    *batches(items) {
      const open = new Map<string, StacItem[]>();
      for (const item of items) {
        const collection = item.collection ?? "";
        const batch = open.get(collection) ?? [];
        batch.push(item);
        open.set(collection, batch);
        if (batch.length < BATCH) continue;
        open.delete(collection);
        yield batch;
      }
      yield* open.values();
    },
    async publish(items) {
      const [first] = items;
      if (first === undefined) return 0;
      const path = `stac/collections/${encodeURIComponent(first.collection ?? "")}/items`;
      await publisher.send("POST", path, items.length === 1 ? first : { type: "FeatureCollection", features: items });
      return items.length;
    },
    async send(method, path, body, type = "application/json", headers = {}) {
      const key = crypto.randomUUID();
      for (let attempt = 1; ; attempt++) {
        const response = await attempted(method, path, body, {
          ...headers,
          "Content-Type": type,
          "Idempotency-Key": key,
        });
        if (response?.ok) return answerOf(await response.text());
        const isLasting = response !== undefined && response.status !== 503 && response.status !== 429;
        if (isLasting || attempt === TRIES) throw await refusal(response, node);
        await response?.body?.cancel();
        await delay(FIRST_WAIT_MS * 2 ** (attempt - 1), undefined, { signal });
      }
    },
  };

  /** Undefined: the node does not answer. */
  async function attempted(
    method: string,
    path: string,
    body: object | undefined,
    // The same write again, when its answer was lost, is the same event.
    headers: Readonly<Record<string, string>>,
  ) {
    try {
      return await fetch(new URL(path, node), {
        method,
        signal,
        headers: { ...headers, "User-Agent": "gyre" },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
    } catch (error) {
      if (signal.aborted) throw error;
      return undefined;
    }
  }

  return publisher;
}

/** What was changed is not always said again. */
function answerOf(text: string): unknown {
  return text === "" ? undefined : JSON.parse(text);
}

async function refusal(response: Response | undefined, node: URL): Promise<GyreError> {
  if (response === undefined) return new GyreError("Busy", `${node.href} does not answer`);
  const text = await response.text();
  let detail = text.slice(0, 500);
  let details: ErrorDetails = {};
  try {
    const problem = JSON.parse(text) as { detail?: string; type?: string; errors?: readonly Fault[] };
    const faults = (problem.errors ?? []).slice(0, 10).map((fault) => `\n  ${fault.pointer}: ${fault.detail}`);
    detail = `${problem.detail ?? ""}${faults.join("")}`;
    details = { type: problem.type?.split("/").at(-1) ?? "", faults: problem.errors ?? [] };
  } catch {
    // The text itself says it.
  }
  return new GyreError("Conflict", `${node.href} answers ${response.status}: ${detail}`, details);
}
