import type { Principal } from "../core/principal.ts";
import type { TopicTemplate } from "../core/topic.ts";
import { Turns } from "../core/turns.ts";
import type { Database, Pool } from "../db/database.ts";
import { GyreError } from "../errors.ts";
import { type Admitted, admit, type Candidate, pendingStatus, routed } from "./accepted.ts";
import type { EventStatus } from "./catalog.ts";
import { type DoorState, doorStates, lockKeys } from "./door.ts";
import { type KnownOutcome, knownOutcomes } from "./outcome.ts";

/** What became of one request. */
export interface Decision {
  /** To be appended: what is new, and what was accepted before and may not have reached the log. */
  readonly admitted: readonly Admitted[];
  /** Events that came again. */
  readonly known: ReadonlyMap<string, EventStatus>;
}

interface Request {
  readonly candidates: readonly Candidate[];
  readonly who: Principal;
  resolve(decision: Decision): void;
  reject(error: unknown): void;
  /** Ends with what follows from the decision. */
  readonly acted: Promise<unknown>;
}

type Outcomes = Map<string, KnownOutcome>;

/** Candidates of one transaction; a single request may exceed them. */
const MOST_CANDIDATES = 2000;
/** A log that takes longer keeps nobody from being refused. */
const PATIENCE_MS = 100;
/** How long, at most, those who were answered together are waited for: a publisher sends its next record by then. */
const REUNION_MS = 20;

/**
 * Decides on requests in their order, and lets each do what follows. Those that come meanwhile share the next
 * transaction, and what they do after it: few large ones cost much less than many small ones.
 */
export class Admission {
  readonly #pool: Pool;
  readonly #topic: TopicTemplate;
  readonly #patienceMs: number;
  readonly #reunionMs: number;
  readonly #turns = new Turns<Request>({ work: (requests) => this.#turn(requests), take: alike });
  readonly #reunion = new Reunion();

  constructor(pool: Pool, topic: TopicTemplate, patienceMs = PATIENCE_MS, reunionMs = REUNION_MS) {
    this.#pool = pool;
    this.#topic = topic;
    this.#patienceMs = patienceMs;
    this.#reunionMs = reunionMs;
  }

  admit<T>(candidates: readonly Candidate[], who: Principal, act: (decision: Decision) => Promise<T>): Promise<T> {
    const { promise, resolve, reject } = Promise.withResolvers<Decision>();
    const acted = promise.then(act);
    this.#turns.add({ candidates, who, resolve, reject, acted });
    this.#reunion.come();
    return acted;
  }

  async #turn(requests: readonly Request[]): Promise<void> {
    try {
      const settle = await this.#pool.transaction((tx) => this.#decide(tx, requests), { retries: 3 });
      for (const done of settle) done();
    } catch (error) {
      for (const { reject } of requests) reject(error);
    }
    await within(this.#patienceMs, Promise.allSettled(requests.map(({ acted }) => acted)));
    if (requests.length > 1) await within(this.#reunionMs, this.#reunion.of(requests.length));
  }

  /** Answers what to tell each request when the transaction is committed. */
  async #decide(tx: Database, requests: readonly Request[]): Promise<(() => void)[]> {
    const all = requests.flatMap(({ candidates }) => candidates);
    // What got its id here is new.
    const ids = all.filter(({ digest }) => digest !== null).map(({ event }) => event.metadata.event_id);
    const [first] = requests;
    if (first === undefined || all.length === 0)
      return requests.map(
        ({ resolve }) =>
          () =>
            resolve(NOTHING),
      );
    await lockKeys(tx, [...all.map(({ key }) => key), ...ids]);
    const outcomes: Outcomes = ids.length === 0 ? new Map() : await knownOutcomes(tx, ids);
    const payloads = all.map(({ event }) => event.data.payload);
    const states = await doorStates(tx, payloads, first.who);
    const fresh: Admitted[] = [];
    const settle = requests.map((request) => {
      try {
        const decision = this.#decideOne(request.candidates, outcomes, states);
        fresh.push(...decision.admitted.filter(({ event }) => !decision.known.has(event.metadata.event_id)));
        return () => request.resolve(decision);
      } catch (error) {
        return () => request.reject(error);
      }
    });
    await savePending(tx, fresh);
    return settle;
  }

  #decideOne(candidates: readonly Candidate[], outcomes: Outcomes, states: Map<string, DoorState>): Decision {
    const known = new Map<string, EventStatus>();
    for (const candidate of candidates) {
      const { event_id } = candidate.event.metadata;
      const before = outcomes.get(event_id);
      if (before === undefined) continue;
      if (!isSame(candidate, before)) throw reused(event_id);
      known.set(event_id, before.status);
    }
    const isNew = ({ event }: Candidate): boolean => !known.has(event.metadata.event_id);
    const fresh = admit(candidates.filter(isNew), states, this.#topic);
    for (const one of fresh) {
      outcomes.set(one.event.metadata.event_id, { status: pendingStatus(one), digest: one.digest });
    }
    // Its first try may have ended before the log was reached; the log takes each id once.
    const again = candidates
      .filter(({ event }) => known.get(event.metadata.event_id)?.status === "pending")
      .map((one) => routed(one, states.get(one.key), this.#topic));
    return { admitted: [...fresh, ...again], known };
  }
}

/**
 * Waits until as many have come as were answered: those who send one record after the other would else come in two
 * halves, of which one waits while the other has its turn, and each turn costs nearly as much as one of all.
 */
class Reunion {
  #missing = 0;
  #met = Promise.withResolvers<void>();

  of(count: number): Promise<void> {
    this.#missing = count;
    this.#met = Promise.withResolvers();
    return this.#met.promise;
  }

  come(): void {
    if (--this.#missing === 0) this.#met.resolve();
  }
}

/** The next requests of those who see the same. */
function alike(waiting: readonly Request[]): number {
  const roles = JSON.stringify(waiting[0]?.who.roles);
  let count = 0;
  const end = waiting.findIndex(({ candidates, who }) => {
    count += candidates.length;
    return count > MOST_CANDIDATES || JSON.stringify(who.roles) !== roles;
  });
  return end < 0 ? waiting.length : Math.max(end, 1);
}

const NOTHING: Decision = { admitted: [], known: new Map() };

/** Waits for something, but not for ever. */
async function within(ms: number, something: Promise<unknown>): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, ms).unref();
  await Promise.race([something, promise]);
  clearTimeout(timer);
}

/** Of an event that came by the log, or after a crash, only its target is known. */
function isSame(candidate: Candidate, { digest, status }: KnownOutcome): boolean {
  if (digest !== null) return digest === candidate.digest;
  const { collection, item, method } = pendingStatus(candidate);
  return collection === status.collection && item === status.item && method === status.method;
}

function reused(eventId: string): GyreError {
  const message = `event ${eventId} was accepted already with another body`;
  return new GyreError("Conflict", message, { type: "idempotency-key-reused", subject: eventId });
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
          on conflict do nothing
      )
      insert into pending (collection, id, event_id, remains, topic, accepted)
        select distinct on (collection, item) collection, coalesce(item, ''), event_id, remains, topic, now()
          from r order by collection, item, n desc
        on conflict (collection, id) do update set event_id = excluded.event_id, remains = excluded.remains,
          topic = excluded.topic, accepted = excluded.accepted, appended = null`,
    [JSON.stringify(rows)],
    { prepared: true },
  );
}
