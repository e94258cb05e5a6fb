import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { lchown, mkdir, readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { GyreError, isGyreError } from "../errors.ts";
import { type Binaries, MAJOR } from "./binaries.ts";
import { isAlive } from "./pid-file.ts";
import type { Place } from "./place.ts";

/** Superuser of the private server. */
export const USER = "gyre";

/** Written into `postgresql.conf`, where an operator may change them: a small server, soon started, that keeps up. */
const SETTINGS = {
  shared_buffers: "64MB",
  effective_cache_size: "1GB",
  random_page_cost: "1.1",
  max_connections: "100",
  max_worker_processes: "4",
  // No standby and no subscriber: neither their processes nor the log that they would read.
  wal_level: "minimal",
  max_wal_senders: "0",
  max_logical_replication_workers: "0",
  // Three processes less than with workers for reading.
  io_method: "sync",
  jit: "off",
  log_checkpoints: "off",
  timezone: "UTC",
  log_timezone: "UTC",
} as const;

/** Sorting by code point, as every PostgreSQL and every JavaScript can; upper and lower case of all Unicode. */
const LOCALE = ["--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"];

/** Drafts that this process makes now; others of its id are of one that had the same id before. */
const ownDrafts = new Set<string>();

/** The password of `USER`; undefined while there is no cluster. Refuses a cluster of another major version. */
export async function readPassword(place: Place): Promise<string | undefined> {
  if ((await stat(place.cluster).catch(() => undefined)) === undefined) return undefined;
  try {
    const version = (await readFile(join(place.data, "PG_VERSION"), "utf8")).trim();
    if (version !== MAJOR) throw otherMajor(place, version);
    return await readFile(join(place.cluster, "password"), "utf8");
  } catch (error) {
    if (isGyreError(error)) throw error;
    const { code, message } = error as NodeJS.ErrnoException;
    const details = { source: place.home, cause: error };
    if (code === "EACCES" || code === "EPERM") {
      const way = "run Gyre as that one, or as root";
      throw new GyreError("Denied", `The database in ${place.home} is another user's: ${way}`, details);
    }
    throw new GyreError("BadSource", `There is no whole database in ${place.cluster}: ${message}`, details);
  }
}

/** Makes the cluster beside its place and moves it there at once: of two processes one wins, and nobody sees a half. */
export async function createCluster({ initdb }: Binaries, place: Place): Promise<void> {
  await removeLeftDrafts(place);
  const draft = `${place.cluster}.${process.pid}.${randomBytes(4).toString("hex")}`;
  ownDrafts.add(draft);
  try {
    await mkdir(draft, { mode: 0o700 });
    const password = join(draft, "password");
    await writeFile(password, randomBytes(24).toString("base64url"), { mode: 0o600 });
    if (place.owner !== undefined)
      for (const path of [password, draft]) await lchown(path, place.owner.uid, place.owner.gid);
    const settings = Object.entries(SETTINGS).flatMap(([name, value]) => ["-c", `${name}=${value}`]);
    const access = [`--username=${USER}`, `--pwfile=${password}`, "--auth=scram-sha-256"];
    await run(initdb, ["-D", join(draft, "data"), ...access, ...LOCALE, ...settings], place);
    await rename(draft, place.cluster).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== "ENOTEMPTY" && error.code !== "EEXIST") throw error;
    });
  } catch (cause) {
    const { message } = cause as Error;
    throw new GyreError("BadSource", `No database can be made in ${place.home}: ${message}`, {
      source: place.home,
      cause,
    });
  } finally {
    await rm(draft, { recursive: true, force: true });
    ownDrafts.delete(draft);
  }
}

/** Drafts of processes that were killed while they made one. */
async function removeLeftDrafts({ home }: Place): Promise<void> {
  for (const name of await readdir(home)) {
    const [, pid] = /^cluster\.(\d+)\./.exec(name) ?? [];
    const draft = join(home, name);
    if (pid === undefined || ownDrafts.has(draft)) continue;
    if (Number(pid) === process.pid || !isAlive(Number(pid))) await rm(draft, { recursive: true, force: true });
  }
}

async function run(program: string, flags: readonly string[], { owner }: Place): Promise<void> {
  // The server's user need not be able to enter the folder that Gyre was started in.
  const child = spawn(program, flags, { ...owner, cwd: "/", stdio: ["ignore", "ignore", "pipe"], windowsHide: true });
  const exit = new Promise<number | null>((resolve, reject) => child.once("exit", resolve).once("error", reject));
  const [code, said] = await Promise.all([exit, text(child.stderr)]);
  if (code !== 0) throw new Error(said.trim() || `initdb ended with ${code}`);
}

function otherMajor({ home }: Place, version: string): GyreError {
  return new GyreError(
    "Unsupported",
    `The database in ${home} was made by PostgreSQL ${version}, and this Gyre brings ${MAJOR}. Start the Gyre that made ` +
      "it and keep what was published: `gyre events export --out events.jsonl`; move the folder away, start this one, and " +
      "`gyre events import events.jsonl`. All else that is in it a pg_dump of its version can save, on its socket",
    { source: home, subject: version, allowed: [MAJOR] },
  );
}
