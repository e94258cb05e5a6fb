/** Work that several callers wait for: one caller's abort is its own, the work stops when all have given up. */
export class SharedWork<T> {
  /** Settles with the work; for watching it without taking part. */
  readonly result: Promise<T>;
  readonly #controller = new AbortController();
  #waiting = 0;

  constructor(work: (signal: AbortSignal) => Promise<T>) {
    this.result = work(this.#controller.signal);
    this.result.catch(() => undefined);
  }

  /** Everybody gave up: a later caller must start anew. */
  get abandoned(): boolean {
    return this.#controller.signal.aborted;
  }

  /** The result, or the reason of `signal` as soon as it aborts. */
  async join(signal?: AbortSignal): Promise<T> {
    signal?.throwIfAborted();
    this.#waiting++;
    if (signal === undefined) return this.result;
    const { promise: aborted, reject } = Promise.withResolvers<never>();
    const abort = (): void => {
      reject(signal.reason);
      if (--this.#waiting === 0) this.#controller.abort(signal.reason);
    };
    signal.addEventListener("abort", abort, { once: true });
    try {
      return await Promise.race([this.result, aborted]);
    } finally {
      signal.removeEventListener("abort", abort);
    }
  }
}

/** Results by key while they are wanted; what fails, or finds nothing, is forgotten. */
export class SharedResults<T> {
  readonly #works = new Map<string, SharedWork<T | undefined>>();
  readonly #capacity: number;

  /** Keeps the `capacity` results that were used last. */
  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  get(key: string): SharedWork<T | undefined> | undefined {
    const work = this.#works.get(key);
    if (work === undefined || work.abandoned) return undefined;
    this.#works.delete(key);
    this.#works.set(key, work);
    return work;
  }

  set(key: string, work: SharedWork<T | undefined>): void {
    this.#works.delete(key);
    this.#works.set(key, work);
    if (this.#works.size > this.#capacity) this.#works.delete(this.#works.keys().next().value as string);
    const forget = (): void => {
      if (this.#works.get(key) === work) this.#works.delete(key);
    };
    work.result.then((result) => result === undefined && forget(), forget);
  }
}
