import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { ANONYMOUS, type Call } from "../../src/core/principal.ts";
import { topicFilter } from "../../src/core/topic.ts";
import { type ErrorTag, isGyreError } from "../../src/errors.ts";
import {
  BEGINNING,
  type EventLog,
  type Message,
  type Position,
  type ReadOptions,
  type Recorded,
} from "../../src/log/event-log.ts";

export interface EventLogFixture {
  readonly log: EventLog;
  /** The same log as another process has it. */
  another(): Promise<EventLog>;
  close?(): Promise<unknown>;
}

export interface EventLogContract {
  /** Tests that this log is known to fail, and why; the suite checks that they still do. */
  readonly skip?: readonly { readonly test: string; readonly reason: string }[];
  /** Why nothing can be tested here, now. */
  readonly unavailable?: string | undefined;
}

/** What every implementation of `EventLog` does. One log serves all tests: each has topics, keys and ids of its own. */
export function testEventLog(
  name: string,
  make: () => Promise<EventLogFixture>,
  { skip = [], unavailable }: EventLogContract = {},
): void {
  for (const { test: skipped } of skip) assert.ok(skipped in CASES, `no test "${skipped}" to skip`);

  describe(`event log: ${name}`, { skip: unavailable ?? false }, () => {
    let fixture: EventLogFixture;
    before(async () => {
      fixture = await make();
    });
    after(async () => {
      await fixture.log.close();
      await fixture.close?.();
    });
    Object.entries(CASES).forEach(([title, run], i) => {
      const start = async (): Promise<void> => run(await createRoom(fixture, `t${i}`));
      const reason = skip.find((entry) => entry.test === title)?.reason;
      if (reason === undefined) test(title, start);
      else test(`not: ${title} (${reason})`, () => assert.rejects(start()));
    });
  });
}

const CALL: Call = { who: ANONYMOUS };

/** One test's part of the log. */
interface Room {
  readonly log: EventLog;
  another(): Promise<EventLog>;
  /** Before everything that the test appends. */
  readonly from: Position;
  message(id: string, options?: { topic?: string; key?: string; value?: Uint8Array }): Message;
  topic(name: string): string;
  /** All of the test's messages from `from` to the heads. */
  history(options?: Partial<ReadOptions>): Promise<Recorded[]>;
}

async function createRoom({ log, another }: EventLogFixture, prefix: string): Promise<Room> {
  const from = await log.heads(CALL);
  const topic = (name: string): string => `${prefix}.${name}`;
  return {
    log,
    another,
    from,
    topic,
    message: (id, { topic: name = "a", key = "k", value = new TextEncoder().encode(`value of ${id}`) } = {}) => ({
      id: `${prefix}-${id}`,
      topic: topic(name),
      key: `${prefix}/${key}`,
      value,
    }),
    async history(options) {
      const batches = await Array.fromAsync(
        log.read({ from, topics: topicFilter(`${prefix}\\..*`), ...options }, CALL),
      );
      return batches.flatMap(({ messages }) => messages);
    },
  };
}

const numbered = (count: number): number[] => Array.from({ length: count }, (_, i) => i);

const CASES: Readonly<Record<string, (room: Room) => Promise<void>>> = {
  "messages come back as they were written": async ({ log, message, history }) => {
    const written = [
      message("1", { value: new Uint8Array(0) }),
      message("2", { value: Uint8Array.of(0xff, 0, 0xc3) }),
      message("3", { key: "é/ü😀 'x'", value: new TextEncoder().encode("😀\0") }),
    ];
    const appended = await log.append(written, CALL);
    assert.deepEqual(
      appended.map(({ id, isRepeat }) => [id, isRepeat]),
      written.map(({ id }) => [id, false]),
    );
    const found = await history();
    for (const { id, topic, key, value } of written) {
      const recorded = found.find((entry) => entry.id === id);
      assert.deepEqual([recorded?.topic, recorded?.key, [...(recorded?.value ?? [])]], [topic, key, [...value]]);
      const place = appended.find((entry) => entry.id === id);
      assert.deepEqual([recorded?.partition, recorded?.offset], [place?.partition, place?.offset]);
      assert.ok(recorded?.time instanceof Date && !Number.isNaN(recorded.time.getTime()));
    }
    assert.equal(found.length, written.length);
  },

  "nothing is appended where nothing is given": async ({ log, history }) => {
    assert.deepEqual(await log.append([], CALL), []);
    assert.deepEqual(await history(), []);
  },

  "an id that is there is not appended again": async ({ log, another, message, history }) => {
    const [first] = await log.append([message("1")], CALL);
    const again = message("1", { value: new TextEncoder().encode("another body") });
    const other = await another();
    for (const writer of [log, other, log]) {
      assert.deepEqual(await writer.append([again], CALL), [{ ...first!, isRepeat: true }]);
    }
    const mixed = await other.append([message("2"), message("1"), message("3")], CALL);
    assert.deepEqual(
      mixed.map(({ isRepeat }) => isRepeat),
      [false, true, false],
    );
    const found = await history();
    assert.deepEqual(
      found.map(({ value }) => new TextDecoder().decode(value)),
      ["value of 1", "value of 2", "value of 3"],
    );
    await other.close();
  },

  "an id that comes twice in one batch is appended once": async ({ log, message, history }) => {
    const appended = await log.append([message("1"), message("2"), message("1")], CALL);
    assert.deepEqual(
      appended.map(({ isRepeat }) => isRepeat),
      [false, false, true],
    );
    assert.equal(appended[2]!.offset, appended[0]!.offset);
    assert.equal((await history()).length, 2);
  },

  "of many who append one id at once, one succeeds": async ({ log, another, message, history }) => {
    const other = await another();
    const writers = numbered(12).map((i) => (i % 2 === 0 ? log : other));
    const appended = await Promise.all(
      writers.map((writer, i) => writer.append([message(`own-${i}`, { key: `k${i % 5}` }), message("shared")], CALL)),
    );
    assert.equal(appended.filter(([, shared]) => !shared!.isRepeat).length, 1);
    assert.equal(new Set(appended.map(([, shared]) => `${shared!.partition}@${shared!.offset}`)).size, 1);
    assert.equal((await history()).length, 13);
    await other.close();
  },

  "messages without an id are never repeats": async ({ log, message, history }) => {
    const anonymous = { ...message("x"), id: "" };
    const appended = await log.append([anonymous, anonymous], CALL);
    assert.ok(appended.every(({ id, isRepeat }) => id === "" && !isRepeat));
    assert.deepEqual(
      (await history()).map(({ id }) => id),
      ["", ""],
    );
  },

  "messages of one key keep their order": async ({ log, message, history }) => {
    const keys = ["a/1", "a/2", "b/1", "c/", "d/x"];
    for (const round of numbered(6)) {
      const batch = keys.flatMap((key) => [
        message(`${key}-${round}-0`, { key }),
        message(`${key}-${round}-1`, { key }),
      ]);
      await log.append(batch, CALL);
    }
    const byKey = Map.groupBy(await history(), ({ key }) => key);
    assert.equal(byKey.size, keys.length);
    for (const [key, found] of byKey) {
      assert.equal(new Set(found.map(({ partition }) => partition)).size, 1, key);
      const order = found.map(({ id }) => id.slice(-3));
      assert.deepEqual(order, order.toSorted(), key);
      assert.equal(order.length, 12);
    }
  },

  "a batch with one message that cannot be kept is refused whole": async ({ log, message, history }) => {
    const wrong: readonly Partial<Message>[] = [
      { topic: "" },
      { topic: "a b" },
      { topic: ".." },
      { topic: "x".repeat(250) },
      { key: "\0" },
      { key: "x".repeat(5000) },
      { id: "\ud800" },
    ];
    for (const part of wrong) {
      await rejects(log.append([message("1"), { ...message("2"), ...part }], CALL), "BadRequest");
    }
    const long = message("3", { value: new Uint8Array(17 * 1024 * 1024) });
    await rejects(log.append([message("1"), long], CALL), "TooLarge");
    assert.deepEqual(await history(), []);
  },

  "topics are chosen by a pattern, and the position counts the others": async ({ log, message, from, topic }) => {
    const names = ["CMIP6.historical.A", "CMIP6.ssp245.A", "CMIP6.historicalish.B"];
    await log.append(
      numbered(60).map((i) => message(String(i), { topic: names[i % 3]!, key: `k${i}` })),
      CALL,
    );
    const topics = topicFilter(`${topic("").replaceAll(".", "\\.")}.*\\.historical\\..*`);
    let last = from;
    const found: Recorded[] = [];
    for await (const { messages, next } of log.read({ topics, from, batch: 7 }, CALL)) {
      found.push(...messages);
      last = next;
    }
    assert.equal(found.length, 20);
    assert.ok(found.every((entry) => entry.topic === topic("CMIP6.historical.A")));
    assert.deepEqual(await Array.fromAsync(log.read({ topics, from: last }, CALL)), []);
  },

  "batches are bounded, and reading goes on from the end of any": async ({ log, message, from, topic }) => {
    await log.append(
      numbered(100).map((i) => message(String(i), { key: `k${i % 9}` })),
      CALL,
    );
    const topics = topicFilter(topic("a").replaceAll(".", "\\."));
    const found: Recorded[] = [];
    let at: Position | undefined = from;
    while (at !== undefined) {
      const position: Position = at;
      at = undefined;
      for await (const { messages, next } of log.read({ topics, from: position, batch: 7 }, CALL)) {
        assert.ok(messages.length <= 7, String(messages.length));
        found.push(...messages);
        at = next;
        break;
      }
    }
    assert.equal(found.length, 100);
    assert.equal(new Set(found.map(({ id }) => id)).size, 100);
  },

  "partitions can be read apart": async ({ log, message, history }) => {
    const appended = await log.append(
      numbered(40).map((i) => message(String(i), { key: `k${i}` })),
      CALL,
    );
    const byPartition = Map.groupBy(appended, ({ partition }) => partition);
    const [some, ...others] = [...byPartition.keys()];
    const first = await history({ partitions: [some!] });
    assert.deepEqual(
      first.map(({ id }) => id).sort(),
      byPartition
        .get(some!)!
        .map(({ id }) => id)
        .sort(),
    );
    const rest = await history({ partitions: others });
    assert.equal(rest.length, 40 - first.length);
    assert.deepEqual(await history({ partitions: ["no such partition"] }), []);
  },

  "heads lie behind the last message, tails before the first": async ({ log, message, from }) => {
    const appended = await log.append(
      numbered(20).map((i) => message(String(i), { key: `k${i}` })),
      CALL,
    );
    const heads = await log.heads(CALL);
    const tails = await log.tails(CALL);
    for (const [partition, places] of Map.groupBy(appended, (place) => place.partition)) {
      assert.equal(heads[partition], Math.max(...places.map(({ offset }) => offset)) + 1);
      assert.equal(Math.min(...places.map(({ offset }) => offset)), from[partition] ?? tails[partition]);
    }
    assert.deepEqual(Object.keys(tails).sort(), Object.keys(heads).sort());
    assert.deepEqual(await Array.fromAsync(log.read({ from: heads }, CALL)), []);
  },

  "a position that is none is refused": async ({ log }) => {
    const [partition = "0"] = Object.keys(await log.heads(CALL));
    for (const offset of [-1, 0.5, Number.NaN, 2 ** 60]) {
      await rejects(Array.fromAsync(log.read({ from: { [partition]: offset } }, CALL)), "BadRequest");
    }
  },

  "a live reader has the history, and then what comes, until it is stopped": async (room) => {
    const { log, another, message, from, topic } = room;
    const other = await another();
    await log.append([message("0")], CALL);
    const stop = new AbortController();
    const topics = topicFilter(`${topic("").replaceAll(".", "\\.")}.*`);
    const found: string[] = [];
    // Each message is appended only when the one before has come: a reader that polls would take its time.
    const writers = [log, other];
    for await (const { messages } of log.read({ topics, from, live: true }, { ...CALL, signal: stop.signal })) {
      found.push(...messages.map(({ id }) => id));
      if (messages.length === 0) continue;
      if (found.length === 20) stop.abort();
      else {
        const name = found.length === 10 ? "made.later" : "a";
        const next = message(String(found.length), { topic: name, key: `k${found.length}` });
        await writers[found.length % 2]!.append([next], CALL);
      }
    }
    assert.deepEqual(
      found,
      numbered(20).map((i) => message(String(i)).id),
    );
    await other.close();
  },

  "a live reader that waits ends when it is stopped": async ({ log }) => {
    const stop = new AbortController();
    const reader = log.read({ from: await log.heads(CALL), live: true }, { ...CALL, signal: stop.signal });
    const waiting = Array.fromAsync(reader);
    stop.abort(new Error("enough"));
    assert.deepEqual(
      (await waiting).flatMap(({ messages }) => messages),
      [],
    );
  },

  "no reader skips one who commits late": async ({ log, another, message, from, topic }) => {
    const other = await another();
    const stop = new AbortController();
    const topics = topicFilter(topic("a").replaceAll(".", "\\."));
    const found: Recorded[] = [];
    const reading = (async () => {
      const call = { ...CALL, signal: stop.signal };
      for await (const { messages } of log.read({ topics, from, live: true, batch: 20 }, call)) {
        found.push(...messages);
        if (found.length >= 400) stop.abort();
      }
    })();
    await Promise.all(
      numbered(40).map(async (i) => {
        const writer = i % 2 === 0 ? log : other;
        for (const j of numbered(5)) {
          const pair = [message(`${i}-${j}-a`, { key: `k${i % 7}` }), message(`${i}-${j}-b`, { key: `k${i}` })];
          await writer.append(pair, CALL);
        }
      }),
    );
    await reading;
    assert.equal(new Set(found.map(({ id }) => id)).size, 400);
    assert.equal(found.length, 400);
    for (const [partition, places] of Map.groupBy(found, (place) => place.partition)) {
      const offsets = places.map(({ offset }) => offset);
      assert.deepEqual(
        offsets,
        offsets.toSorted((a, b) => a - b),
        partition,
      );
    }
    await other.close();
  },

  "values of 30 kB, 10,000 messages": async ({ log, message, history }) => {
    const large = Uint8Array.from({ length: 30_000 }, (_, i) => (i * i) % 251);
    await log.append(
      numbered(40).map((i) => message(`large-${i}`, { topic: "large", key: `k${i}`, value: large })),
      CALL,
    );
    for (const i of numbered(10)) {
      const batch = numbered(1000).map((j) =>
        message(`${i}-${j}`, { key: `k${j % 50}`, value: Uint8Array.of(i, j % 256) }),
      );
      await log.append(batch, CALL);
    }
    const found = await history();
    assert.equal(new Set(found.map(({ id }) => id)).size, 10_040);
    for (const { id, value } of found) {
      if (id.includes("large")) assert.ok(Buffer.from(large).equals(value), id);
      else assert.equal(value[0], Number(/-(\d)-/.exec(id)?.[1]), id);
    }
  },

  "topics are told with their counts": async ({ log, message, topic }) => {
    await log.append([message("1"), message("2", { topic: "b" }), message("3", { key: "l" }), message("1")], CALL);
    const infos = (await log.topics(CALL)).filter(({ name }) => name.startsWith(topic("")));
    assert.deepEqual(
      infos.map(({ name, messages }) => [name, messages]),
      [
        [topic("a"), 2],
        [topic("b"), 1],
      ],
    );
    assert.ok(infos.every(({ last }) => last instanceof Date));
  },

  "an aborted call does nothing": async ({ log, message, from, history }) => {
    const reason = new Error("enough");
    const call = { ...CALL, signal: AbortSignal.abort(reason) };
    const isReason = (error: unknown): boolean => error === reason;
    await assert.rejects(log.append([message("1")], call), isReason);
    await assert.rejects(Array.fromAsync(log.read({ from }, call)), isReason);
    assert.deepEqual(await Array.fromAsync(log.read({ from, live: true }, call)), []);
    await assert.rejects(log.heads(call), isReason);
    await assert.rejects(log.tails(call), isReason);
    await assert.rejects(log.topics(call), isReason);
    await assert.rejects(log.retain(new Date(), call), isReason);
    assert.deepEqual(await history(), []);
  },

  "old messages are forgotten, newer ones and their places stay": async ({ log, message, from, history }) => {
    await log.append([message("old", { key: "k" })], CALL);
    const [old] = await history();
    let newer: Recorded | undefined;
    for (let i = 0; newer === undefined; i++) {
      await log.append([message(`new-${i}`, { key: "k" })], CALL);
      newer = (await history()).find(({ time }) => time > old!.time);
    }
    const heads = await log.heads(CALL);
    await log.retain(newer.time, CALL);
    const kept = await history();
    assert.equal(kept[0]?.id, newer.id);
    assert.deepEqual(await log.heads(CALL), heads);
    const tails = await log.tails(CALL);
    assert.equal(tails[newer.partition], newer.offset);
    const all = (await Array.fromAsync(log.read({ from: BEGINNING }, CALL))).flatMap(({ messages }) => messages);
    assert.ok(all.every(({ time }) => time >= newer.time));
    const [after] = await log.append([message("after", { key: "k" })], CALL);
    assert.equal(after?.offset, heads[newer.partition]);
    assert.deepEqual((await history({ from })).at(-1)?.id, after?.id);
  },
};

async function rejects(work: Promise<unknown>, tag: ErrorTag): Promise<void> {
  await assert.rejects(work, (error) => isGyreError(error, tag) || assert.fail(`${String(error)} is no ${tag}`));
}
