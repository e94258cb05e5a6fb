import { setTimeout as delay } from "node:timers/promises";
import { isPassing, isRepeatable } from "../../db/failure.ts";
import { isGyreError } from "../../errors.ts";

const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 2_000;

/**
 * Repeats what the database could not do now. Once the engine closes it never resolves: what it served is given up as
 * by a crash, for another process to go on with, and must not be taken for failed.
 */
export async function insist<T>(closing: AbortSignal, work: () => Promise<T>): Promise<T> {
  for (let pause = FIRST_PAUSE_MS; ; pause = Math.min(2 * pause, LONGEST_PAUSE_MS)) {
    if (closing.aborted) return never();
    try {
      return await work();
    } catch (error) {
      if (closing.aborted) return never();
      if (!isGyreError(error, "Busy") && !isPassing(error) && !isRepeatable(error)) throw error;
    }
    await delay(pause, undefined, { ref: false });
  }
}

/** A promise of what will not be. */
export function never<T>(): Promise<T> {
  return new Promise<T>(() => undefined);
}
