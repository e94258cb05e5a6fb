/** An engine in a process of its own: drains on SIGTERM, and is killed by tests at any moment. */
import { connect, type ServerAddress } from "../../../src/db/postgres.ts";
import { startEngine } from "../../../src/flows/engine/engine.ts";
import { QUEUES, scriptFlow } from "./script.ts";

export interface WorkerProcess {
  readonly address: ServerAddress;
  readonly schema: string;
  readonly scratch: string;
  readonly listen: readonly string[] | "all" | "none";
  readonly concurrency: number;
  readonly recycleAfter?: number;
  readonly memoryBytes?: number;
  readonly drainMs?: number;
}

const { address, schema, drainMs = 0, ...options } = JSON.parse(process.argv[2] ?? "") as WorkerProcess;
const pool = await connect({ ...address, schema, max: 4, onError: () => undefined });
const engine = await startEngine({
  ...options,
  pool,
  server: address,
  flows: [scriptFlow(pool)],
  queues: QUEUES,
  retentionDays: 1,
  onError: (error) => console.error(String(error)),
});
const close = async (word: string): Promise<void> => {
  await engine.close({ drainMs });
  await pool.close();
  process.stdout.write(`${word}\n`);
};
process.once("SIGTERM", () => void close("drained"));
void engine.recycled.then((reason) => close(`recycled: ${reason}`));
process.stdout.write("ready\n");
