import { keyOf } from "../core/event.ts";
import type { Call } from "../core/principal.ts";
import type { TopicTemplate } from "../core/topic.ts";
import type { Pool } from "../db/database.ts";
import { GyreError } from "../errors.ts";
import type { EventLog } from "../log/event-log.ts";
import { type Admitted, type Candidate, candidateOf, pendingStatus } from "./accepted.ts";
import { Admission } from "./admission.ts";
import { AppendedMarks } from "./appended-marks.ts";
import type { Change, EventStatus, Writes } from "./catalog.ts";
import { statusOf } from "./outcome.ts";
import { Settlement } from "./settlement.ts";

export interface WritesOptions {
  readonly pool: Pool;
  readonly log: EventLog;
  readonly topic: TopicTemplate;
  readonly clock?: () => Date;
}

/** Nobody waits longer. */
const MOST_MS = 600_000;

/** The door of a writable node; `close` ends its waiting. */
export function createWrites(options: WritesOptions): Writes & { close(): Promise<void> } {
  return new Door(options);
}

class Door implements Writes {
  readonly #pool: Pool;
  readonly #log: EventLog;
  readonly #admission: Admission;
  readonly #clock: () => Date;
  readonly #settlement: Settlement;
  readonly #appended: AppendedMarks;

  constructor({ pool, log, topic, clock = () => new Date() }: WritesOptions) {
    this.#pool = pool;
    this.#log = log;
    this.#admission = new Admission(pool, topic);
    this.#clock = clock;
    this.#settlement = new Settlement(pool);
    this.#appended = new AppendedMarks(pool);
  }

  /**
   * What is pending is written before the log is, and need not survive a crash: it lets this node refuse early, but what
   * counts is decided again on applying. So the log alone is waited for until it is durable, whichever log it is.
   */
  async accept(changes: readonly Change[], call: Call): Promise<readonly EventStatus[]> {
    call.signal?.throwIfAborted();
    const candidates = changes.map((change) => candidateOf(change, this.#clock()));
    checkDistinct(candidates);
    return this.#admission.admit(candidates, call.who, async ({ admitted, known }) => {
      await this.#append(admitted, call);
      return candidates.map((candidate) => known.get(candidate.event.metadata.event_id) ?? pendingStatus(candidate));
    });
  }

  status(eventId: string, call: Call): Promise<EventStatus | undefined> {
    return statusOf(this.#pool, eventId, call);
  }

  async settled(eventId: string, ms: number, call: Call): Promise<EventStatus | undefined> {
    const timeout = AbortSignal.timeout(Math.min(Math.max(0, Math.ceil(ms)), MOST_MS));
    const end = call.signal === undefined ? timeout : AbortSignal.any([call.signal, timeout]);
    let news = Promise.withResolvers<void>();
    const wake = (): void => news.resolve();
    const stop = await this.#settlement.watch(eventId, wake);
    end.addEventListener("abort", wake);
    try {
      for (;;) {
        const status = await this.status(eventId, call);
        if (status?.status !== "pending" || end.aborted) return status;
        await news.promise;
        news = Promise.withResolvers();
      }
    } finally {
      end.removeEventListener("abort", wake);
      stop();
    }
  }

  async close(): Promise<void> {
    await this.#appended.settled();
    await this.#settlement.close();
  }

  async #append(admitted: readonly Admitted[], call: Call): Promise<void> {
    if (admitted.length === 0) return;
    const ids = admitted.map(({ event }) => event.metadata.event_id);
    const messages = admitted.map(({ event: { metadata, data }, topic, value }) => {
      return { id: metadata.event_id, key: keyOf(data.payload), topic, value };
    });
    try {
      await this.#log.append(messages, call);
    } catch (error) {
      // It may have got there all the same: then it is applied, and its outcome is written anew.
      await this.#pool.query("delete from pending where event_id = any($1)", [ids]);
      await this.#pool.query("delete from outcome where event_id = any($1) and applied is null", [ids]);
      throw error;
    }
    this.#appended.add(ids);
  }
}

function checkDistinct(candidates: readonly Candidate[]): void {
  const ids = new Set(candidates.map(({ event }) => event.metadata.event_id));
  if (ids.size < candidates.length) throw new GyreError("Conflict", "two changes have one event id");
}
