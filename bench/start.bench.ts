import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { Bench } from "./bench.ts";
import { BUILT, memoryOf, startGyre } from "./servers.ts";

const ROOT = fileURLToPath(new URL("../", import.meta.url));
/** As many as `npm run demo` writes. */
const DATASETS = "6";
const IDLE_MS = 5000;

export const bench: Bench = {
  summary: "gyre serve as it is published (dist/), over an archive like the demo's, without PostgreSQL",
  async prepare(log) {
    log("building dist/");
    execFileSync(process.execPath, ["scripts/build.ts"], { cwd: ROOT, stdio: ["ignore", "ignore", "inherit"] });
    const folder = mkdtempSync(join(tmpdir(), "gyre-start-"));
    const archive = join(folder, "archive");
    execFileSync(process.execPath, [BUILT, "generate", DATASETS, "--format", "netcdf", "--out", archive], { stdio: "ignore" });

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

    const known = mkdtempSync(join(folder, "data-"));
    await (await startGyre(archive, { built: true, dataDir: known })).stop();
    const limit = { most: 1000, goal: 400 };
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
      ],
      close: async () => rmSync(folder, { recursive: true }),
    };
  },
};
