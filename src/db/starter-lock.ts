import { constants, open } from "node:fs/promises";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { Place } from "./place.ts";

const SQLITE_BUSY = 5;

/**
 * Takes the right to start the server of a folder, unless another process has it. It is a lock of the operating system,
 * which ends with its holder: starters that only watched the pid file could undo each other's work without end.
 * SQLite is how Node reaches such locks, on every system.
 */
export async function tryLockStart(place: Place): Promise<Disposable | undefined> {
  const path = join(place.home, "starter.lock");
  await makeOwned(path, place);
  const database = new DatabaseSync(path, { timeout: 0 });
  try {
    database.exec("begin exclusive");
  } catch (error) {
    database.close();
    if ((error as { errcode?: number }).errcode === SQLITE_BUSY) return undefined;
    throw error;
  }
  return { [Symbol.dispose]: () => database.close() };
}

/** Never through a link: the server's user could have put one there, and Gyre may be root. */
async function makeOwned(path: string, { owner }: Place): Promise<void> {
  await using file = await open(path, constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW, 0o600);
  if (owner !== undefined) await file.chown(owner.uid, owner.gid);
}
