/** Runs `work` over all items, at most `limit` at once, in order of starting; stops at the first failure. */
export async function forEachLimited<T>(
  items: Iterable<T> | AsyncIterable<T>,
  limit: number,
  work: (item: T, index: number) => Promise<void>,
): Promise<void> {
  const iterator = Symbol.asyncIterator in items ? items[Symbol.asyncIterator]() : items[Symbol.iterator]();
  let index = 0;
  let failed = false;
  let turn: Promise<unknown> = Promise.resolve();
  const lane = async (): Promise<void> => {
    while (!failed) {
      // One at a time may ask for the next item: iterators need not support overlapping calls.
      const mine = turn.then(() => iterator.next());
      turn = mine.catch(() => undefined);
      const next = await mine;
      if (next.done || failed) return;
      try {
        await work(next.value, index++);
      } catch (error) {
        failed = true;
        throw error;
      }
    }
  };
  try {
    await Promise.all(Array.from({ length: limit }, lane));
  } finally {
    await iterator.return?.();
  }
}
