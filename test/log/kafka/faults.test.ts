import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import { isGyreError } from "../../../src/errors.ts";
import { BEGINNING, type Message, type Recorded } from "../../../src/log/event-log.ts";
import { createKafkaLog, type KafkaLog, type KafkaOptions } from "../../../src/log/kafka.ts";
import { startKafka } from "../../services/kafka.ts";
import { CALL, history, message } from "./support.ts";

const kafka = await startKafka();
const KEYS = 6;
const MESSAGES_OF_A_KEY = 120;
const KILLS = 3;

describe("a broker that goes away", { skip: kafka.unavailable ?? false }, () => {
  if (kafka.unavailable !== undefined) return;
  const { brokers } = kafka;
  const logs: KafkaLog[] = [];
  const open = (name: string, options: Partial<KafkaOptions> = {}): KafkaLog => {
    const log = createKafkaLog({ brokers, topics: { mode: "one", name, partitions: 3 }, retries: 2, ...options });
    logs.push(log);
    return log;
  };
  const isBusy = (error: unknown): boolean => isGyreError(error, "Busy") && error.details.retryAfter !== undefined;
  after(async () => {
    await Promise.all(logs.map((log) => log.close()));
    await kafka.stop();
  });

  /** As a caller does who was told to come again: a broker that answers may not lead its partitions yet. */
  const insist = async <T>(call: () => Promise<T>): Promise<T> => {
    for (;;) {
      try {
        return await call();
      } catch (error) {
        if (!isBusy(error)) throw error;
      }
    }
  };
  const append = (log: KafkaLog, wanted: Message) => insist(() => log.append([wanted], CALL));

  test("killed again and again under load: what was accepted is there, in the order of its keys", async () => {
    const log = open("killed");
    const witness = new Set<string>();
    const stop = new AbortController();
    const live: Recorded[] = [];
    let accepted: (() => void) | undefined;
    const reading = (async () => {
      const call = { ...CALL, signal: stop.signal };
      for await (const { messages } of open("killed").read({ from: BEGINNING, live: true }, call)) {
        live.push(...messages);
        if (new Set(live.map(({ id }) => id)).size === KEYS * MESSAGES_OF_A_KEY) stop.abort();
      }
    })();
    const writing = Array.from({ length: KEYS }, async (_, k) => {
      for (let i = 0; i < MESSAGES_OF_A_KEY; i++) {
        const id = `${k}/${String(i).padStart(4, "0")}`;
        await append(log, message(id, { key: `key ${k}` }));
        witness.add(id);
        accepted?.();
      }
    });
    const killing = (async () => {
      for (let kill = 1; kill <= KILLS; kill++) {
        const due = (kill * KEYS * MESSAGES_OF_A_KEY) / (KILLS + 1);
        await new Promise<void>((resolve) => {
          accepted = () => witness.size >= due && resolve();
          // While the broker came back, the rest may have been accepted.
          accepted();
        });
        await kafka.kill();
        await kafka.restart();
      }
    })();
    await Promise.all([...writing, killing, reading]);

    for (const found of [live, await insist(() => history(log))]) {
      const ids = new Set(found.map(({ id }) => id));
      assert.deepEqual(witness.difference(ids), new Set());
      assert.equal(ids.size, KEYS * MESSAGES_OF_A_KEY);
      for (const [key, messages] of Map.groupBy(found, ({ key }) => key)) {
        const order = messages.map(({ id }) => id);
        assert.deepEqual(order, order.toSorted(), key);
      }
      const places = found.map(({ partition, offset }) => `${partition}@${offset}`);
      assert.equal(new Set(places).size, places.length, "a reader that resumes reads nothing again");
    }
  });

  test("many at once: what was answered is there, and keys keep the order of those who waited", async () => {
    const log = open("many");
    const large = (i: number): Message => {
      return message(String(i).padStart(4, "0"), { key: `key ${i % 5}`, value: new Uint8Array(30_000) });
    };
    // The topic is made before all come at once, and has one that was accepted.
    await append(log, large(0));
    const witness = [large(0).id];
    const appends = Array.from({ length: 400 }, async (_, i) => {
      const wanted = large(i + 1);
      try {
        await log.append([wanted], CALL);
        witness.push(wanted.id);
      } catch (error) {
        assert.ok(isBusy(error), String(error));
      }
      if (i === 0) await kafka.kill();
    });
    await Promise.all(appends);
    await kafka.restart();
    const found = await insist(() => history(log));
    assert.deepEqual(new Set(witness).difference(new Set(found.map(({ id }) => id))), new Set());
    assert.ok(witness.length <= 400, "all were accepted: none met the kill");
    for (const messages of Map.groupBy(found, ({ key }) => key).values()) {
      const order = messages.map(({ id }) => id);
      assert.deepEqual(order, order.toSorted());
    }
  });

  test("down at the start: calls say so, live readers wait, and all goes on when it comes", async () => {
    await kafka.kill();
    const log = open("late");
    await assert.rejects(log.append([message("1")], CALL), isBusy);
    await assert.rejects(log.heads(CALL), isBusy);
    await assert.rejects(log.topics(CALL), isBusy);
    assert.equal(log.system, "Apache Kafka");
    const stop = new AbortController();
    const reading = (async () => {
      const call = { ...CALL, signal: stop.signal };
      for await (const { messages } of log.read({ from: BEGINNING, live: true }, call)) {
        if (messages.length > 0) return messages.map(({ id }) => id);
      }
      return [];
    })();
    await kafka.restart();
    const [place] = await append(log, message("1"));
    assert.equal(place?.isRepeat, false);
    assert.deepEqual(await reading, ["1"]);
    await assert.rejects(open("nobody", { brokers: ["127.0.0.1:1"] }).tails(CALL), isBusy);
  });

  test("a read of what there is gives up in the end, a live one ends when it is stopped", async () => {
    const log = open("gone");
    await append(log, message("1"));
    await kafka.kill();
    await assert.rejects(history(log), isBusy);
    const stop = new AbortController();
    const waiting = Array.fromAsync(log.read({ from: BEGINNING, live: true }, { ...CALL, signal: stop.signal }));
    await assert.rejects(log.append([message("2")], CALL), isBusy);
    stop.abort();
    assert.deepEqual(await waiting, []);
    await log.close();
  });
});

describe("a cluster that loses a broker", { skip: kafka.unavailable ?? false }, () => {
  test("writers and readers go on with the brokers that are left", async (t) => {
    const cluster = await startKafka({ brokers: 2 });
    if (cluster.unavailable !== undefined) return;
    t.after(() => cluster.stop());
    const { brokers } = cluster;
    // Others take the lead when the cluster has noticed, which a busy machine does late.
    const patient = { brokers, topics: { mode: "one", partitions: 6 }, retries: 60 } as const;
    const [log, reader] = [1, 2].map(() => createKafkaLog(patient));
    t.after(() => Promise.all([log!.close(), reader!.close()]));
    const stop = new AbortController();
    const found: Recorded[] = [];
    const append = (from: number): Promise<unknown> => {
      const batch = Array.from({ length: 60 }, (_, i) => message(String(from + i), { key: `key ${i % 12}` }));
      return log!.append(batch, CALL);
    };
    await append(0);
    for await (const { messages } of reader!.read({ from: BEGINNING, live: true }, { ...CALL, signal: stop.signal })) {
      found.push(...messages);
      if (found.length === 60) {
        // Leaders of half of the partitions; the reader waits for news from both.
        await cluster.kill(1);
        await append(60);
      }
      if (found.length === 120) {
        await cluster.restart(1);
        await append(120);
      }
      if (found.length === 180) stop.abort();
    }
    assert.equal(new Set(found.map(({ id }) => id)).size, 180);
    assert.equal(new Set(found.map(({ partition }) => partition)).size, 6);
    for (const messages of Map.groupBy(found, ({ key }) => key).values()) {
      const order = messages.map(({ id }) => Number(id));
      assert.deepEqual(
        order,
        order.toSorted((a, b) => a - b),
      );
    }
  });
});
