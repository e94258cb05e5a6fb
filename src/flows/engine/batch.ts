/** Lets what comes while one statement is under way share the next: each would wait for a round trip of its own. */
export class Batch<T> {
  readonly #write: (items: readonly T[]) => Promise<void>;
  readonly #most: number;
  #waiting: { item: T; resolve(): void; reject(error: unknown): void }[] = [];
  #running: Promise<void> | undefined;

  constructor(most: number, write: (items: readonly T[]) => Promise<void>) {
    this.#most = most;
    this.#write = write;
  }

  add(item: T): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#waiting.push({ item, resolve, reject });
    this.#running ??= this.#run();
    return promise;
  }

  async #run(): Promise<void> {
    // What one turn of the event loop adds comes together.
    await new Promise(setImmediate);
    while (this.#waiting.length > 0) {
      const batch = this.#waiting.splice(0, this.#most);
      try {
        await this.#write(batch.map(({ item }) => item));
        for (const { resolve } of batch) resolve();
      } catch (error) {
        for (const { reject } of batch) reject(error);
      }
    }
    this.#running = undefined;
  }
}
