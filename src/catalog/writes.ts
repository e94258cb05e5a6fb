import { keyOf } from "../core/event.ts";
import type { Call } from "../core/principal.ts";
import type { TopicTemplate } from "../core/topic.ts";
import type { Database, Pool } from "../db/database.ts";
import { GyreError } from "../errors.ts";
import type { EventLog } from "../log/event-log.ts";
import { type Admitted, admit, type Candidate, candidateOf, pendingStatus, routed } from "./accepted.ts";
import type { Change, EventStatus, Writes } from "./catalog.ts";
import { doorStates, lockKeys } from "./door.ts";
import { knownOutcomes, statusOf } from "./outcome.ts";
import { Settlement } from "./settlement.ts";

export interface WritesOptions {
  readonly pool: Pool;
  readonly log: EventLog;
  readonly topic: TopicTemplate;
  /** Throws Invalid for what is not good enough to be published. */
  readonly validate?: (change: Change) => Promise<void>;
  readonly clock?: () => Date;
}

/** The door of a writable node; `close` ends its waiting. */
export function createWrites(options: WritesOptions): Writes & { close(): Promise<void> } {
  return new Door(options);
}

class Door implements Writes {
  readonly #pool: Pool;
  readonly #log: EventLog;
  readonly #topic: TopicTemplate;
  readonly #validate: (change: Change) => Promise<void>;
  readonly #clock: () => Date;
  readonly #settlement: Settlement;

  constructor({ pool, log, topic, validate = async () => {}, clock = () => new Date() }: WritesOptions) {
    this.#pool = pool;
    this.#log = log;
    this.#topic = topic;
    this.#validate = validate;
    this.#clock = clock;
    this.#settlement = new Settlement(pool);
  }

  /**
   * What is pending is written before the log is, and need not survive a crash: it lets this node refuse early, but what
   * counts is decided again on applying. So the log alone is waited for until it is durable, whichever log it is.
   */
  async accept(changes: readonly Change[], call: Call): Promise<readonly EventStatus[]> {
    call.signal?.throwIfAborted();
    const candidates = changes.map((change) => candidateOf(change, this.#clock()));
    checkDistinct(candidates);
    for (const { change } of candidates) await this.#validate(change);
    const { admitted, known } = await this.#pool.transaction((tx) => this.#admit(tx, candidates, call), { retries: 3 });
    await this.#append(admitted, call);
    return candidates.map((candidate) => known.get(candidate.event.metadata.event_id) ?? pendingStatus(candidate));
  }

  status(eventId: string, call: Call): Promise<EventStatus | undefined> {
    return statusOf(this.#pool, eventId, call);
  }

  async settled(eventId: string, ms: number, call: Call): Promise<EventStatus | undefined> {
    const timeout = AbortSignal.timeout(Math.max(0, Math.ceil(ms)));
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

  close(): Promise<void> {
    return this.#settlement.close();
  }

  async #admit(
    tx: Database,
    candidates: readonly Candidate[],
    { who }: Call,
  ): Promise<{ admitted: readonly Admitted[]; known: ReadonlyMap<string, EventStatus> }> {
    await tx.query("set local synchronous_commit = off");
    const ids = candidates.map(({ event }) => event.metadata.event_id);
    await lockKeys(tx, [...candidates.map(({ key }) => key), ...ids]);
    const outcomes = await knownOutcomes(tx, ids);
    for (const candidate of candidates) checkRepeat(candidate, outcomes.get(candidate.event.metadata.event_id));
    const statusOf = ({ event }: Candidate): string | undefined => outcomes.get(event.metadata.event_id)?.status.status;
    const states = await doorStates(
      tx,
      candidates.map(({ event }) => event.data.payload),
      who,
    );
    const fresh = admit(
      candidates.filter((one) => statusOf(one) === undefined),
      states,
      this.#topic,
    );
    await savePending(tx, fresh);
    // Its first try may have ended before the log was reached; the log takes each id once.
    const again = candidates
      .filter((one) => statusOf(one) === "pending")
      .map((one) => routed(one, states, this.#topic));
    return { admitted: [...fresh, ...again], known: new Map([...outcomes].map(([id, { status }]) => [id, status])) };
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
    await this.#pool.transaction(async (tx) => {
      await tx.query("set local synchronous_commit = off");
      await tx.query("update pending set appended = now() where event_id = any($1)", [ids]);
    });
  }
}

async function savePending(tx: Database, admitted: readonly Admitted[]): Promise<void> {
  if (admitted.length === 0) return;
  const rows = admitted.map((one, n) => {
    const { event_id, collection, item, method, accepted } = pendingStatus(one);
    return {
      event_id,
      collection,
      item,
      method,
      accepted,
      digest: one.digest,
      remains: one.remains,
      topic: one.topic,
      n,
    };
  });
  await tx.query(
    `with r as materialized (
        select * from json_to_recordset($1) as r(event_id text, collection text, item text, method text,
          accepted timestamptz, digest text, remains boolean, topic text, n int)
      ), known as (
        insert into outcome (event_id, collection, item, method, digest, accepted)
          select event_id, collection, item, method, digest, accepted from r
      )
      insert into pending (collection, id, event_id, remains, topic, accepted)
        select distinct on (collection, item) collection, coalesce(item, ''), event_id, remains, topic, now()
          from r order by collection, item, n desc
        on conflict (collection, id) do update set event_id = excluded.event_id, remains = excluded.remains,
          topic = excluded.topic, accepted = excluded.accepted, appended = null`,
    [JSON.stringify(rows)],
  );
}

function checkDistinct(candidates: readonly Candidate[]): void {
  const ids = new Set(candidates.map(({ event }) => event.metadata.event_id));
  if (ids.size < candidates.length) throw new GyreError("Conflict", "two changes have one event id");
}

function checkRepeat(
  { event, digest }: Candidate,
  known: { readonly digest: string | null; readonly status: EventStatus } | undefined,
): void {
  if (known === undefined || known.digest === digest) return;
  const { event_id } = event.metadata;
  const message = `event ${event_id} was accepted already with another body`;
  throw new GyreError("Conflict", message, { type: "idempotency-key-reused", subject: event_id });
}
