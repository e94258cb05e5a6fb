import { startKafka } from "../test/services/kafka.ts";
import type { Bench, Row } from "./bench.ts";
import { type Playground, startPlayground } from "./playground.ts";

/** Records of the long run. */
const SUSTAINED = Number(process.env.BENCH_ITEMS ?? 20_000);
const RECORDS = 1000;
/** As `gyre generate --publish` sends them. */
const EACH = 100;
const AT_ONCE = 4;

export const bench: Bench = {
  summary: `gyre playground: ${RECORDS} CMIP6 and CORDEX records from the first POST until three nodes find them`,
  async prepare(log) {
    const kafka = await startKafka();
    let running: { readonly name: string; readonly playground: Playground } | undefined;
    const stop = async (): Promise<void> => {
      await running?.playground.stop();
      running = undefined;
    };
    /** One at a time: an idle playground takes its part of the machine. */
    const playground = (name: string, brokers?: string) => async (): Promise<Playground> => {
      if (running?.name !== name) {
        await stop();
        running = { name, playground: await startPlayground(brokers) };
        // Nobody is measured cold.
        await running.playground.publish(RECORDS, EACH, AT_ONCE);
      }
      return running.playground;
    };
    if (kafka.unavailable !== undefined) log(`log in Kafka: not measured (${kafka.unavailable})`);
    return {
      rows: [
        ...rowsOf("log in PostgreSQL", playground("PostgreSQL")),
        ...(kafka.unavailable === undefined ? rowsOf("log in Kafka", playground("Kafka", kafka.brokers.join())) : []),
      ],
      async close() {
        await stop();
        if (kafka.unavailable === undefined) await kafka.stop();
      },
    };
  },
};

function rowsOf(name: string, playground: () => Promise<Playground>): Row[] {
  const limit = { most: 2, goal: 0.5 };
  const visible = async (each: number, atOnce: number): Promise<number> => {
    const { visibleMs } = await (await playground()).publish(RECORDS, each, atOnce);
    return visibleMs / 1000;
  };
  let behind = 0;
  return [
    {
      name: `${RECORDS} records, ${EACH} a request, one request after the other; ${name}`,
      unit: "s",
      kind: "time",
      limit,
      ours: () => visible(EACH, 1),
    },
    {
      name: `${RECORDS} records, one a request, 16 at once; ${name}`,
      unit: "s",
      kind: "time",
      limit,
      ours: () => visible(1, 16),
    },
    {
      name: `${SUSTAINED} records, ${EACH} a request, ${AT_ONCE} at once: time for ${RECORDS}; ${name}`,
      unit: "ms",
      kind: "time",
      limit: { most: 1000, goal: 333 },
      rounds: 2,
      async ours() {
        const published = await (await playground()).publish(SUSTAINED, EACH, AT_ONCE);
        behind = published.behind;
        return (published.visibleMs / SUSTAINED) * RECORDS;
      },
    },
    {
      name: `of these, messages that the three nodes lag behind at the last answer; ${name}`,
      unit: "messages",
      kind: "time",
      rounds: 1,
      ours: async () => behind,
    },
  ];
}
