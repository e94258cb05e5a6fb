import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { chownSync, createReadStream, existsSync, globSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { Client } from "pg";
import { freePort } from "../../test/services/services.ts";

const USER = "bench";
const PASSWORD = "only-for-benches";
/** The same for both sides; everything else is as PostgreSQL comes, fsync too. */
const SETTINGS = {
  shared_buffers: "1GB",
  effective_cache_size: "4GB",
  work_mem: "32MB",
  maintenance_work_mem: "256MB",
  random_page_cost: "1.1",
  max_wal_size: "4GB",
  jit: "off",
} as const;

export interface Postgres {
  readonly port: number;
  readonly url: (database: string) => URL;
  /** `PGHOST` and the like. */
  readonly env: (database: string) => Readonly<Record<string, string>>;
  query<T>(database: string, text: string): Promise<T[]>;
  /** Reads the files of all databases once, as far as the system keeps them in memory; answers their gigabytes. */
  readFiles(): Promise<string>;
  /** What it is and how it is set. */
  described(): Promise<string>;
  stop(): Promise<void>;
}

/** Debian's PostgreSQL 15 over a folder, which it keeps from one run to the next. As root it is user postgres'. */
export async function openPostgres(folder: string): Promise<Postgres> {
  const programs = globSync("/usr/lib/postgresql/15/bin")[0];
  if (programs === undefined) throw new Error("not measured: there is no PostgreSQL 15");
  const owner = process.getuid?.() === 0 ? await postgresUser() : undefined;
  const data = join(folder, "cluster");
  if (!existsSync(join(data, "PG_VERSION"))) {
    mkdirSync(data, { recursive: true });
    const password = join(folder, "password");
    writeFileSync(password, PASSWORD);
    if (owner !== undefined) chownSync(data, owner.uid, owner.gid);
    const flags = ["--auth=scram-sha-256", `--pwfile=${password}`, `--username=${USER}`, "--encoding=UTF8"];
    await promisify(execFile)(join(programs, "initdb"), ["-D", data, ...flags, "--locale=C.UTF-8"], {
      ...owner,
      cwd: "/",
    });
  }
  const port = await freePort();
  const options = { listen_addresses: "127.0.0.1", port, unix_socket_directories: "", ...SETTINGS };
  const argv = Object.entries(options).flatMap(([name, value]) => ["-c", `${name}=${value}`]);
  const child = spawn(join(programs, "postgres"), ["-D", data, ...argv], { ...owner, cwd: "/", stdio: "ignore" });
  const url = (database: string): URL => new URL(`postgres://${USER}:${PASSWORD}@127.0.0.1:${port}/${database}`);
  async function query<T>(database: string, text: string): Promise<T[]> {
    const client = new Client(url(database).href);
    await client.connect();
    try {
      return (await client.query(text)).rows as T[];
    } finally {
      await client.end();
    }
  }
  for (;;) {
    if (child.exitCode !== null) throw new Error("PostgreSQL ended at once");
    const isUp = await query("postgres", "select 1").then(
      () => true,
      () => false,
    );
    if (isUp) break;
    await sleep(50);
  }
  return {
    port,
    url,
    env: (database) => ({
      ...{ PGHOST: "127.0.0.1", PGPORT: String(port), PGUSER: USER, PGPASSWORD: PASSWORD },
      PGDATABASE: database,
    }),
    query,
    async readFiles() {
      let bytes = 0;
      for (const file of globSync(join(data, "base/*/*"))) {
        for await (const chunk of createReadStream(file, { highWaterMark: 2 ** 20 })) bytes += (chunk as Buffer).length;
      }
      return (bytes / 1e9).toFixed(1);
    },
    async described() {
      const names = [...Object.keys(SETTINGS), "fsync", "synchronous_commit", "server_version"];
      const rows = await query<{ name: string; value: string }>(
        "postgres",
        `select name, current_setting(name) as value from pg_settings where name = any('{${names.join()}}') order by 1`,
      );
      return rows.map(({ name, value }) => `${name}=${value}`).join(" ");
    },
    async stop() {
      const exit = once(child, "exit");
      child.kill("SIGINT");
      await exit;
    },
  };
}

async function postgresUser(): Promise<{ readonly uid: number; readonly gid: number }> {
  const [uid = 0, gid = 0] = await Promise.all(
    ["-u", "-g"].map(async (flag) => Number((await promisify(execFile)("id", [flag, "postgres"])).stdout)),
  );
  return { uid, gid };
}
