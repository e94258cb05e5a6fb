import { execFile } from "node:child_process";
import { constants, open, readFile, readlink, realpath, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import type { Place } from "./place.ts";

/** What a running server says of itself in `postmaster.pid`. */
export interface Postmaster {
  readonly pid: number;
  /** What a client takes as host: the socket's folder, or where there are none an address of this machine. */
  readonly host: string;
  readonly port: number;
}

/** Node has no sockets with paths on Windows: there the server listens on a port of this machine. */
export const HAS_SOCKETS = process.platform !== "win32";

/** How old a pid file is at most that nothing was written to yet. */
const LONGEST_WRITE_MS = 5_000;

/** The server that says it runs on this cluster. */
export async function readPostmaster(place: Place): Promise<Postmaster | undefined> {
  return parse(await textOf(pidFile(place)));
}

/**
 * Whether a server of this cluster starts, runs or stops. PostgreSQL itself takes any live process for one: a file left
 * by a killed server, whose number another program has now, would keep it from starting and is corrected here.
 */
export async function isHeld(place: Place): Promise<boolean> {
  const text = await textOf(pidFile(place));
  if (text === undefined) return false;
  if (text === "") return !(await removeLeftEmpty(pidFile(place)));
  const pid = Number(text.split("\n")[0]);
  if (!Number.isSafeInteger(pid) || pid <= 0) return false;
  if (await isServer(pid, place)) return true;
  if (!isAlive(pid)) return false;
  await disown(pidFile(place), pid);
  const socket = parse(text)?.host;
  if (HAS_SOCKETS && socket !== undefined) await disown(join(socket, ".s.PGSQL.5432.lock"), pid);
  return false;
}

function pidFile(place: Place): string {
  return join(place.data, "postmaster.pid");
}

/** Lines: pid, data directory, start, port, folder of the socket, address, shared memory, state. */
function parse(text = ""): Postmaster | undefined {
  const [pid, , , port, socket, address] = text.split("\n");
  const host = HAS_SOCKETS ? socket : address;
  // A negative number is a server of one user, which takes no connections.
  if (!(Number(pid) > 0) || !Number(port) || host === undefined || host === "") return undefined;
  return { pid: Number(pid), host, port: Number(port) };
}

/** Whether a process of that number is there, whoever's it is. */
export function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

/** A server works in its data directory; where that cannot be seen, its program's name must do. */
async function isServer(pid: number, place: Place): Promise<boolean> {
  if (process.platform === "linux") {
    const folder = await readlink(`/proc/${pid}/cwd`).catch(() => undefined);
    return folder === (await realpath(place.data));
  }
  const [program, flags] = HAS_SOCKETS
    ? ["ps", ["-o", "comm=", "-p", String(pid)]]
    : ["tasklist", ["/FI", `PID eq ${pid}`, "/FO", "CSV", "/NH"]];
  const { stdout } = await promisify(execFile)(program, flags, { windowsHide: true }).catch(() => ({ stdout: "" }));
  return stdout.includes("postgres");
}

/**
 * Puts this process's number in the place of `pid`: PostgreSQL knows its parent, and then goes on to ask whether anybody
 * still uses the shared memory that the file names. Servers replace the file and never rewrite another's: one that starts
 * meanwhile has a file of its own.
 */
async function disown(path: string, pid: number): Promise<void> {
  try {
    // The server's user could have put a link here, and Gyre may be root.
    await using file = await open(path, constants.O_RDWR | constants.O_NOFOLLOW);
    const [first, ...rest] = (await file.readFile("utf8")).split("\n");
    if (Number(first) !== pid) return;
    const { bytesWritten } = await file.write([process.pid, ...rest].join("\n"), 0);
    await file.truncate(bytesWritten);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
  }
}

/** A server makes the file, then writes it; between the two it may have been killed. */
async function removeLeftEmpty(path: string): Promise<boolean> {
  const info = await stat(path).catch(() => undefined);
  if (info === undefined || info.size > 0 || Date.now() - info.mtimeMs < LONGEST_WRITE_MS) return false;
  await rm(path, { force: true });
  return true;
}

function textOf(path: string): Promise<string | undefined> {
  return readFile(path, "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "ENOENT") throw error;
    return undefined;
  });
}
