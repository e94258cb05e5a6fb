import type { Database } from "../db/database.ts";
import type { Cursors } from "./cursors.ts";
import type { Position } from "./event-log.ts";

/** Positions as they are stored, which move with effects: of what is new, or of the past that is looked through again. */
export class Lane {
  readonly #cursors: Cursors;
  readonly #column: "next" | "backfill";
  readonly #stored: Map<string, number>;

  constructor(cursors: Cursors, column: "next" | "backfill", start: Position) {
    this.#cursors = cursors;
    this.#column = column;
    this.#stored = new Map(Object.entries(start));
  }

  get position(): Position {
    return Object.fromEntries(this.#stored);
  }

  /** Offsets between what is stored and `next`. */
  behind(next: Position): number {
    return [...this.#stored].reduce((sum, [partition, from]) => sum + Math.max(0, (next[partition] ?? from) - from), 0);
  }

  /** Runs `work` in a transaction in which the positions move up to `next`, or throws and leaves all as it is. */
  async advance<T>(db: Database, next: Position, work: (tx: Database) => Promise<T>): Promise<T> {
    const moves = [...this.#stored].flatMap(([partition, from]) => {
      const to = next[partition] ?? from;
      return to > from ? [{ partition, from, to }] : [];
    });
    const result = await db.transaction(async (tx) => {
      // First, so that who lost a partition does no work.
      await this.#cursors.move(this.#column, moves, tx);
      return work(tx);
    });
    for (const { partition, to } of moves) this.#stored.set(partition, to);
    return result;
  }
}
