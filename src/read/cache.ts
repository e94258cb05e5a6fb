/** What may be kept, with the bytes it counts for. */
export interface Cached<T> {
  readonly value: T;
  readonly bytes: number;
}

/**
 * Keeps the most recently used results up to a number of bytes. Concurrent callers of one key share one piece of
 * work; failures are not kept, and a caller that gives up does not stop the others.
 */
export interface Cache<T> {
  get(key: string, make: () => Promise<Cached<T>>): Promise<T>;
  has(key: string): boolean;
  readonly bytes: number;
}

export function createCache<T>(maxBytes: number): Cache<T> {
  const kept = new Map<string, Cached<T>>();
  const working = new Map<string, Promise<Cached<T>>>();
  let total = 0;

  function keep(key: string, entry: Cached<T>): void {
    if (entry.bytes > maxBytes / 4) return;
    kept.set(key, entry);
    total += entry.bytes;
    for (const [oldest, { bytes }] of kept) {
      if (total <= maxBytes) break;
      kept.delete(oldest);
      total -= bytes;
    }
  }

  return {
    get bytes() {
      return total;
    },
    has: (key) => kept.has(key) || working.has(key),
    async get(key, make) {
      const known = kept.get(key);
      if (known !== undefined) {
        kept.delete(key);
        kept.set(key, known);
        return known.value;
      }
      let work = working.get(key);
      if (work === undefined) {
        work = make();
        working.set(key, work);
        const done = (): boolean => working.delete(key);
        work.then((entry) => {
          done();
          keep(key, entry);
        }, done);
      }
      return (await work).value;
    },
  };
}
