import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { chown, mkdir, open, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { Client } from "pg";
import { GyreError, isGyreError } from "../errors.ts";
import { type Binaries, findBinaries } from "./binaries.ts";
import { sqlState } from "./failure.ts";
import { LOCK_SPACE } from "./postgres.ts";

/** The private server of one data directory, to which this process is attached. */
export interface EmbeddedServer {
  /** What `connect` takes, besides a schema. */
  readonly address: {
    readonly host: string;
    readonly user: string;
    readonly password: string;
    readonly database: string;
  };
  /** Lets go of the server, and stops it when nobody else is attached. */
  close(): Promise<void>;
}

export interface EmbeddedOptions {
  /** The server's folder, made when it is missing. */
  readonly folder: string;
}

const USER = "gyre";
const DATABASE = "postgres";
const PATIENCE_MS = 60_000;
const POLL_MS = 10;
/** Second key of the advisory lock that attached processes share. */
const ATTACHED = 1;

/** Starts the private PostgreSQL of `folder`, or attaches to it where it runs. */
export async function startEmbedded({ folder }: EmbeddedOptions): Promise<EmbeddedServer> {
  const binaries = await findBinaries();
  const owner = await prepareFolder(folder);
  const cluster = join(folder, "cluster");
  await initialize(binaries, folder, cluster, owner);
  const address = {
    host: folder,
    user: USER,
    password: await readFile(join(cluster, "password"), "utf8"),
    database: DATABASE,
  };
  const deadline = Date.now() + PATIENCE_MS;
  for (let isStarted = false; ; await delay(POLL_MS)) {
    const client = await attach(address);
    if (client !== undefined) return { address, close: () => detach(client, join(cluster, "data")) };
    if (!isStarted) await start(binaries, folder, cluster, owner);
    isStarted = true;
    if (Date.now() > deadline) throw new GyreError("Busy", `The private PostgreSQL of ${folder} does not answer`);
  }
}

interface Owner {
  readonly uid?: number;
  readonly gid?: number;
}

/** PostgreSQL refuses to run as root. */
async function prepareFolder(folder: string): Promise<Owner> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  if (process.getuid?.() !== 0) return {};
  const { uid, gid } = await stat(folder);
  if (uid !== 0) return { uid, gid };
  const user = await findUser("postgres", "nobody");
  await chown(folder, user.uid, user.gid);
  return user;
}

async function findUser(...names: readonly string[]): Promise<{ uid: number; gid: number }> {
  const lines = (await readFile("/etc/passwd", "utf8")).split("\n").map((line) => line.split(":"));
  for (const wanted of names) {
    const [, , uid, gid] = lines.find(([name]) => name === wanted) ?? [];
    if (uid !== undefined && gid !== undefined) return { uid: Number(uid), gid: Number(gid) };
  }
  throw new GyreError("Unsupported", `PostgreSQL does not run as root, and there is no user ${names.join(" or ")}`);
}

/** Makes the cluster beside its place and moves it there at once: of two processes one wins, and nobody sees a half. */
async function initialize({ initdb }: Binaries, folder: string, cluster: string, owner: Owner): Promise<void> {
  if (await stat(cluster).catch(() => undefined)) return;
  const draft = `${cluster}.${process.pid}`;
  await rm(draft, { recursive: true, force: true });
  await mkdir(draft, { mode: 0o700 });
  const password = join(draft, "password");
  await writeFile(password, randomBytes(24).toString("base64url"), { mode: 0o600 });
  if (owner.uid !== undefined && owner.gid !== undefined)
    for (const path of [draft, password]) await chown(path, owner.uid, owner.gid);
  const flags = ["--auth=scram-sha-256", `--pwfile=${password}`, `--username=${USER}`, "--encoding=UTF8"];
  const locale = ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"];
  const child = spawn(initdb, ["-D", join(draft, "data"), ...flags, ...locale], {
    ...owner,
    cwd: "/",
    stdio: ["ignore", "ignore", "pipe"],
  });
  let told = "";
  child.stderr.on("data", (part) => {
    told += String(part);
  });
  const code = await new Promise((resolve, reject) => child.once("close", resolve).once("error", reject));
  if (code !== 0) throw new GyreError("BadSource", `No database could be made in ${folder}: ${told}`);
  await rename(draft, cluster).catch(async (error: NodeJS.ErrnoException) => {
    await rm(draft, { recursive: true, force: true });
    if (error.code !== "ENOTEMPTY" && error.code !== "EEXIST") throw error;
  });
}

async function start({ postgres }: Binaries, folder: string, cluster: string, owner: Owner): Promise<void> {
  const log = await open(join(cluster, "server.log"), "a", 0o600);
  const settings = ["listen_addresses=", `unix_socket_directories=${folder}`, "fsync=on", "io_method=sync"];
  const child = spawn(postgres, ["-D", join(cluster, "data"), ...settings.flatMap((setting) => ["-c", setting])], {
    ...owner,
    cwd: "/",
    detached: true,
    stdio: ["ignore", log.fd, log.fd],
  });
  child.unref();
  await new Promise((resolve, reject) => child.once("spawn", resolve).once("error", reject));
  await log.close();
}

/** A connection that holds the shared lock; undefined while the server is not there, or is being stopped. */
async function attach(address: EmbeddedServer["address"]): Promise<Client | undefined> {
  const client = new Client({ ...address, application_name: "gyre attached" });
  client.on("error", () => undefined);
  try {
    await client.connect();
    const { rows } = await client.query("select pg_try_advisory_lock_shared($1, $2) as got", [LOCK_SPACE, ATTACHED]);
    if (rows[0].got === true) return client;
    await client.end();
  } catch (error) {
    const state = sqlState(error);
    if (isGyreError(error) || (state !== undefined && !state.startsWith("57P"))) throw error;
  }
  return undefined;
}

async function detach(client: Client, data: string): Promise<void> {
  try {
    await client.query("select pg_advisory_unlock_shared($1, $2)", [LOCK_SPACE, ATTACHED]);
    const { rows } = await client.query("select pg_try_advisory_lock($1, $2) as alone", [LOCK_SPACE, ATTACHED]);
    if (rows[0].alone !== true) return;
    const pid = Number((await readFile(join(data, "postmaster.pid"), "utf8")).split("\n")[0]);
    const ended = new Promise((resolve) => client.once("end", resolve));
    process.kill(pid, "SIGINT");
    await ended;
  } finally {
    await client.end().catch(() => undefined);
  }
}
