/** A worker in a process of its own, as `gyre worker` is. */
import { connect, type ServerAddress } from "../../src/db/postgres.ts";
import { startEngine } from "../../src/flows/engine/engine.ts";
import { BEGUN, CHAIN, CHORD } from "./flows.ts";

const { address, schema, scratch, concurrency } = JSON.parse(process.argv[2] ?? "") as {
  readonly address: ServerAddress;
  readonly schema: string;
  readonly scratch: string;
  readonly concurrency: number;
};
const pool = await connect({ ...address, schema });
const engine = await startEngine({
  pool,
  server: address,
  flows: [CHORD, CHAIN, BEGUN],
  queues: [],
  listen: "all",
  concurrency,
  scratch,
  retentionDays: 1,
  onError: (error) => console.error(error),
});
process.once("SIGTERM", async () => {
  await engine.close();
  await pool.close();
});
process.stdout.write("ready\n");
