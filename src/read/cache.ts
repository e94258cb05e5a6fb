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
  /** What is kept already. */
  find(key: string): T | undefined;
  readonly maxBytes: number;
  /** Whether so many bytes may be kept under one key. */
  takes(bytes: number): boolean;
  readonly bytes: number;
}

export function createCache<T>(maxBytes: number): Cache<T> {
  const kept = new Map<string, Cached<T>>();
  const working = new Map<string, Promise<Cached<T>>>();
  let total = 0;

  const takes = (bytes: number): boolean => bytes <= maxBytes / 4;

  function find(key: string): T | undefined {
    const known = kept.get(key);
    if (known === undefined) return undefined;
    kept.delete(key);
    kept.set(key, known);
    return known.value;
  }

  function keep(key: string, entry: Cached<T>): void {
    if (!takes(entry.bytes)) return;
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
    maxBytes,
    find,
    takes,
    async get(key, make) {
      const known = find(key);
      if (known !== undefined) return known;
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
