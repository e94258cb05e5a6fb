import { type ChildProcess, type ChildProcessByStdio, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import type { TestContext } from "node:test";
import { fileURLToPath } from "node:url";
import { atEnd } from "../db/server-process.ts";

export const GYRE = fileURLToPath(new URL("../../bin/gyre.ts", import.meta.url));

export interface Ran {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** The variables of a shell without any of Gyre's. */
function environment(env: Readonly<Record<string, string>>): NodeJS.ProcessEnv {
  const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith("GYRE_"));
  return { ...Object.fromEntries(inherited), NODE_NO_WARNINGS: "1", GYRE_DATABASE: "none", ...env };
}

/** Runs a command line in a folder to its end. */
export async function gyre(
  folder: string,
  argv: readonly string[],
  env: Record<string, string> = {},
  uid?: number,
): Promise<Ran> {
  const child = spawn(process.execPath, [GYRE, ...argv], {
    cwd: folder,
    env: environment(env),
    stdio: ["ignore", "pipe", "pipe"],
    ...(uid === undefined ? {} : { uid }),
  });
  const [out, err] = [child.stdout, child.stderr].map(async (stream) =>
    Buffer.concat(await stream.toArray()).toString(),
  );
  const [code] = (await once(child, "exit")) as [number | null];
  return { code, out: (await out)!, err: (await err)! };
}

/** Starts `gyre serve` with what is given, for as long as the test. */
export function started(
  t: TestContext,
  folder: string,
  argv: readonly string[],
): ChildProcessByStdio<null, Readable, Readable> {
  const child = spawn(process.execPath, [GYRE, "serve", ...argv], {
    cwd: folder,
    env: environment({}),
    stdio: ["ignore", "pipe", "pipe"],
  });
  atEnd(t, () => killed(child));
  return child;
}

/** Kills what a test started, and waits until it can write nothing any more. */
export async function killed(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, "exit");
  child.kill("SIGKILL");
  await exited;
}

export interface Event {
  readonly event: string;
  readonly url: string;
  readonly datasets: number;
  readonly problems: number;
  readonly [key: string]: unknown;
}

export interface Serving {
  readonly child: ChildProcess;
  /** The next event of this kind. Throws with what was said when the process ends before. */
  event(name: string): Promise<Event>;
  /** Everything that went to standard error so far. */
  err(): string;
  /** Sends a signal and answers the exit code, when all that the process said is read. */
  stop(signal?: NodeJS.Signals): Promise<number | null>;
}

/** Starts `gyre serve --json` on a free port. */
export function serving(t: TestContext, folder: string, argv: readonly string[]): Serving {
  const child = started(t, folder, [...argv, "--port", "0", "--json"]);
  const ended = once(child, "close") as Promise<[number | null]>;
  let said = "";
  child.stderr.on("data", (bytes) => (said += bytes));
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    child,
    async event(name) {
      for (;;) {
        const { done, value } = await lines.next();
        if (done) throw new Error(`gyre serve ended before "${name}": ${said}`);
        const event = JSON.parse(value) as Event;
        if (event.event === name) return event;
      }
    },
    err: () => said,
    async stop(signal = "SIGTERM") {
      child.kill(signal);
      return (await ended)[0];
    },
  };
}

export function temporary(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), "gyre-cli-"));
  atEnd(t, () => rmSync(folder, { recursive: true, force: true }));
  return folder;
}
