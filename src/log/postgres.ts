import { setTimeout as delay } from "node:timers/promises";
import type { IoCall } from "../core/array.ts";
import type { Call } from "../core/principal.ts";
import { ALL_TOPICS, type TopicFilter } from "../core/topic.ts";
import type { Pool } from "../db/database.ts";
import { GyreError } from "../errors.ts";
import type { Appended, Batch, EventLog, Message, Position, ReadOptions, TopicInfo } from "./event-log.ts";
import { GroupCommit } from "./group-commit.ts";
import { checkMessages, checkPosition } from "./message.ts";
import { appendAll } from "./postgres-append.ts";
import { readStretches, type Stretch } from "./postgres-read.ts";
import { Wake } from "./wake.ts";

const BATCH = 500;
/** How often a live reader looks without being told: the notice of a writer that was killed may be lost. */
const POLL_MS = 5000;
/**
 * How soon a live reader looks again that found less than half a batch: what comes meanwhile is then one batch, which
 * costs its readers little more than one message. Who waits for the first message after a pause is told at once.
 */
const LINGER_MS = 20;
/** Rows that retention deletes at once, while writers of the partition wait. */
const RETAIN_ROWS = 5000;

export interface PostgresLogOptions {
  /** Fixed when the log is used for the first time; default 8. */
  readonly partitions?: number;
}

interface Extent {
  readonly part: number;
  readonly next: number;
  readonly tail: number;
  readonly topics: number;
}

/** The log in the tables of `sql/log`, which lie in the pool's schema. The pool stays the caller's to close. */
export async function createPostgresLog(pool: Pool, options: PostgresLogOptions = {}): Promise<EventLog> {
  const { partitions = 8 } = options;
  if (!Number.isInteger(partitions) || partitions < 1 || partitions > 1000) {
    throw new GyreError("BadRequest", "a log has 1 to 1000 partitions", { subject: String(partitions) });
  }
  const count = await pool.transaction(async (tx) => {
    await tx.query("lock table partition in share row exclusive mode");
    await tx.query(
      `insert into partition (part)
       select part from generate_series(0, $1::int - 1) part where not exists (select from partition)`,
      [partitions],
    );
    const [row] = await tx.query<{ count: number }>("select count(*) as count from partition");
    return row!.count;
  });
  const [, number = ""] = /^PostgreSQL ([\d.]+)/.exec(await pool.version()) ?? [];
  return new PostgresLog(pool, count, `PostgreSQL ${number}`);
}

class PostgresLog implements EventLog {
  readonly system: string;
  readonly #pool: Pool;
  /** Names of channels are cut at 63 bytes. */
  readonly #channel: string;
  readonly #commits: GroupCommit;
  readonly #wake = new Wake();
  readonly #closing = new AbortController();
  #listening: Promise<AsyncDisposable> | undefined;
  #names: { readonly count: number; readonly names: readonly string[] } = { count: 0, names: [] };

  constructor(pool: Pool, partitions: number, system: string) {
    this.#pool = pool;
    this.#channel = `log_${pool.schema}`.slice(0, 63);
    this.#commits = new GroupCommit((messages) => appendAll(pool, partitions, messages, this.#channel));
    this.system = system;
  }

  async append(messages: readonly Message[], { signal }: Call): Promise<readonly Appended[]> {
    signal?.throwIfAborted();
    checkMessages(messages);
    if (messages.length === 0) return [];
    return this.#commits.append(messages, signal);
  }

  async *read(options: ReadOptions, call: Call): AsyncGenerator<Batch> {
    checkPosition(options.from);
    const signals = [call.signal, this.#closing.signal].filter((signal) => signal !== undefined);
    if (options.live !== true) yield* this.#history(options, call);
    else yield* this.#live(options, { ...call, signal: AbortSignal.any(signals) });
  }

  async heads(call: Call): Promise<Position> {
    return positionOf(await this.#extents(call), "next");
  }

  async tails(call: Call): Promise<Position> {
    return positionOf(await this.#extents(call), "tail");
  }

  async topics(call: Call): Promise<readonly TopicInfo[]> {
    return this.#pool.query<{ name: string; messages: number; last: Date }>(
      `select name, sum(messages) as messages, max(last) as last
       from topic group by name having sum(messages) > 0 order by name collate "C"`,
      [],
      call,
    );
  }

  async retain(before: Date, call: Call): Promise<void> {
    for (const { part } of await this.#extents(call)) {
      while (await this.#forget(part, before)) call.signal?.throwIfAborted();
    }
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await this.#commits.settled();
    const listening = await this.#listening?.catch(() => undefined);
    await listening?.[Symbol.asyncDispose]();
  }

  async *#history(options: ReadOptions, call: Call): AsyncGenerator<Batch> {
    const extents = await this.#extents(call);
    let next = options.from;
    for (;;) {
      const step = await this.#step(options, extents, next, call);
      if (step === undefined) return;
      yield step;
      next = step.next;
    }
  }

  async *#live(options: ReadOptions, call: Call): AsyncGenerator<Batch> {
    const { signal } = call;
    const { batch = BATCH } = options;
    let next = options.from;
    let looked = Number.NEGATIVE_INFINITY;
    let isKeepingUp = true;
    try {
      while (signal?.aborted !== true) {
        await this.#listen();
        const early = looked + LINGER_MS - performance.now();
        if (isKeepingUp && early > 0) await delay(early, undefined, signal === undefined ? {} : { signal });
        looked = performance.now();
        const { version } = this.#wake;
        const step = await this.#step(options, await this.#extents(call), next, call);
        if (step === undefined) await this.#wake.after(version, signal, POLL_MS);
        else {
          isKeepingUp = step.messages.length < batch / 2;
          yield step;
          next = step.next;
        }
      }
    } catch (error) {
      if (signal?.aborted !== true) throw error;
    }
  }

  /** What comes next before the ends of `extents`, which are those of all partitions; undefined when nothing does. */
  async #step(
    { topics = ALL_TOPICS, partitions, batch = BATCH }: ReadOptions,
    extents: readonly Extent[],
    from: Position,
    call: Call,
  ): Promise<Batch | undefined> {
    const stretches = extents
      .filter(({ part }) => partitions?.includes(String(part)) ?? true)
      .map(({ part, next, tail }): Stretch => ({ part, first: Math.max(from[part] ?? tail, tail), until: next }))
      .filter(({ first, until }) => first < until);
    if (stretches.length === 0) return undefined;
    const names = topics === ALL_TOPICS ? undefined : await this.#namesOf(topics, extents, call);
    const { messages, next } = await readStretches(this.#pool, stretches, names, batch, call);
    return { messages, next: { ...from, ...next } };
  }

  /** The names that a filter takes; undefined: all. A topic is there as soon as its first message is. */
  async #namesOf(topics: TopicFilter, extents: readonly Extent[], call: Call): Promise<readonly string[] | undefined> {
    const count = extents.reduce((sum, extent) => sum + extent.topics, 0);
    if (count > this.#names.count) {
      const rows = await this.#pool.query<{ name: string }>("select distinct name from topic", [], call);
      this.#names = { count, names: rows.map(({ name }) => name) };
    }
    const { names } = this.#names;
    const taken = names.filter(topics.test);
    return taken.length === names.length ? undefined : taken;
  }

  #extents(call: IoCall): Promise<Extent[]> {
    const extents = "select part, next, tail, topics from partition order by part";
    return this.#pool.query(extents, [], { ...call, prepared: true });
  }

  #listen(): Promise<unknown> {
    const ring = (): void => this.#wake.ring();
    this.#listening ??= this.#pool.listen(this.#channel, ring, ring).catch((error: unknown) => {
      this.#listening = undefined;
      throw error;
    });
    return this.#listening;
  }

  /** One transaction of retention; true when there may be more. */
  async #forget(part: number, before: Date): Promise<boolean> {
    const [gone] = await this.#pool.query<{ rows: number }>(
      `with held as (
         select tail from partition where part = $1 for update
       ), gone as (
         delete from message
         where part = $1
           and off < coalesce(
             (select off from message where part = $1 and time >= $2 order by off limit 1),
             (select next from partition where part = $1))
           and off < (select tail from held) + $3
         returning topic
       ), counted as (
         update topic set messages = topic.messages - gone.messages
         from (select topic, count(*) as messages from gone group by topic) gone
         where topic.name = gone.topic and topic.part = $1
       ), moved as (
         update partition set tail = tail + (select count(*) from gone) where part = $1
       )
       select count(*) as rows from gone`,
      [part, before, RETAIN_ROWS],
    );
    return gone?.rows === RETAIN_ROWS;
  }
}

function positionOf(extents: readonly Extent[], side: "next" | "tail"): Position {
  return Object.fromEntries(extents.map((extent) => [String(extent.part), extent[side]]));
}
