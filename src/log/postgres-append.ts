import type { Database, Pool } from "../db/database.ts";
import { sqlState } from "../db/failure.ts";
import type { Appended, Message } from "./event-log.ts";
import { partitionOf } from "./message.ts";

/** Messages and bytes of one statement. */
const MOST_ROWS = 5000;
const MOST_BYTES = 16 * 1024 * 1024;
const RETRIES = 5;
const UNIQUE_VIOLATION = "23505";

interface Row {
  readonly part: number;
  readonly off: number;
  readonly message: Message;
}

/**
 * Appends all messages in one transaction. The rows of the partitions are locked in their order, so that two writers
 * never wait for each other; only then is looked for ids that are there, in a snapshot that sees what the others wrote.
 */
export async function appendAll(pool: Pool, partitions: number, messages: readonly Message[], channel: string) {
  for (let retries = RETRIES; ; retries--) {
    try {
      return await pool.transaction((tx) => appendIn(tx, partitions, messages, channel), { retries });
    } catch (error) {
      // The same id came into another partition meanwhile: now it is there to be seen.
      if (retries === 0 || sqlState(error) !== UNIQUE_VIOLATION) throw error;
    }
  }
}

async function appendIn(
  tx: Database,
  partitions: number,
  messages: readonly Message[],
  channel: string,
): Promise<readonly Appended[]> {
  const parts = messages.map(({ key }) => partitionOf(key, partitions));
  const next = await lockPartitions(tx, [...new Set(parts)]);
  const places = await placesOf(tx, messages);
  const rows: Row[] = [];
  const appended = messages.map((message, i): Appended => {
    const { id } = message;
    const known = id === "" ? undefined : places.get(id);
    if (known !== undefined) return { ...known, isRepeat: true };
    const part = parts[i]!;
    const off = next.get(part)!;
    next.set(part, off + 1);
    rows.push({ part, off, message });
    const place = { id, partition: String(part), offset: off };
    if (id !== "") places.set(id, place);
    return { ...place, isRepeat: false };
  });
  for (const slice of slices(rows)) await insert(tx, slice, channel);
  return appended;
}

async function lockPartitions(tx: Database, parts: readonly number[]): Promise<Map<number, number>> {
  const rows = await tx.query<{ part: number; next: number }>(
    "select part, next from partition where part = any($1) order by part for update",
    [parts],
    { prepared: true },
  );
  return new Map(rows.map(({ part, next }) => [part, next]));
}

async function placesOf(tx: Database, messages: readonly Message[]): Promise<Map<string, Omit<Appended, "isRepeat">>> {
  const ids = messages.map(({ id }) => id).filter((id) => id !== "");
  const rows = await tx.query<{ id: string; part: number; off: number }>(
    "select id, part, off from message where id = any($1) and id <> ''",
    [ids],
  );
  return new Map(rows.map(({ id, part, off }) => [id, { id, partition: String(part), offset: off }]));
}

function* slices(rows: readonly Row[]): Generator<readonly Row[]> {
  let start = 0;
  let bytes = 0;
  for (const [i, { message }] of rows.entries()) {
    bytes += message.value.byteLength;
    if (i - start < MOST_ROWS && (bytes <= MOST_BYTES || i === start)) continue;
    yield rows.slice(start, i);
    start = i;
    bytes = message.value.byteLength;
  }
  if (start < rows.length) yield rows.slice(start);
}

/** The values go as one binary parameter: as elements of an array each byte would be two digits. */
const INSERT = `
  with input as materialized (
    select *, clock_timestamp() as time
    from unnest($1::int[], $2::bigint[], $3::text[], $4::text[], $5::text[], $6::int[], $7::int[])
      as t (part, off, topic, key, id, start, length)
  ), moved as (
    update partition set next = added.next, topics = partition.topics + added.topics
    from (
      select input.part, max(off) + 1 as next, count(distinct topic) filter (where topic.name is null) as topics
      from input left join topic on topic.name = input.topic and topic.part = input.part
      group by input.part
    ) added
    where partition.part = added.part
  ), counted as (
    insert into topic (name, part, messages, last)
    select topic, part, count(*), max(time) from input group by topic, part
    on conflict (name, part) do update
      set messages = topic.messages + excluded.messages, last = greatest(topic.last, excluded.last)
  ), written as (
    insert into message (part, off, topic, key, id, time, value)
    select part, off, topic, key, id, time, substring($8::bytea from start for length) from input
  )
  select pg_notify($9, '')`;

async function insert(tx: Database, rows: readonly Row[], channel: string): Promise<void> {
  const values = rows.map(({ message }) => message.value);
  const starts: number[] = [];
  let start = 1;
  for (const { byteLength } of values) {
    starts.push(start);
    start += byteLength;
  }
  await tx.query(
    INSERT,
    [
      rows.map(({ part }) => part),
      rows.map(({ off }) => off),
      rows.map(({ message }) => message.topic),
      rows.map(({ message }) => message.key),
      rows.map(({ message }) => message.id),
      starts,
      values.map(({ byteLength }) => byteLength),
      Buffer.concat(values),
      channel,
    ],
    { prepared: true },
  );
}
