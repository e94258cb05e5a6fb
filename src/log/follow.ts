import { randomUUID } from "node:crypto";
import type { Call } from "../core/principal.ts";
import type { TopicFilter } from "../core/topic.ts";
import type { Database } from "../db/database.ts";
import { GyreError } from "../errors.ts";
import { ahead } from "./ahead.ts";
import { type Applier, applyBatch } from "./apply.ts";
import { type Clock, pause, systemClock } from "./clock.ts";
import { coverage, type Progress, withoutErrors } from "./coverage.ts";
import { type Claim, Cursors, type PatternChange } from "./cursors.ts";
import type { Batch, EventLog, Position } from "./event-log.ts";
import { type FollowStatus, StatusBoard } from "./follow-status.ts";
import { Lane } from "./lane.ts";
import type { Projection } from "./projection.ts";

export type { FollowState, FollowStatus } from "./follow-status.ts";

export interface FollowOptions {
  readonly log: EventLog;
  /** Where failures are told of: a log of this node, where the one that it follows is another's. Default: `log`. */
  readonly errors?: EventLog;
  /** The projection's own database, with `sql/node`. While a failure is told of, one more connection of it is in use. */
  readonly db: Database;
  readonly projection: Projection;
  /** Named in error events. */
  readonly node: string;
  /** Names this process in status and leases. */
  readonly owner: string;
  /** Where a consumer starts that was never here before; `beginning` unless told. */
  readonly start?: "beginning" | "end";
  /** Messages of one transaction, at most; default 500. */
  readonly batch?: number;
  /** After how long the partitions of a killed follower are others'; default 10 s. */
  readonly leaseMs?: number;
  readonly onStatus?: (status: FollowStatus) => void;
  /**
   * Told, in a transaction, when the consumer had another pattern before. What a wider one finds in the past is applied
   * by itself. Of what a narrower one leaves out the effect may be kept (as without this), or removed here.
   */
  readonly onPattern?: PatternChange;
  readonly clock?: Clock;
}

const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 30_000;
const LONGEST_WAIT_MS = 2 ** 30;
const HEARTBEAT_MS = 1000;
/** Positions behind messages of other topics are stored when they are this far off, or with the next effect. */
const MOST_UNSTORED = 5000;
/** Fewer messages than these cost little more than one does. */
const MANY = 50;
/** A follower that found a few rests this many times as long as they took it, so that those behind them come together. */
const REST = 3;
const LONGEST_REST_MS = 100;
/** How often is looked for new partitions, and how far the log has come. */
const LOOK_MS = 5000;

/**
 * Applies a log to a projection until the call is aborted: each message takes effect once, in the order of its key, and
 * its position moves in the same transaction. Followers of one name share the partitions. A database or log that is away
 * is waited for, and what keeps it from going on is told by its status.
 */
export async function follow(options: FollowOptions, call: Call): Promise<void> {
  await new Follower(options, call).run();
}

class Follower {
  readonly #options: FollowOptions;
  readonly #call: Call;
  readonly #stop: AbortSignal;
  readonly #clock: Clock;
  readonly #cursors: Cursors;
  readonly #applier: Applier;
  readonly #topics: TopicFilter;
  readonly #board: StatusBoard;
  readonly #leaseMs: number;
  readonly #batch: { readonly batch?: number };
  #pauseMs = FIRST_PAUSE_MS;
  #hasEntered = false;

  constructor(options: FollowOptions, call: Call) {
    const { db, log, projection, node, leaseMs = 10_000, clock = systemClock, onStatus } = options;
    const owner = `${options.owner}/${randomUUID()}`;
    const consumer = projection.name;
    this.#options = options;
    this.#call = call;
    this.#stop = call.signal ?? new AbortController().signal;
    this.#clock = clock;
    this.#leaseMs = leaseMs;
    this.#batch = options.batch === undefined ? {} : { batch: options.batch };
    this.#topics = withoutErrors(projection.topics);
    this.#cursors = new Cursors({ db, consumer, owner, pattern: projection.topics.source, leaseMs });
    this.#applier = { errors: options.errors ?? log, db, projection, reporter: { node, consumer } };
    this.#board = new StatusBoard(consumer, owner, clock, (status) => onStatus?.(status));
  }

  async run(): Promise<void> {
    try {
      while (!this.#stop.aborted) {
        try {
          await this.#session();
        } catch (error) {
          if (this.#stop.aborted) break;
          this.#board.retrying(error);
          await pause(this.#clock, this.#pauseMs * (0.5 + Math.random() / 2), this.#stop);
          this.#pauseMs = Math.min(2 * this.#pauseMs, LONGEST_PAUSE_MS);
        }
      }
    } finally {
      // What cannot be let go of now is free when the lease ends.
      if (this.#hasEntered) await this.#cursors.leave().catch(() => undefined);
      this.#board.enter("stopped");
    }
  }

  /** Follows with the partitions that are this one's share, until the share changes. */
  async #session(): Promise<void> {
    const { log, start } = this.#options;
    if (!this.#hasEntered) {
      await this.#cursors.enter(this.#options.onPattern ?? (async () => "kept"));
      this.#hasEntered = true;
    }
    const { who } = this.#call;
    const call = { who, signal: this.#stop };
    const heads = await log.heads(call);
    const claim = await this.#cursors.claim(await log.tails(call), heads, start === "end");
    const session = new AbortController();
    const watching = this.#watch(claim, heads, session).catch((error: unknown) => session.abort(error));
    try {
      this.#board.heads(heads);
      this.#board.missed(claim.missed);
      await this.#read(claim, { who, signal: AbortSignal.any([this.#stop, session.signal]) });
    } finally {
      session.abort();
      await watching;
    }
    const { reason } = session.signal;
    if (!(reason instanceof DOMException)) throw reason;
  }

  /** Keeps the lease while the session reads, and ends the session when the partitions are to be shared anew. */
  async #watch(claim: Claim, heads: Position, session: AbortController): Promise<void> {
    const { log } = this.#options;
    const { signal } = session;
    const beat = Math.min(HEARTBEAT_MS, this.#leaseMs / 3);
    const count = Object.keys(heads).length;
    let sinceLook = 0;
    for (;;) {
      await pause(this.#clock, beat, signal);
      if (signal.aborted) return;
      const { members, held } = await this.#cursors.renew();
      // Taken away by who makes the projection again, or by another pattern.
      const isLost = held !== claim.owned.size;
      if (isLost || !claim.isWhole || members.join("\n") !== claim.members.join("\n")) return session.abort();
      if ((sinceLook += beat) < LOOK_MS) continue;
      sinceLook = 0;
      const now = await log.heads({ who: this.#call.who, signal });
      if (Object.keys(now).length !== count) return session.abort();
      this.#board.heads(now);
    }
  }

  async #read({ owned }: Claim, call: Call & { readonly signal: AbortSignal }): Promise<void> {
    const partitions = [...owned.keys()];
    const lane = new Lane(
      this.#cursors,
      "next",
      mapValues(owned, ({ next }) => next),
    );
    this.#board.at(lane.position);
    for (const [partition, progress] of owned) {
      if (progress.backfill === undefined || call.signal.aborted) continue;
      await this.#backfill(partition, progress, progress.backfill, call);
    }
    this.#board.enter("reading");
    if (partitions.length === 0) return pause(this.#clock, LONGEST_WAIT_MS, call.signal);
    const { log } = this.#options;
    const options = { topics: this.#topics, from: lane.position, partitions, live: true, ...this.#batch };
    let last: Batch = { messages: [], next: lane.position };
    for await (const batch of ahead(log.read(options, call), isLarge)) {
      const start = this.#clock.now();
      last = { messages: [], next: batch.next };
      if (batch.messages.length > 0 || lane.behind(batch.next) > MOST_UNSTORED) await this.#apply(batch, lane);
      this.#board.at({ ...lane.position, ...batch.next });
      if (call.signal.aborted) break;
      await this.#rest(batch, this.#clock.now() - start, call.signal);
    }
    if (lane.behind(last.next) > 0) await this.#apply(last, lane);
    if (!call.signal.aborted) throw new GyreError("Busy", "the log ended its reply");
  }

  /**
   * Looks through what the consumer has read for topics that its pattern did not have. Nothing new of the partition is
   * read meanwhile: it would come before what it builds upon.
   */
  async #backfill(
    partition: string,
    { next, applied }: Progress,
    start: number,
    call: Call & { readonly signal: AbortSignal },
  ): Promise<void> {
    this.#board.enter("back-filling");
    const isApplied = coverage(applied);
    const lane = new Lane(this.#cursors, "backfill", { [partition]: start });
    const topics: TopicFilter = {
      source: this.#topics.source,
      test: (topic) => this.#topics.test(topic) && !isApplied(topic, next - 1),
    };
    const options = { topics, from: lane.position, partitions: [partition], ...this.#batch };
    for await (const batch of ahead(this.#options.log.read(options, { who: call.who }), isLarge)) {
      const messages = batch.messages.filter(({ topic, offset }) => offset < next && !isApplied(topic, offset));
      const to = Math.min(batch.next[partition] ?? next, next);
      await this.#apply({ messages, next: { [partition]: to } }, lane);
      if (to === next) break;
      if (call.signal.aborted) return;
    }
    await this.#cursors.endBackfill(partition, { next, applied, backfill: undefined });
  }

  /** After a message that came alone none are missed: maybe somebody waits for each before sending the next one. */
  async #rest({ messages }: Batch, workedMs: number, signal: AbortSignal): Promise<void> {
    if (messages.length <= 1 || messages.length >= MANY) return;
    await pause(this.#clock, Math.min(REST * workedMs, LONGEST_REST_MS), signal);
  }

  async #apply(batch: Batch, lane: Lane): Promise<void> {
    const { applied, failed } = await applyBatch(this.#applier, batch, lane, this.#call);
    this.#pauseMs = FIRST_PAUSE_MS;
    this.#board.applied(applied, failed);
  }
}

function isLarge({ messages }: Batch): boolean {
  return messages.length >= MANY;
}

function mapValues(owned: Claim["owned"], value: (progress: Progress) => number): Position {
  return Object.fromEntries([...owned].map(([partition, progress]) => [partition, value(progress)]));
}
