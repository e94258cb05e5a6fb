import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Bench, Row } from "./bench.ts";
import { benchData, type DataName } from "./data.ts";
import { memoryOf, startGyre } from "./servers.ts";

/** A source whose first start, and whose restart from what was kept, are measured in turn. */
interface Case {
  readonly data: DataName;
  readonly what: string;
  /** Paths of a document and of the first and the last chunk. */
  readonly info: string;
  readonly chunks: readonly { readonly path: string; readonly first: number }[];
}

const DAYS = "CMIP6.CMIP.Gyre.GYRE-1-0.historical.r1i1p1f1.day.tas.gn.v20260101";

const CASES: readonly Case[] = [
  {
    data: "sparse",
    what: "a NetCDF-4 file of 20 GB",
    info: "/datasets/sparse/info",
    chunks: [
      { path: "/datasets/sparse/kerchunk/chunked/9999.0.0", first: 2 },
      { path: "/datasets/sparse/kerchunk/contiguous/0.0.0", first: 1 },
    ],
  },
  {
    data: "days",
    what: "a cube of 10,000 files",
    info: `/datasets/${DAYS}/info`,
    chunks: [
      { path: `/datasets/${DAYS}/kerchunk/tas/0.0.0`, first: 0 },
      { path: `/datasets/${DAYS}/kerchunk/tas/9999.0.0`, first: 9999 },
    ],
  },
];

interface Figures {
  readonly scanned: number;
  readonly opened: number;
  readonly chunk: number;
  readonly memory: number;
}

async function run({ info, chunks }: Case, folder: string, dataDir: string): Promise<Figures> {
  const start = performance.now();
  const server = await startGyre(folder, { dataDir });
  try {
    const scanned = performance.now() - start;
    const get = async (path: string): Promise<ArrayBuffer> => {
      const response = await fetch(new URL(path, server.url));
      assert.equal(response.status, 200, `${response.status} for ${path}`);
      return response.arrayBuffer();
    };
    const before = performance.now();
    await get(info);
    const opened = performance.now() - before;
    const then = performance.now();
    for (const [i, { path, first }] of chunks.entries()) {
      const body = await get(path);
      assert.equal(new DataView(body).getFloat32(0, true), first, `chunk ${i} of ${path}`);
    }
    const chunk = (performance.now() - then) / chunks.length;
    return { scanned, opened, chunk, memory: memoryOf(server.pid, "VmHWM") };
  } finally {
    await server.stop();
  }
}

function rows(source: Case, first: Figures, again: Figures): Row[] {
  const figure = (name: string, unit: string, value: number): Row => ({
    name: `${source.what}: ${name}`,
    unit,
    kind: "time",
    rounds: 1,
    ours: async () => value,
  });
  return [
    figure("start until all is scanned", "ms", first.scanned),
    figure("open", "ms", first.opened),
    figure("a chunk, mean of two", "ms", first.chunk),
    figure("VmHWM", "MB", first.memory),
    figure("restart until all is scanned", "ms", again.scanned),
    figure("open after restart", "ms", again.opened),
    figure("a chunk after restart, mean of two", "ms", again.chunk),
    figure("VmHWM after restart", "MB", again.memory),
  ];
}

export const bench: Bench = {
  summary: "sources far larger than memory or than what is opened by hand: start, open, first chunks, restart",
  async prepare(log) {
    const all: Row[] = [];
    for (const source of CASES) {
      const folder = fileURLToPath(benchData(source.data, log));
      const dataDir = mkdtempSync(join(tmpdir(), "gyre-large-"));
      try {
        const first = await run(source, folder, dataDir);
        all.push(...rows(source, first, await run(source, folder, dataDir)));
      } finally {
        rmSync(dataDir, { recursive: true });
      }
    }
    return { rows: all, close: async () => undefined };
  },
};
