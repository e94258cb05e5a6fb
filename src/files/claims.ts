import { createHash } from "node:crypto";
import { link, rename, rm, stat, utimes } from "node:fs/promises";
import { basename, dirname, join } from "node:path";

/** Between a claim and the move that it announces are two calls of the system: who takes longer is dead. */
const DEAD_MS = 10_000;

/**
 * Moves `temporary` over `path` where that is still the file with this tag, among all processes of the machine: a hard
 * link whose name is made of the tag can be made by one of them only. False: another one was faster, or is just at it.
 */
export async function moveOver(
  temporary: string,
  path: string,
  tag: string,
  tagNow: () => Promise<string | undefined>,
): Promise<boolean> {
  const digest = createHash("sha256")
    .update(`${basename(path)}\0${tag}`)
    .digest("hex");
  const claim = join(dirname(path), `.${digest.slice(0, 12)}.part`);
  await makeLater(temporary, path);
  try {
    await link(temporary, claim);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    const stats = await stat(claim).catch(() => undefined);
    if (stats !== undefined && Date.now() - stats.ctimeMs > DEAD_MS) await rm(claim, { force: true });
    return false;
  }
  if ((await tagNow()) !== tag) {
    await rm(claim, { force: true });
    return false;
  }
  try {
    await rename(claim, path);
    return true;
  } catch (error) {
    // Taken for dead.
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return false;
    throw error;
  }
}

/** Its name is one of those that listings leave out. */
export function claimOf(path: string, tag: string): string {
  const digest = createHash("sha256")
    .update(`${basename(path)}\0${tag}`)
    .digest("hex");
  return `.${digest.slice(0, 12)}.part`;
}

/** The clock of a file system stands still for milliseconds: two states of a file must not have one time. */
async function makeLater(temporary: string, path: string): Promise<void> {
  const [next, last] = await Promise.all([stat(temporary), stat(path).catch(() => undefined)]);
  if (last === undefined || next.mtimeMs > last.mtimeMs) return;
  await utimes(temporary, next.atime, new Date(Math.floor(last.mtimeMs) + 1));
}
