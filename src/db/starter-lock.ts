import { constants, open } from "node:fs/promises";
import { join } from "node:path";
import { tryLockFile } from "./file-lock.ts";
import type { Place } from "./place.ts";

/**
 * Takes the right to start the server of a folder, unless another process has it: starters that only watched the pid file
 * could undo each other's work without end.
 */
export async function tryLockStart(place: Place): Promise<Disposable | undefined> {
  const path = join(place.home, "starter.lock");
  await makeOwned(path, place);
  return tryLockFile(path);
}

/** Never through a link: the server's user could have put one there, and Gyre may be root. */
async function makeOwned(path: string, { owner }: Place): Promise<void> {
  await using file = await open(path, constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW, 0o600);
  if (owner !== undefined) await file.chown(owner.uid, owner.gid);
}
