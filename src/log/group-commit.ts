import { Turns } from "../core/turns.ts";
import { isGyreError } from "../errors.ts";
import type { Appended, Message } from "./event-log.ts";

/** Messages and bytes of one transaction; a single call may exceed them. */
const MOST_MESSAGES = 5000;
const MOST_BYTES = 16 * 1024 * 1024;

interface Waiting {
  readonly messages: readonly Message[];
  readonly bytes: number;
  resolve(appended: readonly Appended[]): void;
  reject(error: unknown): void;
}

type Commit = (messages: readonly Message[]) => Promise<readonly Appended[]>;

/** Lets appends share transactions. The messages of one call stay together, in the order of the calls. */
export class GroupCommit {
  readonly #commit: Commit;
  readonly #turns = new Turns<Waiting>({ work: (calls) => this.#write(calls), take: fitting });

  constructor(commit: Commit) {
    this.#commit = commit;
  }

  append(messages: readonly Message[], signal?: AbortSignal): Promise<readonly Appended[]> {
    const { promise, resolve, reject } = Promise.withResolvers<readonly Appended[]>();
    const bytes = messages.reduce((sum, { value }) => sum + value.byteLength, 0);
    const call: Waiting = { messages, bytes, resolve, reject };
    this.#turns.add(call);
    // Once it is being written, whether it was cannot be taken back.
    const withdraw = (): void => {
      if (this.#turns.withdraw(call)) reject(signal?.reason);
    };
    signal?.addEventListener("abort", withdraw, { once: true });
    return promise.finally(() => signal?.removeEventListener("abort", withdraw));
  }

  /** Resolves when everything that was given is written or refused. */
  settled(): Promise<void> {
    return this.#turns.settled();
  }

  async #write(calls: readonly Waiting[]): Promise<void> {
    try {
      const appended = await this.#commit(calls.flatMap(({ messages }) => messages));
      let at = 0;
      for (const { messages, resolve } of calls) resolve(appended.slice(at, (at += messages.length)));
    } catch (error) {
      // What one call did wrong is no other's fault; a log that cannot be reached is out of reach for all.
      if (calls.length === 1 || isGyreError(error, "Busy")) for (const { reject } of calls) reject(error);
      else for (const call of calls) await this.#write([call]);
    }
  }
}

/** Calls that fit into one transaction. */
function fitting(waiting: readonly Waiting[]): number {
  let messages = 0;
  let bytes = 0;
  const end = waiting.findIndex((call) => {
    messages += call.messages.length;
    bytes += call.bytes;
    return messages > MOST_MESSAGES || bytes > MOST_BYTES;
  });
  return end < 0 ? waiting.length : Math.max(end, 1);
}
