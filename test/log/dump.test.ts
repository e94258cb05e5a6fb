import assert from "node:assert/strict";
import { appendFile, mkdtemp, readdir, readFile, rm, unlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, type TestContext, test } from "node:test";
import { topicFilter } from "../../src/core/topic.ts";
import { isGyreError } from "../../src/errors.ts";
import { dump, readDump } from "../../src/log/dump.ts";
import { BEGINNING, type EventLog, type Recorded } from "../../src/log/event-log.ts";
import { exportLines, importLines } from "../../src/log/jsonl.ts";
import { linesOf, parseLine } from "../../src/log/line.ts";
import { createMemoryLog } from "../../src/log/memory.ts";
import { LONGEST_NAME, MOST_VALUE_BYTES } from "../../src/log/message.ts";
import { CALL, messageOf, messages } from "./following.ts";

const DAY_MS = 86_400_000;
const PLACE = { partition: "gyre.events:0", offset: 7, time: "2026-11-22T08:00:00.000Z" };

async function createFolder(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "gyre-dump-"));
  t.after(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** A log of three days, with values that are no text. */
async function createLog(): Promise<EventLog> {
  let now = Date.UTC(2026, 10, 20, 12);
  const log = createMemoryLog({ now: () => now });
  for (let day = 0; day < 3; day++) {
    await log.append(messages(30, `${day}-`), CALL);
    await log.append([{ ...messageOf(`bytes-${day}`), value: Uint8Array.of(0xff, day) }], CALL);
    now += DAY_MS;
  }
  await log.append(
    [
      { ...messageOf("nul"), value: Uint8Array.of(0x61, 0) },
      { ...messageOf("x"), id: "" },
    ],
    CALL,
  );
  return log;
}

async function everything(log: EventLog): Promise<Recorded[]> {
  return (await Array.fromAsync(log.read({ from: BEGINNING }, CALL))).flatMap((batch) => batch.messages);
}

const contentOf = (log: EventLog) =>
  everything(log).then((found) =>
    found.map(({ topic, key, value }) => [topic, key, Buffer.from(value).toString("hex")].join(" ")).sort(),
  );

async function placesIn(folder: string): Promise<string[]> {
  const lines = await Array.fromAsync(linesOf(readDump(folder)), parseLine);
  return lines.map(({ partition, offset }) => `${partition}@${offset}`);
}

async function* bytesOf(...texts: readonly string[]): AsyncGenerator<Uint8Array> {
  for (const text of texts) yield new TextEncoder().encode(text);
}

describe("a dump", () => {
  test("keeps every message in the file of its day, and a log can be made of it", async (t) => {
    const folder = await createFolder(t);
    const log = await createLog();
    await dump(log, folder, {}, CALL);
    const files = (await readdir(folder)).sort();
    const days = [20, 21, 22, 23].map((day) => `2026-11-${day}.jsonl`);
    assert.deepEqual(files, [...days, "dump.lock", "position.json"]);
    const [line] = (await readFile(join(folder, days[0]!), "utf8")).split("\n");
    assert.deepEqual(Object.keys(JSON.parse(line!)), ["partition", "offset", "time", "id", "topic", "key", "value"]);

    const copy = createMemoryLog();
    assert.deepEqual(await importLines(copy, readDump(folder), {}, CALL), { appended: 95, repeated: 0 });
    assert.deepEqual(await contentOf(copy), await contentOf(log));
    assert.deepEqual(await importLines(copy, readDump(folder), {}, CALL), { appended: 0, repeated: 95 });
  });

  test("goes on where it ended", async (t) => {
    const folder = await createFolder(t);
    const log = await createLog();
    await dump(log, folder, {}, CALL);
    await dump(log, folder, {}, CALL);
    await log.append(messages(10, "new"), CALL);
    await dump(log, folder, {}, CALL);
    const places = await placesIn(folder);
    assert.equal(places.length, 105);
    assert.equal(new Set(places).size, 105);
  });

  test("follows what comes until it is stopped", async (t) => {
    const folder = await createFolder(t);
    const log = await createLog();
    const stop = new AbortController();
    let dumped = 0;
    const onProgress = ({ messages: count }: { messages: number }): void => {
      dumped = count;
      if (count === 95) void log.append(messages(10, "new"), CALL);
      if (count === 105) stop.abort();
    };
    await dump(log, folder, { live: true, onProgress }, { ...CALL, signal: stop.signal });
    assert.equal(dumped, 105);
    assert.equal((await placesIn(folder)).length, 105);
  });

  test("that was killed while it wrote repeats nothing and misses nothing", async (t) => {
    const folder = await createFolder(t);
    const log = await createLog();
    await dump(log, folder, { topics: topicFilter(".*") }, CALL);
    const before = await placesIn(folder);
    const checkpoint = await readFile(join(folder, "position.json"));
    await log.append(messages(20, "new"), CALL);
    await dump(log, folder, {}, CALL);
    const whole = await placesIn(folder);
    // The files as a kill leaves them: lines that the checkpoint does not know of, the last one half written.
    await writeFile(join(folder, "position.json"), checkpoint);
    await appendFile(join(folder, "2026-11-23.jsonl"), '{"partition":"0","off');
    await appendFile(join(folder, "2026-11-20.jsonl"), '{"partition":');
    await dump(log, folder, {}, CALL);
    assert.equal(before.length, 95);
    assert.deepEqual((await placesIn(folder)).sort(), whole.sort());
  });

  test("is written by one process at a time", async (t) => {
    const folder = await createFolder(t);
    const log = await createLog();
    const stop = new AbortController();
    const second = async (): Promise<void> => {
      await assert.rejects(dump(log, folder, {}, CALL), (error) => isGyreError(error, "Conflict"));
      stop.abort();
    };
    let asked: Promise<void> | undefined;
    const onProgress = (): void => void (asked ??= second());
    await dump(log, folder, { live: true, onProgress }, { ...CALL, signal: stop.signal });
    await asked;
    assert.equal((await placesIn(folder)).length, 95);
    await dump(log, folder, {}, CALL);
  });

  test("does not touch files that are not its own", async (t) => {
    const folder = await createFolder(t);
    await writeFile(join(folder, "notes.txt"), "mine");
    await dump(await createLog(), folder, {}, CALL);
    await unlink(join(folder, "position.json"));
    const places = await placesIn(folder);
    await assert.rejects(dump(await createLog(), folder, {}, CALL), (error) => isGyreError(error, "Conflict"));
    assert.deepEqual(await placesIn(folder), places);
    assert.equal(await readFile(join(folder, "notes.txt"), "utf8"), "mine");
  });
});

describe("lines", () => {
  test("of an export are taken back, all or by topic", async () => {
    const log = await createLog();
    await log.append(messages(5, "other", { topic: "CMIP6.ssp245.A" }), CALL);
    const texts = await Array.fromAsync(exportLines(log, {}, CALL));
    const copy = createMemoryLog();
    assert.equal((await importLines(copy, bytesOf(...texts), {}, CALL)).appended, 100);
    assert.deepEqual(await contentOf(copy), await contentOf(log));

    const topics = topicFilter(".*\\.ssp245\\..*");
    const some = createMemoryLog();
    assert.equal((await importLines(some, bytesOf(...texts), { topics }, CALL)).appended, 5);
    assert.equal((await Array.fromAsync(exportLines(log, { topics }, CALL))).join("").split("\n").length, 6);
  });

  test("are never longer than readers take, whatever is in them", async () => {
    const log = createMemoryLog();
    const value = new Uint8Array(MOST_VALUE_BYTES).fill(1);
    await log.append([{ ...messageOf("controls"), key: "\u0001".repeat(LONGEST_NAME), value }], CALL);
    const copy = createMemoryLog();
    const lines = bytesOf(...(await Array.fromAsync(exportLines(log, {}, CALL))));
    assert.deepEqual(await importLines(copy, lines, {}, CALL), { appended: 1, repeated: 0 });
    assert.deepEqual(await contentOf(copy), await contentOf(log));
  });

  test("without ids, of the same place in two logs, are two messages", async () => {
    const lines = ["a", "b"].map((value) => `${JSON.stringify({ ...PLACE, topic: "t", key: "k", value })}\n`);
    const log = createMemoryLog();
    assert.deepEqual(await importLines(log, bytesOf(...lines), {}, CALL), { appended: 2, repeated: 0 });
    assert.deepEqual(await importLines(log, bytesOf(...lines), {}, CALL), { appended: 0, repeated: 2 });
  });

  test("are cut wherever their bytes are", async () => {
    const text = '{"a":"é"}\n\n{"b":1}\r\n{"c":2}';
    const bytes = new TextEncoder().encode(text);
    for (let size = 1; size < 12; size++) {
      const pieces = Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) =>
        bytes.slice(i * size, (i + 1) * size),
      );
      const lines = await Array.fromAsync(linesOf(ReadableStream.from(pieces)), (line) =>
        new TextDecoder().decode(line),
      );
      assert.deepEqual(lines, ['{"a":"é"}', "", '{"b":1}\r', '{"c":2}']);
    }
  });

  test("that are wrong are told of by number", async () => {
    const good = JSON.stringify({ id: "1", topic: "a", key: "k", value: "v" });
    const wrong = ["{", '"text"', '{"topic":"a","key":"k"}', '{"topic":"a b","key":"k","value":""}', '{"topic":3}'];
    for (const line of wrong) {
      const work = importLines(createMemoryLog(), bytesOf(`${good}\n\n`, line), {}, CALL);
      await assert.rejects(work, (error) => isGyreError(error, "Invalid") && /^line 3: /.test(error.message), line);
    }
    const endless = importLines(createMemoryLog(), endlessLine(), {}, CALL);
    await assert.rejects(endless, (error) => isGyreError(error, "TooLarge"));
  });
});

async function* endlessLine(): AsyncGenerator<Uint8Array> {
  const piece = new Uint8Array(1024 * 1024).fill(0x20);
  for (;;) yield piece;
}
