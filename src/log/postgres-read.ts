import type { IoCall } from "../core/array.ts";
import type { Database } from "../db/database.ts";
import type { Batch, Position, Recorded } from "./event-log.ts";

/** Bytes of values in one batch, but for a message that is longer by itself. */
const BATCH_BYTES = 16 * 1024 * 1024;
/** Offsets of a partition that one statement looks at: most may be of other topics. */
const WINDOW = 5000;

/** What of one partition is read: from `first`, up to `until`. */
export interface Stretch {
  readonly part: number;
  readonly first: number;
  readonly until: number;
}

interface MessageRow {
  readonly part: number;
  readonly off: number;
  readonly topic: string;
  readonly key: string;
  readonly id: string;
  readonly time: Date;
  readonly value: Uint8Array;
  /** Messages of this partition before their bytes cut them. */
  readonly found: number;
}

/**
 * A share for each partition. Values are not touched until topic and size have decided: `octet_length` of one that lies
 * out of line is in its pointer.
 */
const READ = `
  select part, off, topic, key, id, time, value, found
  from unnest($1::int[], $2::bigint[], $3::bigint[]) as stretch (wanted, first, until)
  cross join lateral (
    select *,
      sum(octet_length(value)) over (order by off) - octet_length(value) as bytes_before,
      count(*) over () as found
    from (
      select part, off, topic, key, id, time, value
      from message
      where part = wanted and off >= first and off < until and ($4::text[] is null or topic = any($4))
      order by off
      limit $5
    ) candidates
  ) sized
  where bytes_before < $6
  order by part, off`;

/** The next messages of all stretches, of these topics (undefined: all), `most` at most. Some stretch must not be empty. */
export async function readStretches(
  db: Database,
  stretches: readonly Stretch[],
  topics: readonly string[] | undefined,
  most: number,
  call: IoCall,
): Promise<Batch> {
  const open = stretches.filter(({ first, until }) => first < until).slice(0, most);
  const bounded = open.map(({ part, first, until }) => ({ part, first, until: Math.min(until, first + WINDOW) }));
  if (topics?.length === 0) return { messages: [], next: ends(open) };
  const share = Math.max(1, Math.floor(most / open.length));
  const rows = await db.query<MessageRow>(
    READ,
    [
      bounded.map(({ part }) => part),
      bounded.map(({ first }) => first),
      bounded.map(({ until }) => until),
      topics,
      share,
      Math.floor(BATCH_BYTES / open.length),
    ],
    call,
  );
  const next: Record<string, number> = { ...ends(bounded) };
  for (const [part, taken] of Map.groupBy(rows, (row) => row.part)) {
    const { off, found } = taken.at(-1)!;
    if (found === share || taken.length < found) next[part] = off + 1;
  }
  return { messages: rows.map(recordedOf), next };
}

function ends(stretches: readonly Stretch[]): Position {
  return Object.fromEntries(stretches.map(({ part, until }) => [part, until]));
}

function recordedOf({ part, off, topic, key, id, time, value }: MessageRow): Recorded {
  return { partition: String(part), offset: off, topic, key, id, time, value };
}
