import { after } from "node:test";
import { createKafkaLog, type KafkaOptions } from "../../../src/log/kafka.ts";
import { testEventLog } from "../../contract/event-log.ts";
import { startKafka } from "../../services/kafka.ts";

const kafka = await startKafka();
after(async () => {
  if (kafka.unavailable === undefined) await kafka.stop();
});

const foreign = "Kafka knows no ids: repeats of another process are left to the projections";
const contract = {
  unavailable: kafka.unavailable,
  skip: [
    { test: "an id that is there is not appended again", reason: foreign },
    { test: "of many who append one id at once, one succeeds", reason: foreign },
  ],
};

function test(name: string, topics: KafkaOptions["topics"]): void {
  testEventLog(
    name,
    async () => {
      const brokers = kafka.unavailable === undefined ? kafka.brokers : [];
      const make = () => createKafkaLog({ brokers, topics, refreshMs: 200 });
      return { log: make(), another: async () => make() };
    },
    contract,
  );
}

test("Kafka, one topic", { mode: "one" });
test("Kafka, one topic of one partition", { mode: "one", name: "single", partitions: 1 });
test("Kafka, topic by topic", { mode: "each", prefix: "each." });
test("Kafka, topic by topic, three partitions", { mode: "each", prefix: "three.", partitions: 3 });
