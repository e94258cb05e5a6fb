import type { Call } from "../../core/principal.ts";
import { GyreError } from "../../errors.ts";
import { type Batch, BEGINNING, type Position, type TopicInfo } from "../event-log.ts";

const MAX_TOPICS = 100_000;

/**
 * Counts the messages of each topic where only reading tells them. It goes on where it ended, and begins again when
 * retention has taken messages, of which nobody knows the topics any more.
 */
export class Tally {
  #counts = new Map<string, { messages: number; last: Date }>();
  #next: Position = BEGINNING;
  #tails = "";
  #turn: Promise<unknown> = Promise.resolve();
  readonly #read: (from: Position, call: Call) => AsyncIterable<Batch>;

  constructor(read: (from: Position, call: Call) => AsyncIterable<Batch>) {
    this.#read = read;
  }

  /** One after the other, since each goes on where the one before ended. */
  topics(tails: Position, call: Call): Promise<readonly TopicInfo[]> {
    const mine = this.#turn.then(() => this.#count(tails, call));
    this.#turn = mine.catch(() => undefined);
    return mine;
  }

  async #count(tails: Position, call: Call): Promise<readonly TopicInfo[]> {
    const kept = JSON.stringify(tails);
    if (kept !== this.#tails) {
      this.#counts.clear();
      this.#next = BEGINNING;
      this.#tails = kept;
    }
    for await (const { messages, next } of this.#read(this.#next, call)) {
      for (const { topic, time } of messages) {
        const count = this.#counts.get(topic) ?? { messages: 0, last: time };
        count.messages++;
        if (time > count.last) count.last = time;
        this.#counts.set(topic, count);
      }
      this.#next = next;
      if (this.#counts.size > MAX_TOPICS) throw new GyreError("TooLarge", `the log has over ${MAX_TOPICS} topics`);
    }
    return [...this.#counts].map(([name, count]) => ({ name, ...count })).sort((a, b) => (a.name < b.name ? -1 : 1));
  }
}
