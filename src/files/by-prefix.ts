import { lstat, realpath } from "node:fs/promises";
import { dirname } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { badSource, GyreError } from "../errors.ts";
import type { Files, ReadOptions } from "./files.ts";
import { isAbsence, systemMessage } from "./handle-pool.ts";
import { isWithin } from "./keys.ts";
import { readWithInfo } from "./read-with-info.ts";

export interface PrefixEntry {
  readonly prefix: URL;
  readonly files: Files;
  /** `r`: written and deleted by nobody. */
  readonly mode: "r" | "rw";
}

/**
 * The files of several stores, each under its prefixes; the longest prefix that holds an address decides. An address
 * outside all of them is Denied, as is a local path that leads out of them through a symbolic link, also for somebody
 * who changes links while a file is opened: local files ask about the place of the file that they have opened.
 */
export function createFilesByPrefix(entries: readonly PrefixEntry[]): Files {
  const longestFirst = sorted(entries);
  const allowed = entries.map(({ prefix }) => prefix.href);

  // A prefix may be reached through links itself: what counts is where it leads now.
  const findReal = async (real: URL, mode: "r" | "rw"): Promise<PrefixEntry> =>
    find(real, mode, await Promise.all(longestFirst.map(resolved)).then(sorted));
  const admit = async (real: URL): Promise<void> => void (await findReal(real, "r"));

  /** The entry for `url`, which must be allowed at the place where its links lead, too. */
  async function entryFor(url: URL, mode: "r" | "rw"): Promise<PrefixEntry> {
    const entry = find(url, mode, longestFirst);
    if (url.protocol !== "file:") return entry;
    const path = fileURLToPath(url);
    const real = await realPath(path);
    if (real === path) return entry;
    if (real !== undefined) {
      await findReal(pathToFileURL(real), mode);
    } else if (mode === "rw") {
      throw denied(url, "leads through a link to nowhere");
    }
    return entry;
  }

  function find(url: URL, mode: "r" | "rw", among: readonly PrefixEntry[]): PrefixEntry {
    const entry = among.find(({ prefix }) => isWithin(url, prefix));
    if (entry === undefined) throw outside(url, allowed);
    if (mode === "rw" && entry.mode !== "rw") throw denied(url, "may not be written");
    return entry;
  }

  function denied(url: URL, reason: string): GyreError {
    const address = `${url.protocol}//${url.host}${url.pathname}`;
    return new GyreError("Denied", `${address} ${reason} (${allowed.join(", ")})`, { source: address, allowed });
  }

  /** What `work` finds in a file, which the store itself asks about where it can. */
  async function admitted<T>(
    url: URL,
    options: ReadOptions | undefined,
    work: (files: Files, options: ReadOptions) => Promise<T | undefined>,
  ): Promise<T | undefined> {
    const { files } = find(url, "r", longestFirst);
    if (url.protocol === "file:" && files.asksAdmission !== true) await entryFor(url, "r");
    try {
      const found = await work(files, { ...options, admit });
      if (found !== undefined) return found;
    } catch (error) {
      // What is wrong with a file outside is not to be told.
      await entryFor(url, "r");
      throw error;
    }
    await entryFor(url, "r");
    return undefined;
  }

  return {
    read: (url, range, options) => admitted(url, options, (files, own) => files.read(url, range, own)),
    readWithInfo: (url, range, options) => admitted(url, options, (files, own) => readWithInfo(files, url, range, own)),
    head: async (url, call) => (await entryFor(url, "r")).files.head(url, call),
    async *list(prefix, options) {
      const { files } = await entryFor(prefix, "r");
      if (files.list === undefined) throw lacking(prefix, "list folders");
      yield* files.list(prefix, options);
    },
    async write(url, body, options) {
      const { files } = await entryFor(url, "rw");
      if (files.write === undefined) throw lacking(url, "write");
      return files.write(url, body, options);
    },
    async delete(url, call) {
      const { files } = await entryFor(url, "rw");
      if (files.delete === undefined) throw lacking(url, "delete");
      return files.delete(url, call);
    },
    async close() {
      await Promise.all([...new Set(entries.map(({ files }) => files))].map((files) => files.close?.()));
    },
  };
}

/** Refuses an address with the words that would have it read. */
export function outside(url: URL, allowed: readonly string[]): GyreError {
  const address = `${url.protocol}//${url.host}${url.pathname}`;
  const folder = address.slice(0, address.lastIndexOf("/") + 1);
  const message = `${address} is outside the allowed prefixes (${allowed.join(", ")}); it is read with --allow ${folder}`;
  return new GyreError("Denied", message, { source: address, allowed });
}

function sorted(entries: readonly PrefixEntry[]): PrefixEntry[] {
  const depth = ({ prefix }: PrefixEntry): number => prefix.pathname.split("/").filter((part) => part !== "").length;
  return [...entries].sort((a, b) => depth(b) - depth(a));
}

function lacking(url: URL, action: string): GyreError {
  return new GyreError("Unsupported", `the store of ${url} cannot ${action}`, { source: url.href });
}

async function resolved(entry: PrefixEntry): Promise<PrefixEntry> {
  if (entry.prefix.protocol !== "file:") return entry;
  const real = await realPath(fileURLToPath(entry.prefix));
  return real === undefined ? entry : { ...entry, prefix: pathToFileURL(real) };
}

/**
 * Where a path leads: links of the longest part that is there are followed, the rest is kept. Undefined when a link on
 * the way leads to nothing.
 */
async function realPath(path: string): Promise<string | undefined> {
  for (let there = path; ; there = dirname(there)) {
    try {
      return (await realpath(there)) + path.slice(there.length);
    } catch (error) {
      if (!isAbsence(error) || there === dirname(there)) {
        throw badSource(pathToFileURL(path), undefined, systemMessage(error as NodeJS.ErrnoException), error);
      }
      const isLink = await lstat(there).then(
        (stats) => stats.isSymbolicLink(),
        () => false,
      );
      if (isLink) return undefined;
    }
  }
}
