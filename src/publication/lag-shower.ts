import { ANONYMOUS } from "../core/principal.ts";
import type { FollowStatus } from "../log/follow.ts";
import type { OpenedLog } from "./logs.ts";

/** Tells a log that has a display for it (Kafka's tools) how far a consumer is. */
export interface LagShower {
  show(status: FollowStatus): void;
  settled(): Promise<void>;
}

const EVERY_MS = 5000;

/** Nothing depends on what is shown, so that it is told now and then, and at the end; failures do not matter. */
export function lagShower({ commit }: Pick<OpenedLog, "commit">, consumer: string): LagShower {
  if (commit === undefined) return { show: () => undefined, settled: async () => undefined };
  let last = Number.NEGATIVE_INFINITY;
  let running: Promise<void> | undefined;
  return {
    show({ state, partitions }) {
      const isDue = state === "stopped" || performance.now() - last >= EVERY_MS;
      const entries = Object.entries(partitions);
      if (!isDue || entries.length === 0) return;
      last = performance.now();
      const position = Object.fromEntries(entries.map(([name, { position }]) => [name, position]));
      const before = running;
      running = (async () => {
        await before;
        await commit(consumer, position, { who: ANONYMOUS }).catch(() => undefined);
      })();
    },
    settled: async () => running,
  };
}
