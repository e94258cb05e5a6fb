/** Asks for the next value while the last one is used: reading and applying take turns on two servers otherwise. */
export async function* ahead<T>(source: AsyncIterable<T>): AsyncGenerator<T> {
  const iterator = source[Symbol.asyncIterator]();
  const ask = (): Promise<IteratorResult<T>> => {
    const asked = iterator.next();
    // A failure is told when it is its turn, or never when nobody asks any more.
    asked.catch(() => undefined);
    return asked;
  };
  let next = ask();
  try {
    for (;;) {
      const { done, value } = await next;
      if (done === true) return;
      next = ask();
      yield value;
    }
  } finally {
    // Not waited for: a live source ends with its signal, and maybe not before.
    iterator.return?.().catch(() => undefined);
  }
}
