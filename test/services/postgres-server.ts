import assert from "node:assert/strict";
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, globSync } from "node:fs";
import { chown, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { Client } from "pg";
import { freePort, missing, type Started } from "./services.ts";

const PATIENCE_MS = 180_000;
const MISSING = "PostgreSQL is not installed (node scripts/services.ts install)";
const PASSWORD = "only-for-tests";

/** Newest PostgreSQL that Debian's packages brought. */
function findPrograms(): string | undefined {
  return globSync("/usr/lib/postgresql/*/bin")
    .sort()
    .findLast((folder) => existsSync(join(folder, "initdb")));
}

/** Why `startPostgres` can start none; a failure where all services are required. */
export function postgresMissing(): string | undefined {
  return findPrograms() === undefined ? missing(MISSING).unavailable : undefined;
}

/** Debian's PostgreSQL with an empty cluster of its own, on a free port of this machine; as root by user `postgres`. */
export async function startPostgres(): Promise<Started> {
  const programs = findPrograms();
  if (programs === undefined) return missing(MISSING);
  const folder = await mkdtemp(join(tmpdir(), "gyre-postgres-"));
  const owner = await ownerOf(folder);
  const password = join(folder, "password");
  await writeFile(password, PASSWORD);
  const flags = ["--auth=scram-sha-256", `--pwfile=${password}`, "--username=gyre", "--encoding=UTF8", "--no-sync"];
  const data = join(folder, "data");
  await promisify(execFile)(join(programs, "initdb"), ["-D", data, ...flags, "--locale=C.UTF-8"], {
    ...owner,
    cwd: folder,
  });
  const port = await freePort();
  const settings = ["listen_addresses=127.0.0.1", `port=${port}`, "unix_socket_directories=", "max_connections=200"];
  const child = spawn(join(programs, "postgres"), ["-D", data, ...settings.flatMap((one) => ["-c", one])], {
    ...owner,
    cwd: folder,
    stdio: ["ignore", "ignore", "ignore"],
  });
  const url = new URL(`postgres://gyre:${PASSWORD}@127.0.0.1:${port}/postgres`);
  const stop = async (): Promise<void> => {
    if (child.exitCode === null && child.signalCode === null) {
      child.kill("SIGINT");
      await once(child, "exit");
    }
    await rm(folder, { recursive: true, force: true });
  };
  try {
    await answering(child, url);
  } catch (error) {
    await stop();
    throw error;
  }
  return { url, stop };
}

/** PostgreSQL refuses to run as root; it needs a user who owns its files. */
async function ownerOf(folder: string): Promise<{ uid?: number; gid?: number }> {
  if (process.getuid?.() !== 0) return {};
  const { stdout } = await promisify(execFile)("id", ["-u", "postgres"]);
  const { stdout: group } = await promisify(execFile)("id", ["-g", "postgres"]);
  const owner = { uid: Number(stdout), gid: Number(group) };
  await chown(folder, owner.uid, owner.gid);
  return owner;
}

async function answering(child: ChildProcess, url: URL): Promise<void> {
  for (const end = Date.now() + PATIENCE_MS; ; await sleep(10)) {
    assert.equal(child.exitCode, null, "PostgreSQL ended at once");
    const client = new Client(url.href);
    try {
      await client.connect();
      return;
    } catch (error) {
      if (Date.now() > end) throw error;
    } finally {
      await client.end().catch(() => undefined);
    }
  }
}
