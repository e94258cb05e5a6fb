import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { constants, copyFile, type FileHandle, open, readFile, rm, stat } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { promisify } from "node:util";
import { type Binaries, findBinaries } from "./binaries.ts";
import { HAS_SOCKETS, type Postmaster } from "./pid-file.ts";
import { type Place, socketFolder } from "./place.ts";

/** A server that was just started. */
export interface Launch {
  /** What it said when it ended at once, or that it was killed; undefined while it runs. */
  failure(): Promise<string | undefined>;
}

const LOOPBACK = "127.0.0.1";
/** What the server said last is kept at least this far back, and at most twice. */
const LONGEST_LOG = 1 << 20;

/** Settings that are not the operator's to change. */
const FIXED = {
  fsync: "on",
  full_page_writes: "on",
  logging_collector: "off",
  log_destination: "stderr",
  // Not the errors of statements: those are told to whom they concern.
  log_min_messages: "log",
} as const;

/** What the server of this cluster says. */
export function logFile({ cluster }: Place): string {
  return join(cluster, "server.log");
}

/** Starts the server; it outlives this process. */
export async function launch({ postgres }: Binaries, place: Place): Promise<Launch> {
  await boundLog(place);
  const settings = Object.entries({ ...FIXED, ...(await listening(place)) });
  const flags = settings.flatMap(([name, value]) => ["-c", `${name}=${value}`]);
  const log = await openLog(place, constants.O_CREAT | constants.O_APPEND);
  try {
    if (place.owner !== undefined) await log.chown(place.owner.uid, place.owner.gid);
    const { size } = await log.stat();
    const child = spawn(postgres, ["-D", place.data, ...flags], {
      ...place.owner,
      cwd: "/",
      // A session of its own: Ctrl-C in the terminal is for Gyre, which stops the server when it is the last.
      detached: true,
      stdio: ["ignore", log.fd, log.fd],
      windowsHide: true,
    });
    await once(child, "spawn");
    child.unref();
    return {
      async failure() {
        if (child.signalCode === "SIGKILL") return "killed";
        if (child.exitCode === null && child.signalCode === null) return undefined;
        return (await readFile(logFile(place))).subarray(size).toString();
      },
    };
  } finally {
    await log.close();
  }
}

/** Asks the server to end: connections are cut, everything is written. */
export async function stop({ pid }: Postmaster, place: Place): Promise<void> {
  if (HAS_SOCKETS) {
    process.kill(pid, "SIGINT");
    return;
  }
  const { pgCtl } = await findBinaries(place, () => undefined);
  await promisify(execFile)(pgCtl, ["stop", "-D", place.data, "-m", "fast", "-W"], { windowsHide: true });
}

/** Puts a long log aside. The server appends to it, and goes on at its new end. */
export async function boundLog(place: Place): Promise<void> {
  const log = logFile(place);
  const { size } = await stat(log).catch(() => ({ size: 0 }));
  if (size <= LONGEST_LOG) return;
  await rm(`${log}.1`, { force: true });
  await copyFile(log, `${log}.1`, constants.COPYFILE_EXCL);
  await using file = await openLog(place, 0);
  await file.truncate();
}

/** Never through a link: the server's user could have put one there, and Gyre may be root. */
function openLog(place: Place, flags: number): Promise<FileHandle> {
  return open(logFile(place), constants.O_WRONLY | constants.O_NOFOLLOW | flags, 0o600);
}

/** No port where there are sockets; a list of folders, whose names are quoted since a comma would end them. */
async function listening(place: Place): Promise<Record<string, string>> {
  if (!HAS_SOCKETS) return { listen_addresses: LOOPBACK, port: String(await freePort()), unix_socket_directories: "" };
  const folder = (await socketFolder(place)).replaceAll('"', '""');
  return {
    listen_addresses: "",
    port: "5432",
    unix_socket_directories: `"${folder}"`,
    unix_socket_permissions: "0700",
  };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, LOOPBACK);
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  return typeof address === "object" && address !== null ? address.port : 0;
}
