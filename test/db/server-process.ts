import assert from "node:assert/strict";
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { TestContext } from "node:test";
import { setTimeout } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { Client } from "pg";
import { type EmbeddedAddress, type EmbeddedServer, startEmbedded } from "../../src/db/embedded.ts";
import { isAlive } from "../../src/db/pid-file.ts";

const PROGRAM = fileURLToPath(new URL("attached.ts", import.meta.url));

const POLL_MS = 2;

export const IS_ROOT = process.getuid?.() === 0;

const endings = new WeakMap<TestContext, (() => unknown)[]>();

/** Like `t.after`, but what was begun last ends first. */
export function atEnd(t: TestContext, work: () => unknown): void {
  const known = endings.get(t);
  if (known !== undefined) {
    known.push(work);
    return;
  }
  const all = [work];
  endings.set(t, all);
  t.after(async () => {
    for (const each of all.reverse()) await each();
  });
}

/** A new folder that everybody may enter; removed after the test, together with the server that was left in it. */
export function newFolder(t: TestContext, prefix = "gyre-embedded-"): string {
  const folder = mkdtempSync(join(tmpdir(), prefix));
  chmodSync(folder, 0o755);
  atEnd(t, async () => {
    const pid = serverPid(folder);
    if (pid !== undefined && isAlive(pid)) {
      process.kill(pid, "SIGQUIT");
      await ended(pid);
    }
    rmSync(folder, { recursive: true, force: true, maxRetries: 10 });
  });
  return folder;
}

/** The number in the pid file of a folder's cluster. */
export function serverPid(folder: string): number | undefined {
  const path = join(folder, "cluster", "data", "postmaster.pid");
  const pid = existsSync(path) ? Number(readFileSync(path, "utf8").split("\n")[0]) : 0;
  return pid > 0 ? pid : undefined;
}

/** The user that a process runs as. */
export function userOf(pid: number | undefined): number {
  return statSync(`/proc/${pid}`).uid;
}

/** Attaches in this process, for as long as the test. */
export async function attach(
  t: TestContext,
  folder: string,
  tell?: (message: string) => void,
): Promise<EmbeddedServer> {
  const server = await startEmbedded({ folder, ...(tell === undefined ? {} : { tell }) });
  atEnd(t, () => server.close());
  return server;
}

/** Rows of one statement on a connection of its own. */
export async function ask<Row extends object>(address: EmbeddedAddress, sql: string): Promise<Row[]> {
  const client = new Client({ ...address });
  client.on("error", () => undefined);
  try {
    await client.connect();
    return (await client.query<Row>(sql)).rows;
  } finally {
    await client.end().catch(() => undefined);
  }
}

/** Another process that is attached, or could not be. */
export interface Attached {
  readonly child: ChildProcess;
  readonly address: EmbeddedAddress;
  readonly failed: string | undefined;
  readonly told: readonly string[];
  end(signal: NodeJS.Signals): Promise<number | null>;
}

export async function attachProcess(
  t: TestContext,
  folder: string,
  options: { readonly uid?: number; readonly gid?: number; readonly env?: Readonly<Record<string, string>> } = {},
): Promise<Attached> {
  const { env, ...user } = options;
  const child = spawn(process.execPath, [PROGRAM, folder], {
    ...user,
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "inherit"],
  });
  atEnd(t, () => child.kill("SIGKILL"));
  const [line] = (await once(createInterface(child.stdout), "line")) as [string];
  return {
    child,
    ...(JSON.parse(line) as Pick<Attached, "address" | "failed" | "told">),
    async end(signal) {
      const exit = once(child, "exit");
      child.kill(signal);
      const [code] = (await exit) as [number | null];
      return code;
    },
  };
}

/** A user who has nothing to do with anything here. */
export function stranger(): { uid: number; gid: number } {
  const id = (flag: string): number => Number(execFileSync("id", [flag, "nobody"], { encoding: "utf8" }));
  return { uid: id("-u"), gid: id("-g") };
}

/** Asks again and again until it is so; the test runner's limit ends one that never is. */
export async function until(isSo: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await isSo())) await setTimeout(POLL_MS);
}

/** Kills without a chance to end well, and waits until the process is gone. */
export async function kill9(pid: number | undefined): Promise<void> {
  assert.ok(pid !== undefined);
  process.kill(pid, "SIGKILL");
  await ended(pid);
}

/** Waits until a process has ended; its parent may not have asked for that yet. */
export async function ended(pid: number | undefined): Promise<void> {
  assert.ok(pid !== undefined);
  await until(() => !isAlive(pid) || isZombie(pid));
}

function isZombie(pid: number): boolean {
  return existsSync(`/proc/${pid}/stat`) && / Z /.test(readFileSync(`/proc/${pid}/stat`, "utf8"));
}
