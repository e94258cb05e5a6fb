export interface TurnsOptions<Call> {
  /** Does what these calls ask for, and never rejects: it tells each call itself what became of it. */
  work(calls: readonly Call[]): Promise<void>;
  /** How many of those that wait share the next turn: one at least; all without it. */
  take?(waiting: readonly Call[]): number;
  /** What the first turn waits for, so that calls which come together share it; default: the running code's end. */
  gathered?(): Promise<unknown>;
}

/**
 * Lets calls that come while a turn is under way share the next one, in their order: each would wait for a disk or a
 * round trip of its own otherwise.
 */
export class Turns<Call> {
  readonly #options: TurnsOptions<Call>;
  #waiting: Call[] = [];
  #running: Promise<void> | undefined;

  constructor(options: TurnsOptions<Call>) {
    this.#options = options;
  }

  add(call: Call): void {
    this.#waiting.push(call);
    this.#running ??= this.#run();
  }

  /** Takes a call back. False: it has its turn, or had it. */
  withdraw(call: Call): boolean {
    const at = this.#waiting.indexOf(call);
    if (at >= 0) this.#waiting.splice(at, 1);
    return at >= 0;
  }

  /** Resolves when every call has had its turn. */
  async settled(): Promise<void> {
    await this.#running;
  }

  async #run(): Promise<void> {
    const { work, take, gathered = () => Promise.resolve() } = this.#options;
    await gathered();
    while (this.#waiting.length > 0) {
      await work(this.#waiting.splice(0, take?.(this.#waiting) ?? this.#waiting.length));
    }
    this.#running = undefined;
  }
}
