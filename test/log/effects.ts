import { topicFilter } from "../../src/core/topic.ts";
import type { Database } from "../../src/db/database.ts";
import { GyreError } from "../../src/errors.ts";
import type { Recorded } from "../../src/log/event-log.ts";
import type { Failure, Projection } from "../../src/log/projection.ts";

/** Where the effects of a test's projection are counted. */
export async function createEffects(db: Database): Promise<void> {
  await db.query(
    "create table effect (id text primary key, topic text not null, count int not null, nth int generated always as identity)",
  );
}

export interface Effect {
  readonly id: string;
  readonly topic: string;
  readonly count: number;
}

export function effectsOf(db: Database): Promise<Effect[]> {
  return db.query<Effect>("select id, topic, count from effect order by nth");
}

const text = (message: Recorded): string => new TextDecoder().decode(message.value);

export interface CountingOptions {
  readonly name?: string;
  readonly topics?: string;
  before?(messages: readonly Recorded[], tx: Database): Promise<void>;
  after?(messages: readonly Recorded[], tx: Database): Promise<void>;
}

/** Counts how often each message takes effect; values that say so fail in one way or another. */
export function counting({ name = "counter", topics = ".*", before, after }: CountingOptions = {}): Projection {
  return {
    name,
    topics: topicFilter(topics),
    async apply(messages, tx) {
      await before?.(messages, tx);
      const failures: Failure[] = [];
      const good: Recorded[] = [];
      for (const message of messages) {
        if (text(message) === "throws") throw new TypeError("undefined is not a function in /srv/gyre/secret.ts");
        if (text(message) !== "poison") good.push(message);
        else failures.push({ message, type: "payload", error: new GyreError("Invalid", "it is poison") });
      }
      await tx.query(
        `insert into effect (id, topic, count)
         select id, topic, case when value = 'breaks' then 1 / (length(value) - 6) else 1 end
         from unnest($1::text[], $2::text[], $3::text[]) with ordinality as m (id, topic, value, n) order by n
         on conflict (id) do update set count = effect.count + 1`,
        [good.map(({ id }) => id), good.map(({ topic }) => topic), good.map(text)],
      );
      await after?.(messages, tx);
      return failures;
    },
  };
}
