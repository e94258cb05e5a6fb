import { ANONYMOUS, type Call } from "../../src/core/principal.ts";
import type { Message } from "../../src/log/event-log.ts";
import { type FollowOptions, type FollowStatus, follow } from "../../src/log/follow.ts";
import type { Ending } from "../services/postgres.ts";

export const CALL: Call = { who: ANONYMOUS };

/** Time that passes a hundred times as fast. */
export const fastClock = {
  now: Date.now,
  after(ms: number, work: () => void): () => void {
    const timer = setTimeout(work, Math.min(ms / 100, 2 ** 30));
    return () => clearTimeout(timer);
  },
};

/** A follower that runs in this process until it is stopped. */
export interface Following {
  readonly status: FollowStatus | undefined;
  /** Every status that was told. */
  readonly told: readonly FollowStatus[];
  until(isThere: (status: FollowStatus) => boolean): Promise<FollowStatus>;
  stop(): Promise<void>;
}

/** `ending` stops what a failing test leaves behind. */
export function startFollowing(
  ending: Ending,
  options: Omit<FollowOptions, "node" | "owner"> & { readonly owner?: string },
): Following {
  const stopping = new AbortController();
  const told: FollowStatus[] = [];
  const waiting = new Set<() => void>();
  const onStatus = (status: FollowStatus): void => {
    told.push(status);
    for (const look of waiting) look();
  };
  const running = follow(
    { node: "east", owner: "test", clock: fastClock, ...options, onStatus },
    { ...CALL, signal: stopping.signal },
  );
  const stop = async (): Promise<void> => {
    stopping.abort();
    await running;
  };
  ending.after(stop);
  return {
    get status() {
      return told.at(-1);
    },
    told,
    async until(isThere) {
      const { promise, resolve } = Promise.withResolvers<FollowStatus>();
      const look = (): void => {
        const found = told.at(-1);
        if (found !== undefined && isThere(found)) resolve(found);
      };
      waiting.add(look);
      look();
      const status = await promise;
      waiting.delete(look);
      return status;
    },
    stop,
  };
}

export function messageOf(id: string, options: { topic?: string; key?: string; value?: string } = {}): Message {
  const { topic = "CMIP6.historical.A", key = id, value = id } = options;
  return { id, topic, key, value: new TextEncoder().encode(value) };
}

export function messages(count: number, prefix = "m", options: { topic?: string; key?: string } = {}): Message[] {
  return Array.from({ length: count }, (_, i) => messageOf(`${prefix}${i}`, options));
}
