/**
 * Asks for the next value while one that is full is used: reading and applying take turns on two servers otherwise. Where
 * one is not, whoever gives them may gather more until it is asked.
 */
export async function* ahead<T>(source: AsyncIterable<T>, isFull: (value: T) => boolean): AsyncGenerator<T> {
  const iterator = source[Symbol.asyncIterator]();
  const ask = (): Promise<IteratorResult<T>> => {
    const asked = iterator.next();
    // A failure is told when it is its turn, or never when nobody asks any more.
    asked.catch(() => undefined);
    return asked;
  };
  let next: Promise<IteratorResult<T>> | undefined;
  try {
    for (;;) {
      const { done, value } = await (next ?? ask());
      if (done === true) return;
      next = isFull(value) ? ask() : undefined;
      yield value;
    }
  } finally {
    // Not waited for: a live source ends with its signal, and maybe not before.
    iterator.return?.().catch(() => undefined);
  }
}
