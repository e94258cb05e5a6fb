import { createHash } from "node:crypto";
import type { Pool } from "../../db/database.ts";

/** What processes tell each other: work waits, something of a run changed or ended, it is to stop, a worker left. */
export type News =
  | { readonly kind: "queued"; readonly queue: string }
  | { readonly kind: "changed" | "ended" | "stopped"; readonly run: string }
  | { readonly kind: "started" | "left" };

type Hearer = (news: News | undefined) => void;

/** Letters of the payloads, which SQL writes: `select pg_notify($channel, 'c' || run)`. */
const KINDS: { readonly [letter: string]: News["kind"] } = {
  q: "queued",
  c: "changed",
  e: "ended",
  x: "stopped",
  s: "started",
  l: "left",
};

/** The channel of a node's flows. */
export function channelOf(schema: string): string {
  return `gyre_flow_${createHash("sha256").update(schema).digest("hex").slice(0, 16)}`;
}

/** Hears what other processes, and this one, tell. When some may have been missed, each hearer is called without news. */
export class Bell {
  readonly #hearers = new Set<Hearer>();
  readonly #ofRuns = new Map<string, Set<Hearer>>();
  #listening: AsyncDisposable | undefined;

  static async listen(pool: Pool): Promise<Bell> {
    const bell = new Bell();
    bell.#listening = await pool.listen(
      channelOf(pool.schema),
      (payload) => bell.#ring(newsOf(payload)),
      () => bell.#ring(undefined),
    );
    return bell;
  }

  /** Calls `hearer` for all news, until it is disposed. */
  hear(hearer: Hearer): Disposable {
    this.#hearers.add(hearer);
    return { [Symbol.dispose]: () => void this.#hearers.delete(hearer) };
  }

  /** Calls `hearer` whenever something of this run changed, or may have. */
  hearRun(run: string, hearer: Hearer): Disposable {
    const hearers = this.#ofRuns.get(run) ?? new Set<Hearer>();
    this.#ofRuns.set(run, hearers.add(hearer));
    return {
      [Symbol.dispose]: () => {
        hearers.delete(hearer);
        if (hearers.size === 0) this.#ofRuns.delete(run);
      },
    };
  }

  async close(): Promise<void> {
    this.#hearers.clear();
    this.#ofRuns.clear();
    await this.#listening?.[Symbol.asyncDispose]();
  }

  #ring(news: News | undefined): void {
    for (const hear of [...this.#hearers]) hear(news);
    const ofRuns = news === undefined ? [...this.#ofRuns.values()] : "run" in news ? [this.#ofRuns.get(news.run)] : [];
    for (const hear of ofRuns.flatMap((hearers) => [...(hearers ?? [])])) hear(news);
  }
}

function newsOf(payload: string): News | undefined {
  const kind = KINDS[payload.charAt(0)];
  const subject = payload.slice(1);
  if (kind === "queued") return { kind, queue: subject };
  return kind === "started" || kind === "left" ? { kind } : kind && { kind, run: subject };
}
