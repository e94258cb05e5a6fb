import { createHash } from "node:crypto";
import { chown, lstat, mkdir, readFile, realpath, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { GyreError } from "../errors.ts";

/** A user of this machine. */
export interface Owner {
  readonly uid: number;
  readonly gid: number;
}

/** Where the private server's files lie, and whose they are. */
export interface Place {
  /** The configured folder, or the one that stands for it where the server's user cannot enter that. */
  readonly home: string;
  /** The server's cluster with its password, log and socket: all that the server itself touches. */
  readonly cluster: string;
  /** What PostgreSQL calls its data directory. */
  readonly data: string;
  /** Whom a root process starts the server as; undefined: as itself. */
  readonly owner: Owner | undefined;
}

/** PostgreSQL refuses to run as root: who may run it instead, in this order. */
const USERS = ["postgres", "nobody"];
/** In a folder that the server's user cannot enter: the path of the one that is used instead. */
const POINTER = "elsewhere";
/** Parent of those: it survives a restart of the machine, unlike temporary folders. */
const STATE = "/var/lib";
const SOCKET = ".s.PGSQL.5432";
/** Addresses of sockets end at 104 bytes on macOS, at 108 on Linux. */
const LONGEST_SOCKET = 100;

/** Finds, or makes, the place of the private server that is configured to lie in `folder`. */
export async function findPlace(folder: string, tell: (message: string) => void): Promise<Place> {
  const made = await mkdir(folder, { recursive: true }).catch((cause: NodeJS.ErrnoException) => {
    throw new GyreError("BadSource", `The database's folder ${folder} cannot be made: ${cause.message}`, { cause });
  });
  const own = await realpath(folder);
  const pointer = join(own, POINTER);
  const home = (await pointedTo(pointer)) ?? own;
  if (process.getuid?.() !== 0) return placeIn(home, undefined);

  const existing = await stat(placeIn(home, undefined).cluster).catch(absent);
  if (existing !== undefined) return placeIn(home, { uid: existing.uid, gid: existing.gid });
  const owner = await serverUser(await stat(made === undefined ? own : dirname(made)));
  if (await canReach(home, owner)) return placeIn(home, owner);

  const temporary = tmpdir();
  const parent = own.startsWith(`${temporary}/`) ? temporary : STATE;
  const instead = await privateFolder(join(parent, `gyre-${digestOf(own)}`), owner);
  await writeFile(pointer, `${instead}\n`);
  tell(`${own} cannot be entered by user ${owner.uid}, whom the database runs as: its files lie in ${instead}`);
  return placeIn(instead, owner);
}

/** What this user wrote there once; another's word is not taken. */
async function pointedTo(pointer: string): Promise<string | undefined> {
  const info = await lstat(pointer).catch(absent);
  if (info === undefined || !info.isFile() || (process.getuid?.() === 0 && info.uid !== 0)) return undefined;
  return (await textOf(pointer))?.trim();
}

function placeIn(home: string, owner: Owner | undefined): Place {
  const cluster = join(home, "cluster");
  return { home, cluster, data: join(cluster, "data"), owner };
}

/** The folder of the server's socket: the cluster, or where its path is too long for a socket a private temporary one. */
export async function socketFolder({ home, cluster, owner }: Place): Promise<string> {
  if (fits(cluster)) return cluster;
  const name = `gyre-${uidOf(owner)}-${digestOf(home)}`;
  const folder = [tmpdir(), "/tmp"].map((parent) => join(parent, name)).find(fits);
  if (folder === undefined) throw new GyreError("BadSource", `No path for a socket is short enough for ${home}`);
  return privateFolder(folder, owner);
}

/** A folder that only the server's user can enter. */
async function privateFolder(folder: string, owner: Owner | undefined): Promise<string> {
  const uid = uidOf(owner);
  try {
    await mkdir(folder, { mode: 0o700 });
    if (owner !== undefined) await chown(folder, owner.uid, owner.gid);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  }
  // In the temporary directory anybody may have made one of that name first.
  const info = await lstat(folder);
  if (!info.isDirectory() || info.uid !== uid || (info.mode & 0o077) !== 0)
    throw new GyreError("BadSource", `${folder} is not a private folder of user ${uid}: remove it`, { source: folder });
  return folder;
}

function uidOf(owner: Owner | undefined): number {
  return owner?.uid ?? process.getuid?.() ?? 0;
}

/** Whether that user may read what `path` names. */
export async function canRead(path: string, owner: Owner): Promise<boolean> {
  return (await canReach(path, owner)) && isAllowed(await stat(path), owner, 4);
}

/** Whether that user may enter every folder on the way to `path`, and itself where it is one. */
async function canReach(path: string, owner: Owner): Promise<boolean> {
  for (let at = await realpath(path); ; at = dirname(at)) {
    const info = await stat(at);
    if (info.isDirectory() && !isAllowed(info, owner, 1)) return false;
    if (at === dirname(at)) return true;
  }
}

/** A started process has no groups but its own. `right`: 4 to read, 1 to enter. */
function isAllowed(info: Owner & { readonly mode: number }, { uid, gid }: Owner, right: 1 | 4): boolean {
  const shift = info.uid === uid ? 6 : info.gid === gid ? 3 : 0;
  return ((info.mode >> shift) & right) !== 0;
}

/** The owner of the folder where that is not root; the server's programs want a name for it. */
async function serverUser(folder: Owner): Promise<Owner> {
  const lines = ((await textOf("/etc/passwd")) ?? "").split("\n").map((line) => line.split(":"));
  const users = lines.map(([name, , uid, gid]) => ({ name, uid: Number(uid), gid: Number(gid) }));
  const named = USERS.map((name) => users.find((user) => user.name === name));
  const user = [users.find(({ uid }) => uid === folder.uid && uid !== 0), ...named].find(
    (found) => found !== undefined,
  );
  if (user !== undefined) return { uid: user.uid, gid: user.gid };
  throw new GyreError(
    "Unsupported",
    `PostgreSQL does not run as root, and there is no user ${USERS.join(" or ")} here: run Gyre as another user, or set ` +
      "`database: postgres://...` to a server of your own",
  );
}

function fits(folder: string): boolean {
  return Buffer.byteLength(join(folder, SOCKET)) < LONGEST_SOCKET;
}

function digestOf(path: string): string {
  return createHash("sha256").update(path).digest("hex").slice(0, 16);
}

function textOf(path: string): Promise<string | undefined> {
  return readFile(path, "utf8").catch(absent);
}

function absent(error: NodeJS.ErrnoException): undefined {
  if (error.code !== "ENOENT") throw error;
}
