import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { promisify } from "node:util";
import { isGyreError } from "../../../src/errors.ts";
import { createKafkaLog, type KafkaLog, type KafkaOptions } from "../../../src/log/kafka.ts";
import { startKafka } from "../../services/kafka.ts";
import { findProgram, missing } from "../../services/services.ts";
import { CALL, history, message } from "./support.ts";

const kafka = await startKafka();
const program = findProgram("kcat", []);
const noKcat = program === undefined ? missing("kcat is not installed (node scripts/services.ts install)") : undefined;
const brokers = kafka.unavailable === undefined ? kafka.brokers : [];
const folder = await mkdtemp(join(tmpdir(), "gyre-kcat-"));

after(async () => {
  if (kafka.unavailable === undefined) await kafka.stop();
  await rm(folder, { recursive: true });
});

describe("other clients of Kafka", { skip: kafka.unavailable ?? noKcat?.unavailable ?? false }, () => {
  const logs: KafkaLog[] = [];
  const open = (name: string, options: Partial<KafkaOptions> = {}): KafkaLog => {
    const log = createKafkaLog({ brokers, topics: { mode: "one", name, partitions: 5 }, ...options });
    logs.push(log);
    return log;
  };
  after(() => Promise.all(logs.map((log) => log.close())));

  const kcat = async (...options: readonly string[]): Promise<string> => {
    const { stdout } = await promisify(execFile)(program as string, ["-q", "-b", brokers.join(), ...options], {
      timeout: 180_000,
    });
    return stdout;
  };
  /** Writes the bytes as one message. */
  const put = async (topic: string, bytes: Uint8Array, ...options: readonly string[]): Promise<void> => {
    const file = join(folder, "message");
    await writeFile(file, bytes);
    await kcat("-P", "-t", topic, ...options, file);
  };

  test("kcat reads what we wrote: keys, headers, values, partitions", async () => {
    const log = open("ours");
    const messages = ["a", "b", "ü"].map((id) => message(id, { key: `cmip6/${id}`, topic: `CMIP6.historical.${id}` }));
    messages[2] = { ...messages[2]!, topic: "CMIP6.ssp245.X" };
    const appended = await log.append(messages, CALL);
    const lines = (await kcat("-C", "-t", "ours", "-e", "-f", "%p|%o|%k|%h|%s\n")).trim().split("\n");
    const wanted = messages.map(({ id, topic, key }, i) => {
      const { partition, offset } = appended[i]!;
      return `${partition.split(":")[1]}|${offset}|${key}|topic=${topic},event_id=${id}|value of ${id}`;
    });
    assert.deepEqual(lines.toSorted(), wanted.toSorted());
  });

  test("another client puts a key where we put it", async () => {
    const log = open("keys");
    const keys = Array.from({ length: 30 }, (_, i) => `cmip6/CMIP6.CMIP.item.${i ** 3}`);
    await log.append(
      keys.map((key) => message(key, { key })),
      CALL,
    );
    const file = join(folder, "keys");
    await writeFile(file, keys.map((key) => `${key}\tx\n`).join(""));
    await kcat("-P", "-t", "keys", "-K", "\t", "-l", "-X", "partitioner=murmur2", file);
    const found = Map.groupBy(await history(log), ({ key }) => key);
    assert.equal(found.size, keys.length);
    for (const [key, twins] of found) {
      assert.equal(twins.length, 2, key);
      assert.equal(twins[0]?.partition, twins[1]?.partition, key);
    }
    assert.ok(new Set([...found.values()].map(([twin]) => twin?.partition)).size > 1);
  });

  test("what others wrote is read whatever it is", async () => {
    const log = open("foreign", { topics: { mode: "one", name: "foreign", partitions: 1 } });
    await log.append([message("ours")], CALL);
    const broken = Uint8Array.of(0x7b, 0xff, 0xc3, 0x28, 0x00);
    await put("foreign", broken);
    await put("foreign", broken, "-k", "cmip6/y", "-H", "event_id=e1", "-H", "topic=CMIP6.ssp245.A", "-H", "other=1");
    await put("foreign", broken, "-H", "event_id", "-H", "topic");
    await put("foreign", broken, "-H", "topic=no topic at all", "-H", `event_id=${"x".repeat(9000)}`);
    // A tombstone: no value at all.
    await put("foreign", Buffer.from("cmip6/z\t\n"), "-K", "\t", "-l", "-Z");
    const found = await history(log);
    assert.deepEqual(
      found.map(({ id, topic, key, value }) => [id, topic, key, [...value]]),
      [
        ["ours", "CMIP6.historical.A", "cmip6/x", [...Buffer.from("value of ours")]],
        ["", "foreign", "", [...broken]],
        ["e1", "CMIP6.ssp245.A", "cmip6/y", [...broken]],
        ["", "foreign", "", [...broken]],
        ["", "foreign", "", [...broken]],
        ["", "foreign", "cmip6/z", []],
      ],
    );
    assert.ok(found.every(({ offset, time }, i) => offset === i && Math.abs(time.getTime() - Date.now()) < 600_000));
  });

  test("batches of every compression are read, also in a topic that keeps them so", async () => {
    const options = { topicSettings: { "compression.type": "producer" } };
    const log = open("compressed", { topics: { mode: "one", name: "compressed", partitions: 1 }, ...options });
    await log.append([message("0")], CALL);
    const value = Buffer.from("compressible ".repeat(5000));
    for (const codec of ["gzip", "snappy", "lz4", "zstd"]) await put("compressed", value, "-z", codec, "-k", codec);
    const [, ...found] = await history(log);
    assert.deepEqual(
      found.map(({ key }) => key),
      ["gzip", "snappy", "lz4", "zstd"],
    );
    for (const entry of found) assert.ok(value.equals(entry.value), entry.key);
  });

  test("what would explode in a reader is refused by the broker, in topics made here", async () => {
    const zeros = Buffer.alloc(64 * 1024 * 1024);
    const log = open("bombs", { topics: { mode: "one", name: "bombs", partitions: 1 } });
    const theirs = open("theirs", { topicSettings: { "compression.type": "producer" } });
    for (const each of [log, theirs]) await each.append([message("0")], CALL);
    const large = ["-z", "zstd", "-X", "message.max.bytes=100000000"];
    await put("theirs", zeros, ...large);
    await assert.rejects(put("bombs", zeros, ...large));
    assert.equal((await history(log)).length, 1);
  });

  test("Kafka's own tool writes, and sees the lag of a consumer", async () => {
    if (kafka.unavailable !== undefined) return;
    const log = open("lagging", { topics: { mode: "one", name: "lagging", partitions: 1 } });
    await log.append([message("1")], CALL);
    const at = ["--bootstrap-server", brokers.join()];
    const producer = "org.apache.kafka.tools.ConsoleProducer";
    await kafka.tool(producer, [...at, "--topic", "lagging"], Buffer.from("first line\nsecond line\n"));
    const found = await history(log);
    assert.deepEqual(
      found.map(({ value }) => Buffer.from(value).toString()),
      ["value of 1", "first line", "second line"],
    );
    await log.commit("gyre-east", { "lagging:0": 1, "of another log": 7 }, CALL);
    const groups = "org.apache.kafka.tools.consumer.group.ConsumerGroupCommand";
    const told = await kafka.tool(groups, [...at, "--describe", "--group", "gyre-east", "--timeout", "120000"]);
    // Group, topic, partition, offset, end, lag.
    assert.match(told, /gyre-east\s+lagging\s+0\s+1\s+3\s+2\s/);
  });

  test("TLS with a password, plain or by SCRAM; without the right ones nothing is written", async () => {
    if (kafka.unavailable !== undefined) return;
    const { ca, username, password, brokers: secured } = kafka.secure;
    const base = { brokers: secured, tls: { ca } };
    for (const mechanism of ["PLAIN", "SCRAM-SHA-256"] as const) {
      const log = open(`secure.${mechanism}`, { ...base, sasl: { mechanism, username, password } });
      await log.append([message("1")], CALL);
      assert.equal((await history(log))[0]?.id, "1");
      assert.match(log.system, /Kafka 4/);

      const guest = open(`guest.${mechanism}`, {
        ...base,
        retries: 2,
        sasl: { mechanism, username, password: "guess" },
      });
      await assert.rejects(guest.append([message("1")], CALL), (error) => {
        assert.ok(isGyreError(error, "Busy") && !error.message.includes("guess"));
        return /authentication/i.test(error.message) || assert.fail(error.message);
      });
    }
    const sasl = { mechanism: "PLAIN", username, password } as const;
    const stranger = open("stranger", { brokers: secured, retries: 2, tls: true, sasl });
    await assert.rejects(
      stranger.heads(CALL),
      (error) => isGyreError(error, "Busy") && /self-signed/.test(error.message),
    );
  });
});
