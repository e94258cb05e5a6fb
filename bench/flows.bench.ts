import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { peer } from "../scripts/peers.ts";
import { ANONYMOUS, type Call } from "../src/core/principal.ts";
import { startEmbedded } from "../src/db/embedded.ts";
import { connect } from "../src/db/postgres.ts";
import { startEngine } from "../src/flows/engine/engine.ts";
import type { Flow } from "../src/flows/flow.ts";
import type { Bench, MissingPeer, Peer, Row } from "./bench.ts";
import { type CelerySide, startCelery } from "./flows/celery.ts";
import { BEGUN, CHAIN, CHORD } from "./flows/flows.ts";

const CONCURRENCY = 4;
const STEPS = 1_000;
const FLOWS = 20;
const STEPS_OF_FLOW = 50;
const LINKS = 100;
const STARTS = 50;
const CALL: Call = { who: ANONYMOUS };
const WORKER = fileURLToPath(new URL("flows/worker.ts", import.meta.url));

/** Submits from this process, runs in another. */
interface OwnSide {
  run(flow: Flow<number, number>, input: number): Promise<number>;
  stop(): Promise<void>;
}

async function startOwn(): Promise<OwnSide> {
  const folder = await mkdtemp(join(tmpdir(), "gyre-bench-flows-"));
  // The server's user must be able to enter it.
  await chmod(folder, 0o755);
  const server = await startEmbedded({ folder });
  const { address } = server;
  const pool = await connect({ ...address, schema: "bench" });
  const engine = await startEngine({
    pool,
    server: address,
    flows: [CHORD, CHAIN, BEGUN],
    queues: [],
    listen: "none",
    concurrency: 0,
    scratch: folder,
    retentionDays: 1,
    onError: (error) => console.error(error),
  });
  const order = { address, schema: "bench", scratch: folder, concurrency: CONCURRENCY };
  const worker = spawn(process.execPath, [WORKER, JSON.stringify(order)], { stdio: ["ignore", "pipe", "inherit"] });
  await once(worker.stdout, "data");
  return {
    async run(flow, input) {
      const { id } = await engine.runs.start(flow, input, CALL);
      const settled = await engine.runs.settled(id, CALL);
      if (settled?.ok !== true) throw new Error(settled?.error.message);
      return Number(settled.value);
    },
    async stop() {
      const exit = once(worker, "exit");
      worker.kill("SIGTERM");
      await exit;
      await engine.close();
      await pool.close();
      await server.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function startPeer(): Promise<CelerySide | MissingPeer> {
  const name = "Celery + Redis";
  const [python, redis] = [peer("celery"), peer("redis")];
  if ("missing" in python) return { name, missing: python.missing };
  if ("missing" in redis) return { name, missing: redis.missing };
  return startCelery(python.program, redis.program, CONCURRENCY);
}

export const bench: Bench = {
  summary: `flows of steps that do nothing, ${CONCURRENCY} steps at once, one worker each`,
  async prepare() {
    const own = await startOwn();
    const other = await startPeer();
    const beside = (
      work: (celery: CelerySide) => Promise<number>,
      same: (celery: CelerySide) => Promise<void>,
    ): Peer | MissingPeer =>
      "missing" in other
        ? other
        : { name: "Celery + Redis", floor: 1, goal: 2, measure: () => work(other), same: () => same(other) };
    const rows: Row[] = [
      {
        name: `a chord of ${STEPS} steps`,
        unit: "steps/s",
        kind: "rate",
        ours: async () => STEPS / (await secondsOf(() => own.run(CHORD, STEPS))),
        peer: beside(
          async (celery) => STEPS / (await celery.call("chord", STEPS)).seconds,
          async (celery) => assert.equal((await celery.call("chord", 10)).result, await own.run(CHORD, 10)),
        ),
      },
      {
        name: `${FLOWS} chords of ${STEPS_OF_FLOW} steps at once`,
        unit: "steps/s",
        kind: "rate",
        async ours() {
          const all = (): Promise<unknown> =>
            Promise.all(Array.from({ length: FLOWS }, () => own.run(CHORD, STEPS_OF_FLOW)));
          return (FLOWS * STEPS_OF_FLOW) / (await secondsOf(all));
        },
        peer: beside(
          async (celery) => (FLOWS * STEPS_OF_FLOW) / (await celery.call("flows", FLOWS, STEPS_OF_FLOW)).seconds,
          async () => undefined,
        ),
      },
      {
        name: `a chain of ${LINKS} steps`,
        unit: "steps/s",
        kind: "rate",
        ours: async () => LINKS / (await secondsOf(() => own.run(CHAIN, LINKS))),
        peer: beside(
          async (celery) => LINKS / (await celery.call("chain", LINKS)).seconds,
          async (celery) => assert.equal((await celery.call("chain", 10)).result, await own.run(CHAIN, 10)),
        ),
      },
      {
        name: `from submitting to the first step's begin, median of ${STARTS}`,
        unit: "ms",
        kind: "time",
        async ours() {
          const waits: number[] = [];
          for (let i = 0; i < STARTS; i++) {
            const start = performance.timeOrigin + performance.now();
            waits.push((await own.run(BEGUN, i)) - start);
          }
          return waits.sort((a, b) => a - b)[STARTS >> 1] ?? Number.NaN;
        },
        peer: beside(
          async (celery) => (await celery.call("latency", STARTS)).result,
          async () => undefined,
        ),
      },
    ];
    return {
      rows,
      async close() {
        if (!("missing" in other)) await other.stop();
        await own.stop();
      },
    };
  },
};

async function secondsOf(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return (performance.now() - start) / 1000;
}
