/** Tells those who wait that there is news. A number taken before looking makes that no news is missed. */
export class Wake {
  #version = 0;
  readonly #waiting = new Set<() => void>();

  get version(): number {
    return this.#version;
  }

  ring(): void {
    this.#version++;
    for (const go of this.#waiting) go();
  }

  /** Resolves when it rang after `version`, when the signal aborts, or after `ms`. */
  async after(version: number, signal?: AbortSignal, ms?: number): Promise<void> {
    if (this.#version !== version || signal?.aborted === true) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = ms === undefined ? undefined : setTimeout(resolve, ms);
    this.#waiting.add(resolve);
    const end = (): void => resolve();
    signal?.addEventListener("abort", end, { once: true });
    await promise;
    signal?.removeEventListener("abort", end);
    clearTimeout(timer);
    this.#waiting.delete(resolve);
  }
}
