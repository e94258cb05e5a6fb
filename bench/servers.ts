import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

export interface Server {
  readonly url: URL;
  readonly pid: number;
  stop(): Promise<void>;
}

export interface GyreOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** Keeps ids and indexes there; without it in a folder that lasts as long as the server. */
  readonly dataDir?: string;
  /** The built program, as it is published; else the source. */
  readonly built?: boolean;
  /** When it is taken for started: when it listens, or when all sources have been looked through. Default: ready. */
  readonly until?: "listening" | "ready";
}

export const BUILT = fileURLToPath(new URL("../dist/bin/gyre.js", import.meta.url));
const SOURCE = fileURLToPath(new URL("../bin/gyre.ts", import.meta.url));

/** A node over one folder or file, in a process of its own. */
export async function startGyre(source: string, options: GyreOptions = {}): Promise<Server> {
  const { env = {}, built = false, until = "ready" } = options;
  if (built && !existsSync(BUILT)) throw new Error("not measured: there is no dist/ (npm run build)");
  const dataDir = options.dataDir ?? mkdtempSync(join(tmpdir(), "gyre-bench-"));
  const args = ["serve", source, "--host", "127.0.0.1", "--port", "0", "--data-dir", dataDir, "--json"];
  const child = spawn(process.execPath, [built ? BUILT : SOURCE, ...args], {
    cwd: dataDir,
    env: { ...process.env, GYRE_DATABASE: "none", ...env },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const url = await announced(child, (line) => {
    const event = JSON.parse(line) as { event: string; url: string };
    return event.event === until ? event.url : undefined;
  });
  const stop = async (): Promise<void> => {
    await ended(child);
    if (options.dataDir === undefined) rmSync(dataDir, { recursive: true, force: true });
  };
  return { url, pid: child.pid!, stop };
}

/** xpublish with its Zarr plugin, one process, over the files of a folder; datasets are named by their files. */
export async function startXpublish(python: string, folder: string, codec: "none" | "zstd"): Promise<Server> {
  const script = fileURLToPath(new URL("python/xpublish_server.py", import.meta.url));
  const child = spawn(python, [script, folder, codec], { stdio: ["ignore", "pipe", "inherit"] });
  const url = await announced(child, (line) => /^listening (.*)$/.exec(line)?.[1]);
  return { url, pid: child.pid!, stop: () => ended(child) };
}

/** stac-fastapi-pgstac, one process, over the database that the environment names. */
export async function startPgstac(python: string, env: Readonly<Record<string, string>>): Promise<Server> {
  const script = fileURLToPath(new URL("python/pgstac_server.py", import.meta.url));
  const child = spawn(python, [script], { env: { ...process.env, ...env }, stdio: ["ignore", "pipe", "inherit"] });
  const url = await announced(child, (line) => /^listening (.*)$/.exec(line)?.[1]);
  return { url, pid: child.pid!, stop: () => ended(child) };
}

async function announced(child: ChildProcess, find: (line: string) => string | undefined): Promise<URL> {
  const lines = createInterface({ input: child.stdout! });
  for await (const line of lines) {
    const url = find(line);
    if (url === undefined) continue;
    child.stdout!.resume();
    return new URL(url);
  }
  throw new Error("a server ended before it listened");
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = once(child, "exit");
  child.kill("SIGTERM");
  await exit;
}

/** Megabytes of a process as the kernel counts them: `VmRSS` now, `VmHWM` at its most. */
export function memoryOf(pid: number, field: "VmRSS" | "VmHWM"): number {
  const text = readFileSync(`/proc/${pid}/status`, "utf8");
  return Number(new RegExp(`^${field}:\\s+(\\d+) kB`, "m").exec(text)?.[1] ?? Number.NaN) / 1024;
}
