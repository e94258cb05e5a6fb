import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import type { IoCall } from "../../core/array.ts";
import { forEachLimited } from "../../core/concurrency.ts";
import type { Member } from "../../files/zip-directory.ts";
import { digest } from "../../formats/version.ts";
import { chosenOf, fileNameOf, lastPart, stemOf } from "./chosen.ts";
import type { FetchCall } from "./download.ts";
import { type FileSource, type Part, type PartsOptions, partsOf } from "./parts.ts";
import type { SourceCache } from "./source-cache.ts";
import { membersOf, unpack } from "./unzip.ts";

/** A file that a processor reads, on this machine. */
export interface SourceFile {
  readonly path: string;
  /** Where it is from, for people and provenance: for members of archives with their path behind a `#`. */
  readonly id: string;
  readonly digest: string;
  readonly bytes: number;
}

/** A file of a source, before it is there. */
export interface SourceItem {
  /** Tells it from others of the source and is fit for names of files; without an extension. */
  readonly name: string;
  /** Puts it into the folder, which is the caller's. */
  take(call: FetchCall): Promise<SourceFile>;
}

/** The files of a source in its present state. */
export interface SourceSet {
  /** Of the state of all files; fetches nothing large. */
  version(call: IoCall): Promise<string>;
  /** What will be fetched, as far as this machine has not got it. */
  look(call: IoCall): Promise<{ readonly bytes: number; readonly missingBytes: number; readonly files: number }>;
  /** All files, in order of their names; fetches archives, since only they say what is in them. */
  items(folder: string, call: FetchCall): Promise<readonly SourceItem[]>;
}

/** Files that belong to one of these, and are read from beside it. */
const COMPANIONS: Readonly<Record<string, readonly string[]>> = {
  shp: ["dbf", "shx", "prj", "cpg"],
  tif: ["tfw", "prj", "aux.xml"],
};
const AT_ONCE = 8;

/** See `SourceSet`. */
export function createSourceSet(
  configs: readonly FileSource[],
  { cache, folder: base }: { readonly cache: SourceCache; readonly folder: string },
): SourceSet {
  const options: PartsOptions = { files: cache.files, folder: base };

  async function parts(call: IoCall): Promise<readonly Part[]> {
    const found: Part[] = [];
    for (const config of configs) found.push(...(await partsOf(config, options, call)));
    return found;
  }

  /** What `ask` answers of each part, in their order, a few at once. */
  async function ofEach<T>(call: IoCall, ask: (part: Part) => Promise<T>): Promise<T[]> {
    const answers: T[] = [];
    await forEachLimited(await parts(call), AT_ONCE, async (part, i) => {
      answers[i] = await ask(part);
    });
    return answers;
  }

  async function itemsOf(part: Part, folder: string, call: FetchCall): Promise<SourceItem[]> {
    const { wanted, archive } = part;
    if (archive === undefined) {
      const take = async (one: FetchCall): Promise<SourceFile> => {
        const { path, digest, bytes } = await cache.take(wanted, join(folder, fileNameOf(part.name)), one);
        return { path, id: wanted.url.href, digest, bytes };
      };
      return [{ name: stemOf(part.name), take }];
    }
    const zip = await cache.take(wanted, join(folder, "archive.zip"), call);
    const members = await membersOf(zip.path, wanted.url);
    const chosen = chosenOf(members, ({ name }) => name, archive, wanted.url);
    const taken = async (member: Member, own: string, one: IoCall): Promise<SourceFile> => {
      const path = join(own, fileNameOf(member.name));
      const checksum = archive.checksums[lastPart(member.name)];
      const kept = await cache.derive(
        {
          key: [zip.digest, member.name, checksum].join(" "),
          bytes: member.size,
          make: (target, { signal }) =>
            unpack(zip.path, member, target, {
              source: wanted.url,
              ...(checksum !== undefined && { checksum }),
              ...(signal !== undefined && { signal }),
            }),
        },
        path,
        one,
      );
      return { ...kept, path, id: `${wanted.url}#${member.name}` };
    };
    return chosen.map((member, i) => ({
      name: stemOf(member.name),
      take: async (one) => {
        const own = join(folder, String(i));
        await mkdir(own, { recursive: true });
        for (const beside of companionsOf(member, members)) await taken(beside, own, one);
        return taken(member, own, one);
      },
    }));
  }

  return {
    version: async (call) => {
      const states = await ofEach(call, async ({ wanted, archive }) => [
        wanted.url.href,
        await cache.version(wanted, call),
        JSON.stringify(archive ?? null),
      ]);
      return `sha256:${digest(states.flat())}`;
    },
    async look(call) {
      const looks = await ofEach(call, ({ wanted }) => cache.look(wanted, call));
      const sum = (of: typeof looks): number => of.reduce((total, { bytes }) => total + bytes, 0);
      return { bytes: sum(looks), missingBytes: sum(looks.filter(({ isHere }) => !isHere)), files: looks.length };
    },
    async items(folder, call) {
      const found: SourceItem[] = [];
      const names = new Map<string, number>();
      let number = 0;
      for (const part of await parts(call)) {
        // A folder for each: two addresses may end in the same name.
        const own = join(folder, String(number++));
        await mkdir(own, { recursive: true });
        for (const { name, take } of await itemsOf(part, own, call)) {
          const before = names.get(name) ?? 0;
          names.set(name, before + 1);
          found.push({ name: before === 0 ? name : `${name}_${before + 1}`, take });
        }
      }
      return found;
    },
  };
}

function companionsOf({ name }: Member, members: readonly Member[]): Member[] {
  const dot = name.lastIndexOf(".");
  const beside = COMPANIONS[name.slice(dot + 1).toLowerCase()] ?? [];
  return members.filter(
    (other) =>
      other.name.startsWith(name.slice(0, dot + 1)) && beside.includes(other.name.slice(dot + 1).toLowerCase()),
  );
}
