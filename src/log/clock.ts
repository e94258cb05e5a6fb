import type { Clock } from "../core/clock.ts";

export type { Clock } from "../core/clock.ts";

/** Its timers keep the process, whose work is to follow. */
export const systemClock: Clock = {
  now: Date.now,
  after(ms, work) {
    const timer = setTimeout(work, ms);
    return () => clearTimeout(timer);
  },
};

/** Resolves after `ms`, or when the signal aborts. */
export async function pause(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  const { promise, resolve } = Promise.withResolvers<void>();
  const go = (): void => resolve();
  const cancel = clock.after(ms, go);
  signal.addEventListener("abort", go, { once: true });
  await promise;
  signal.removeEventListener("abort", go);
  cancel();
}
