import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { zstdDecompress } from "node:zlib";
import { peer } from "../scripts/peers.ts";
import { type Bench, needed, type Peer, type Row } from "./bench.ts";
import { benchData } from "./data.ts";
import { requestsPerSecond } from "./load.ts";
import { startGyre, startXpublish } from "./servers.ts";

const VARIABLES = [
  { name: "small", what: "221 kB", chunks: 240 },
  { name: "large", what: "1.3 MB", chunks: 40 },
] as const;
type Variable = (typeof VARIABLES)[number];

/** What xpublish keeps unless told otherwise; with no more, both sides decode and encode whatever they are asked for. */
const CACHE = "1000000";
const MOST_DELAY_MS = 20;

const decompress = promisify(zstdDecompress);
const DATASET = "/datasets/packed/zarr";

function pathsOf({ name, chunks }: Variable): string[] {
  return Array.from({ length: chunks }, (_, n) => `${DATASET}/${name}/c/${n}/0/0`);
}

async function fetched(base: URL, path: string): Promise<Response> {
  const response = await fetch(new URL(path, base));
  assert.equal(response.status, 200, `${base} answers ${response.status} to ${path}`);
  return response;
}

/** Both say that their chunks are little-endian values in Zstandard, and they decode to the same bytes. */
async function assertSame(ours: URL, theirs: URL, variable: Variable): Promise<void> {
  for (const base of [ours, theirs]) {
    const metadata = await fetched(base, `${DATASET}/${variable.name}/zarr.json`);
    const { codecs } = (await metadata.json()) as { codecs: readonly { name: string }[] };
    assert.deepEqual(
      codecs.map(({ name }) => name),
      ["bytes", "zstd"],
    );
  }
  for (const path of pathsOf(variable).filter((_, n) => n % 13 === 0)) {
    const [own, other] = await Promise.all(
      [ours, theirs].map(async (base) => decompress(await (await fetched(base, path)).arrayBuffer())),
    );
    assert.ok(own!.equals(other!), `xpublish answers other values to ${path}`);
  }
}

/** The longest time for which the node's main thread did not get round to anything, since this was last asked. */
async function longestDelay(base: URL): Promise<number> {
  const text = await (await fetched(base, "/metrics")).text();
  const seconds = /^nodejs_eventloop_delay_max_seconds (\S+)$/m.exec(text)?.[1];
  assert.ok(seconds !== undefined, "no event-loop delay in /metrics");
  return Number(seconds) * 1000;
}

export const bench: Bench = {
  summary: "deflated chunks decoded and encoded with Zstandard, over HTTP, 8 connections, one server process each",
  async prepare(log) {
    const wrk = needed(peer("wrk"));
    const folder = fileURLToPath(benchData("packed", log));
    const keeping = await startGyre(folder);
    const gyre = await startGyre(folder, { env: { GYRE_LIMITS__CACHE: CACHE } });
    const python = peer("xpublish");
    const xpublish = "program" in python ? await startXpublish(python.program, folder, "zstd") : undefined;
    const rate = (base: URL, variable: Variable) => (): Promise<number> =>
      requestsPerSecond(base, pathsOf(variable), { program: wrk });
    const beside = (own: URL, variable: Variable): Peer | { name: string; missing: string } =>
      xpublish === undefined
        ? { name: "xpublish", missing: "missing" in python ? python.missing : "" }
        : {
            name: "xpublish",
            floor: 5,
            goal: 10,
            measure: rate(xpublish.url, variable),
            same: () => assertSame(own, xpublish.url, variable),
          };
    const row = (own: URL, variable: Variable, how: string): Row => ({
      name: `chunks of ${variable.what}, ${how}`,
      unit: "/s",
      kind: "rate",
      ours: rate(own, variable),
      peer: beside(own, variable),
    });
    const rows = [
      ...VARIABLES.map((variable) => row(keeping.url, variable, "asked for again")),
      ...VARIABLES.map((variable) => row(gyre.url, variable, "computed each time")),
    ];
    const delays = VARIABLES.map(
      (variable): Row => ({
        name: `longest event-loop delay, ${variable.what}`,
        unit: "ms",
        kind: "time",
        limit: { most: MOST_DELAY_MS },
        async ours() {
          await longestDelay(gyre.url);
          await rate(gyre.url, variable)();
          return longestDelay(gyre.url);
        },
      }),
    );
    return {
      rows: [...rows, ...delays],
      async close() {
        await keeping.stop();
        await gyre.stop();
        await xpublish?.stop();
      },
    };
  },
};
