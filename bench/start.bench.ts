import { execFileSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { Bench, Row } from "./bench.ts";
import { BUILT, memoryOf, startGyre } from "./servers.ts";

const ROOT = fileURLToPath(new URL("../", import.meta.url));
/** As many as `npm run demo` writes. */
const DATASETS = "6";
const IDLE_MS = 5000;
const POLL_MS = 5;
const WITH_DATABASE = { GYRE_DATABASE: "embedded" };
/** Answered from the database only. */
const CATALOGUE = "/stac/collections";

export const bench: Bench = {
  summary: "gyre serve as it is published (dist/), over an archive like the demo's, without and with its PostgreSQL",
  async prepare(log) {
    log("building dist/");
    execFileSync(process.execPath, ["scripts/build.ts"], { cwd: ROOT, stdio: ["ignore", "ignore", "inherit"] });
    const folder = mkdtempSync(join(tmpdir(), "gyre-start-"));
    // Root's PostgreSQL is another user's, who must be able to enter it.
    chmodSync(folder, 0o755);
    const archive = join(folder, "archive");
    execFileSync(process.execPath, [BUILT, "generate", DATASETS, "--format", "netcdf", "--out", archive], {
      stdio: "ignore",
    });

    /** Milliseconds from the start of the process to the whole of the first answer. */
    async function untilAnswer(dataDir: string | undefined): Promise<number> {
      const start = performance.now();
      const options = { built: true, until: "listening" } as const;
      const server = await startGyre(archive, dataDir === undefined ? options : { ...options, dataDir });
      await (await fetch(new URL("/datasets", server.url))).arrayBuffer();
      const ms = performance.now() - start;
      await server.stop();
      return ms;
    }

    async function idle(): Promise<number> {
      const server = await startGyre(archive, { built: true });
      await (await fetch(new URL("/datasets", server.url))).arrayBuffer();
      await sleep(IDLE_MS);
      const megabytes = memoryOf(server.pid, "VmRSS");
      await server.stop();
      return megabytes;
    }

    let folders = 0;
    const newFolder = (): string => {
      folders += 1;
      const path = join(folder, `data-${folders}`);
      mkdirSync(path);
      return path;
    };

    /** Milliseconds from the start of the process, with PostgreSQL, to the whole of the first good answer at `path`. */
    async function untilAnswerOf(path: string, dataDir: string): Promise<number> {
      const start = performance.now();
      const server = await startGyre(archive, { built: true, until: "listening", dataDir, env: WITH_DATABASE });
      while (!(await answers(new URL(path, server.url)))) await sleep(POLL_MS);
      const ms = performance.now() - start;
      await server.stop();
      return ms;
    }

    async function idleWithDatabase(): Promise<number> {
      const dataDir = newFolder();
      const server = await startGyre(archive, { built: true, dataDir, env: WITH_DATABASE });
      while (!(await answers(new URL(CATALOGUE, server.url)))) await sleep(POLL_MS);
      await sleep(IDLE_MS);
      const pids = [server.pid, ...serverPids(dataDir)];
      const megabytes = pids.reduce((sum, pid) => sum + memoryOf(pid, "VmRSS"), 0);
      await server.stop();
      return megabytes;
    }

    const known = newFolder();
    await (await startGyre(archive, { built: true, dataDir: known })).stop();
    const withDatabase = newFolder();
    await untilAnswerOf(CATALOGUE, withDatabase);
    const limit = { most: 1000, goal: 400 };
    const rowsWithDatabase: readonly Row[] = [
      {
        name: "first answer, first start, with PostgreSQL",
        unit: "ms",
        kind: "time",
        limit,
        ours: () => untilAnswerOf("/datasets", newFolder()),
      },
      {
        name: "first answer, restart, with PostgreSQL",
        unit: "ms",
        kind: "time",
        limit,
        ours: () => untilAnswerOf("/datasets", withDatabase),
      },
      {
        name: "first answer of the catalogue, restart",
        unit: "ms",
        kind: "time",
        limit,
        ours: () => untilAnswerOf(CATALOGUE, withDatabase),
      },
      {
        name: "first answer of the catalogue, first start",
        unit: "ms",
        kind: "time",
        ours: () => untilAnswerOf(CATALOGUE, newFolder()),
      },
      {
        name: "resident memory of node and PostgreSQL after 5 s idle",
        unit: "MB",
        kind: "time",
        limit: { most: 250, goal: 180 },
        rounds: 2,
        ours: idleWithDatabase,
      },
    ];
    return {
      rows: [
        { name: "first answer, first start", unit: "ms", kind: "time", limit, ours: () => untilAnswer(undefined) },
        { name: "first answer, restart", unit: "ms", kind: "time", limit, ours: () => untilAnswer(known) },
        {
          name: "resident memory after 5 s idle",
          unit: "MB",
          kind: "time",
          limit: { most: 120 },
          rounds: 2,
          ours: idle,
        },
        ...rowsWithDatabase,
      ],
      close: async () => rmSync(folder, { recursive: true }),
    };
  },
};

async function answers(url: URL): Promise<boolean> {
  const answer = await fetch(url);
  await answer.arrayBuffer();
  return answer.ok;
}

/** The processes of a data directory's PostgreSQL. What they share is counted for each of them. */
function serverPids(dataDir: string): number[] {
  const [first] = readFileSync(join(dataDir, "postgres", "cluster", "data", "postmaster.pid"), "utf8").split("\n");
  const parents = readdirSync("/proc").flatMap((name) => (/^\d+$/.test(name) ? [[Number(name), parentOf(name)]] : []));
  return [Number(first), ...parents.filter(([, parent]) => parent === Number(first)).map(([pid]) => Number(pid))];
}

function parentOf(pid: string): number | undefined {
  try {
    return Number(/^PPid:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]);
  } catch {
    // It ended since the folder was read.
    return undefined;
  }
}
