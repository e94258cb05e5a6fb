import { GyreError, isGyreError } from "../../errors.ts";
import { pause, systemClock } from "../../log/clock.ts";
import type { CommandIo } from "../command.ts";
import { plain } from "../plain.ts";
import { nodeUrl } from "../publisher.ts";

/** Options of every `gyre events` command, for `parseArgs`. */
export const NODE_OPTIONS = {
  node: { type: "string", default: "east" },
  topics: { type: "string" },
  json: { type: "boolean", default: false },
} as const;

/** What a node answers to a path below its root. Throws with the problem that it tells. */
export async function ask(node: string, path: string, signal: AbortSignal, init: RequestInit = {}): Promise<Response> {
  const url = new URL(path, nodeUrl(node));
  let response: Response;
  try {
    response = await fetch(url, { ...init, signal });
  } catch (cause) {
    if (signal.aborted) throw cause;
    throw new GyreError("Busy", `${url.origin} does not answer`, { source: url.href, cause });
  }
  if (response.ok) return response;
  const { detail } = (await response.json().catch(() => ({}))) as { readonly detail?: string };
  throw new GyreError("Conflict", `${url.origin} answers ${response.status}: ${plain(detail ?? "no more than that")}`);
}

export async function askJson<T>(node: string, path: string, signal: AbortSignal, body?: object): Promise<T> {
  const init: RequestInit =
    body === undefined
      ? {}
      : { method: "POST", body: JSON.stringify(body), headers: { "Content-Type": "application/json" } };
  return (await (await ask(node, path, signal, init)).json()) as T;
}

const AGAIN_MS = 1000;

/** Does `work` again whenever the node was away meanwhile, until the command is stopped. */
export async function throughAbsences(node: string, io: CommandIo, work: () => Promise<void>): Promise<void> {
  // Who mistook the address is told at once.
  await askJson(node, "events/positions", io.signal);
  for (let told = ""; !io.signal.aborted; await pause(systemClock, AGAIN_MS, io.signal)) {
    try {
      await work();
    } catch (error) {
      if (!isGyreError(error, "Busy")) throw error;
      if (error.message !== told) io.err(`${error.message}; it is waited for`);
      told = error.message;
    }
  }
}
