import { randomBytes } from "node:crypto";
import { link, open, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { KEY, Keyring } from "../catalog/subscriptions/keyring.ts";
import { GyreError } from "../errors.ts";

/** In the data directory; a key a line, the first of which seals. */
const FILE = "secret.key";

/** The keys that are configured, else those of a file of the node's own, which is made where there is none. */
export async function nodeKeys(configured: readonly string[], dataDir: string): Promise<Keyring> {
  if (configured.length > 0) return new Keyring(configured);
  const path = join(dataDir, FILE);
  const text = (await textOf(path)) ?? (await made(path));
  const keys = text.split("\n").filter((line) => line.trim() !== "");
  if (keys.length > 0 && keys.every((key) => KEY.test(key.trim()))) return new Keyring(keys.map((key) => key.trim()));
  throw new GyreError("BadSource", `${path} is no list of keys: 64 hexadecimal digits a line`, { source: path });
}

/** Of two processes that make it one wins, and nobody sees a half. It is on disk before anything is sealed with it. */
async function made(path: string): Promise<string> {
  const draft = `${path}.${randomBytes(4).toString("hex")}`;
  try {
    await using file = await open(draft, "wx", 0o600);
    await file.writeFile(`${randomBytes(32).toString("hex")}\n`);
    await file.sync();
    await link(draft, path).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== "EEXIST") throw error;
    });
  } finally {
    await rm(draft, { force: true });
  }
  return readFile(path, "utf8");
}

/** Undefined: there is none yet. */
async function textOf(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}
