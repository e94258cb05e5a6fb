import type { Call } from "../../core/principal.ts";

/** What is under way goes on, unheard: a request to a broker cannot be taken back. */
export async function untilAborted<T>({ signal }: Pick<Call, "signal">, work: () => Promise<T>): Promise<T> {
  if (signal === undefined) return work();
  signal.throwIfAborted();
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const onAbort = (): void => reject(signal.reason);
  signal.addEventListener("abort", onAbort);
  try {
    return await Promise.race([work(), aborted]);
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}
