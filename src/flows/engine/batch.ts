import { Turns } from "../../core/turns.ts";

interface Waiting<T> {
  readonly item: T;
  resolve(): void;
  reject(error: unknown): void;
}

/** Writes items together that come together: those of one statement are written, or none of them is. */
export class Batch<T> {
  readonly #turns: Turns<Waiting<T>>;

  constructor(most: number, write: (items: readonly T[]) => Promise<void>) {
    this.#turns = new Turns({
      take: () => most,
      // What one turn of the event loop adds comes together.
      gathered: () => new Promise(setImmediate),
      async work(waiting) {
        try {
          await write(waiting.map(({ item }) => item));
          for (const { resolve } of waiting) resolve();
        } catch (error) {
          for (const { reject } of waiting) reject(error);
        }
      },
    });
  }

  add(item: T): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#turns.add({ item, resolve, reject });
    return promise;
  }
}
