import { createHash, randomUUID } from "node:crypto";
import type { Json } from "../../core/array.ts";
import type { Pool } from "../../db/database.ts";
import type { Settled } from "../flow.ts";

/** What processes tell each other: work waits, something of a run changed or ended, it is to stop, a worker left. */
export type News =
  | { readonly kind: "queued"; readonly queue: string }
  | { readonly kind: "changed" | "stopped"; readonly run: string }
  | { readonly kind: "ended"; readonly run: string; readonly parts?: EndedParts | undefined }
  | { readonly kind: "started" | "left" };

/** How parts of a run ended, as this process told the database. */
export type EndedParts = ReadonlyMap<string, Settled<Json>>;

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

const MARK = /^@\S+ /;

/** The channel of a node's flows. */
export function channelOf(schema: string): string {
  return `gyre_flow_${createHash("sha256").update(schema).digest("hex").slice(0, 16)}`;
}

/**
 * Hears what other processes, and this one, tell. When some may have been missed, each hearer is called without news.
 * What is told often comes at once to the hearers of this process (`tell`), and by NOTIFY to those of the others.
 */
export class Bell {
  readonly channel: string;
  /** Begins payloads that this process tells itself. */
  readonly mark = `@${randomUUID()} `;
  readonly #hearers = new Set<Hearer>();
  readonly #ofRuns = new Map<string, Set<Hearer>>();
  #listening: AsyncDisposable | undefined;

  private constructor(channel: string) {
    this.channel = channel;
  }

  static async listen(pool: Pool): Promise<Bell> {
    const bell = new Bell(channelOf(pool.schema));
    bell.#listening = await pool.listen(
      bell.channel,
      (payload) => {
        if (!payload.startsWith(bell.mark)) bell.#ring(newsOf(payload.replace(MARK, "")));
      },
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

  /** Tells the hearers of this process what the others are told by NOTIFY with the same payload after `mark`. */
  tell(payload: string, parts?: EndedParts): void {
    const news = newsOf(payload);
    this.#ring(news?.kind === "ended" ? { ...news, parts } : news);
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
