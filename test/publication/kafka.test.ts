import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { createCatalogProjection } from "../../src/catalog/projection.ts";
import { ERROR_TOPIC, topicFilter } from "../../src/core/topic.ts";
import { createKafkaLog } from "../../src/log/kafka.ts";
import { CALL, messageOf, startFollowing } from "../log/following.ts";
import { startKafka } from "../services/kafka.ts";
import { testDatabase } from "../services/postgres.ts";
import { itemOf, newDatabase, startNode, until } from "./nodes.ts";

const DATA = process.env.GYRE_DATA ?? join(import.meta.dirname, "../../../shared/data");
const REAL = join(DATA, "stac", "esgf");

const kafka = await startKafka();

describe("a node beside Apache Kafka", { skip: kafka.unavailable ?? false }, () => {
  if (kafka.unavailable !== undefined) return;
  const { brokers, tool } = kafka;
  after(() => kafka.stop());
  const at = ["--bootstrap-server", brokers[0]!];

  /** As somebody else's producer writes: values alone, neither key nor header. */
  async function put(topic: string, ...values: readonly string[]): Promise<void> {
    const producer = "org.apache.kafka.tools.ConsoleProducer";
    await tool(producer, [...at, "--topic", topic], Buffer.from(values.map((value) => `${value}\n`).join("")));
  }

  test("consumes the founding system's events and its successor's, whoever wrote them", async (t) => {
    const historical = "esgf.CMIP6.historical.MODEL";
    const founding = (item: object, method = "POST") => ({
      metadata: {
        auth: { client_id: "c", server: "auth.example" },
        publisher: { package: "esgf_generator", version: "0.2.0" },
        time: "2024-03-01T12:00:00.000000",
        schema_version: "1.0.0",
      },
      data: { type: "STAC", version: "1.0.0", payload: { method, collection_id: "things", item } },
    });
    const writer = createKafkaLog({ brokers, topics: { mode: "each", prefix: "esgf." } });
    t.after(() => writer.close());
    const event = (id: string, experiment: string): string => JSON.stringify(founding(itemOf(id, experiment)));
    await writer.append(
      [
        messageOf("1", { topic: "CMIP6.historical.MODEL", value: event("new", "historical") }),
        { ...messageOf("bytes", { topic: "CMIP6.historical.MODEL" }), value: Uint8Array.of(0xff, 0xfe) },
        messageOf("2", { topic: "CMIP6.ssp585.MODEL", value: event("other", "ssp585") }),
      ],
      CALL,
    );
    const isReal = existsSync(REAL);
    const [name = ""] = isReal ? readdirSync(REAL) : [];
    const real = isReal ? [JSON.stringify(JSON.parse(readFileSync(join(REAL, name), "utf8")))] : [];
    if (!isReal) t.diagnostic("without the real event: no shared data");
    await put(historical, event("old", "historical"), "neither JSON", ...real);

    const node = await startNode(t, {
      name: "reader",
      database: await newDatabase(t),
      follow: [{ log: { brokers, perFacet: true, prefix: "esgf." }, topics: ".*\\.historical\\..*" }],
      catalog: { writable: false },
    });
    const count = isReal ? 3 : 2;
    await until(async () => (await node.count()) === count);
    assert.equal((await node.get("stac/collections/things/items/old")).status, 200);
    type Errors = {
      errors: { event: { original_encoding: string; error_type: string; original: { topic: string } } }[];
    };
    await until(async () => (await node.json<Errors>("events/errors")).errors.length === 2);
    const { errors } = await node.json<Errors>("events/errors");
    assert.deepEqual(
      errors.map(({ event }) => [event.error_type, event.original.topic, event.original_encoding]).sort(),
      [
        ["payload", "CMIP6.historical.MODEL", "base64"],
        ["payload", "CMIP6.historical.MODEL", "utf-8"],
      ],
    );
  });

  test("tells of a message that is too large to be quoted by where it lies", async (t) => {
    const db = await testDatabase(t, { migrations: ["node"], max: 12 });
    const errors = ["--topic", `large.${ERROR_TOPIC}`, "--config", "max.message.bytes=3000"];
    await tool("org.apache.kafka.tools.TopicCommand", [...at, "--create", ...errors]);
    const log = createKafkaLog({ brokers, topics: { mode: "each", prefix: "large." }, refreshMs: 500 });
    t.after(() => log.close());
    const large = messageOf("large", { value: randomBytes(3000).toString("base64") });
    await log.append([messageOf("before"), large, messageOf("behind")], CALL);
    const projection = createCatalogProjection({ topics: topicFilter(".*") });
    const following = startFollowing(t, { log, db, projection });
    await following.until(({ failed }) => failed === 3);
    await following.stop();
    const batches = await Array.fromAsync(log.read({ topics: topicFilter(ERROR_TOPIC), from: {} }, CALL));
    const told = batches.flatMap(({ messages }) =>
      messages.map(({ value }) => JSON.parse(new TextDecoder().decode(value))),
    );
    assert.deepEqual(
      told.map(({ original, original_payload }) => [original.offset, original_payload]),
      [
        [0, "before"],
        [1, ""],
        [2, "behind"],
      ],
    );
  });
});
