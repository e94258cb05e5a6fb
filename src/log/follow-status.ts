import { isGyreError } from "../errors.ts";
import type { Clock } from "./clock.ts";
import type { Position } from "./event-log.ts";

export type FollowState = "starting" | "back-filling" | "reading" | "retrying" | "stopped";

/** What a follower tells of itself. */
export interface FollowStatus {
  readonly consumer: string;
  readonly owner: string;
  readonly state: FollowState;
  /** The partitions that it owns. */
  readonly partitions: Readonly<Record<string, { readonly position: number; readonly head: number }>>;
  /** Messages of its partitions that it has not looked at. */
  readonly lag: number;
  /** Messages applied, and told of as errors, since it started. */
  readonly applied: number;
  readonly failed: number;
  /** Messages that retention took before they were read. */
  readonly missed: number;
  /** Messages a second, of the last ten seconds. */
  readonly rate: number;
  readonly lastError?: { readonly at: Date; readonly message: string };
}

const RATE_MS = 10_000;

/** Gathers what a follower tells, and tells it whenever something changes. */
export class StatusBoard {
  readonly #clock: Clock;
  readonly #tell: (status: FollowStatus) => void;
  readonly #recent: { readonly at: number; readonly count: number }[] = [];
  #status: FollowStatus;
  #positions: Position = {};
  #heads: Position = {};

  constructor(consumer: string, owner: string, clock: Clock, tell: (status: FollowStatus) => void) {
    this.#clock = clock;
    this.#tell = tell;
    this.#status = {
      consumer,
      owner,
      state: "starting",
      partitions: {},
      lag: 0,
      applied: 0,
      failed: 0,
      missed: 0,
      rate: 0,
    };
  }

  enter(state: FollowState): void {
    if (state !== this.#status.state) this.#update({ state });
  }

  at(positions: Position): void {
    this.#positions = positions;
    this.#update({});
  }

  heads(heads: Position): void {
    this.#heads = heads;
    this.#update({});
  }

  applied(applied: number, failed: number): void {
    this.#recent.push({ at: this.#clock.now(), count: applied + failed });
    this.#update({ applied: this.#status.applied + applied, failed: this.#status.failed + failed });
  }

  missed(count: number): void {
    if (count > 0) this.#update({ missed: this.#status.missed + count });
  }

  retrying(error: unknown): void {
    const message = isGyreError(error)
      ? error.message
      : error instanceof Error
        ? `${error.name}: ${error.message}`
        : "";
    this.#update({ state: "retrying", lastError: { at: new Date(this.#clock.now()), message } });
  }

  #update(changes: Partial<FollowStatus>): void {
    const now = this.#clock.now();
    while (this.#recent[0] !== undefined && this.#recent[0].at < now - RATE_MS) this.#recent.shift();
    const recent = this.#recent.reduce((sum, { count }) => sum + count, 0);
    const partitions = Object.fromEntries(
      Object.entries(this.#positions).map(([name, position]) => {
        return [name, { position, head: Math.max(this.#heads[name] ?? 0, position) }];
      }),
    );
    const lag = Object.values(partitions).reduce((sum, { position, head }) => sum + head - position, 0);
    this.#status = { ...this.#status, ...changes, partitions, lag, rate: (recent / RATE_MS) * 1000 };
    this.#tell(this.#status);
  }
}
