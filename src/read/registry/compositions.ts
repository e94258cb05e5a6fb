import type { Dataset, IoCall } from "../../core/array.ts";
import type { CubePart } from "../../core/cube.ts";
import { GyreError } from "../../errors.ts";
import type { FileInfo } from "../../files/files.ts";
import { digest } from "../../formats/version.ts";
import { restoreSummaries, type StoredSummaries, storeSummaries } from "../cube/store.ts";
import { type CubeMember, openCube, type ReadValues } from "../cube.ts";
import type { DatasetIndex } from "../index.ts";
import type { Entry } from "./entry.ts";
import { identityOf } from "./identity.ts";
import type { Names } from "./names.ts";

type CubeEntry = NonNullable<Entry["cube"]>;

/** What a cube was made of when it was last gone through. */
export interface Composition {
  readonly members: readonly CubeMember[];
  readonly identity: string;
  readonly changes: number;
  readonly at: number;
}

/** What the cubes of a registry need of it. */
export interface CompositionsOptions {
  readonly names: Pick<Names, "byKey">;
  /** What a store says of a source, not asked again while it is fresh. */
  look(url: URL, call?: IoCall): Promise<FileInfo | undefined>;
  openFile(url: URL, info: FileInfo): Promise<Dataset>;
  changedMeanwhile(url: URL): GyreError;
  readonly read: ReadValues;
  readonly index?: DatasetIndex;
  /** Work that nobody waits for. */
  later(work: () => Promise<void>): void;
  /** Counts up whenever a member may be another than before. */
  changes(): number;
  now(): number;
  /** Milliseconds for which a composition is taken to be what it was. */
  readonly lasts: number;
}

/** The cubes of a registry: what they are made of, and how they open. */
export interface Compositions {
  compose(entry: Entry, cube: CubeEntry): Promise<Composition>;
  open(entry: Entry, cube: CubeEntry, members: readonly CubeMember[]): Promise<Dataset>;
  /** When it was last gone through; 0: never. */
  composedAt(entry: Entry): number;
}

export function createCompositions(options: CompositionsOptions): Compositions {
  const { names, look, openFile, changedMeanwhile, read, index, later, now, lasts } = options;
  const compositions = new WeakMap<Entry, Composition>();

  async function memberOf(part: CubePart): Promise<CubeMember> {
    if (typeof part !== "string") return nested(part);
    const url = new URL(part);
    const kept = names.byKey(part)?.identity;
    const seen = kept === undefined ? await look(url) : undefined;
    const identity = kept ?? (seen === undefined ? undefined : identityOf(seen));
    return {
      source: url.href,
      identity: digest([url.href, identity ?? "missing"]),
      async open() {
        const info = await look(url);
        if (info === undefined) throw new GyreError("NotFound", `${url} is not there`, { source: url.href });
        if (identityOf(info) !== identity) throw changedMeanwhile(url);
        return openFile(url, info);
      },
    };
  }

  async function nested(part: Exclude<CubePart, string>): Promise<CubeMember> {
    const members = await membersOf(part.parts);
    const source = members[0]?.source ?? "";
    return {
      source,
      identity: digest(["cube", JSON.stringify(part.rules), ...members.map((m) => m.identity)]),
      open: async () => (await openCube(members, part.rules, { read, openMembers: 8 })).dataset,
    };
  }

  async function membersOf(parts: readonly CubePart[]): Promise<CubeMember[]> {
    const members: CubeMember[] = [];
    for (const part of parts) {
      // What has gone is a gap, not an error of the whole; what only is no dataset of its own any more is a member.
      const isMissing = typeof part === "string" && names.byKey(part)?.missing !== undefined;
      if (isMissing && (await look(new URL(part))) === undefined) continue;
      members.push(await memberOf(part));
    }
    return members;
  }

  /** Asked for every chunk: thousands of members are gone through only when one may be another than before. */
  async function compose(entry: Entry, { parts, rules }: CubeEntry): Promise<Composition> {
    const known = compositions.get(entry);
    const changes = options.changes();
    const at = now();
    if (known?.changes === changes && at - known.at < lasts) return known;
    const members = await membersOf(parts);
    const identity = digest([JSON.stringify(rules), ...members.map((m) => m.identity)]);
    const composition = { members, identity, changes, at };
    compositions.set(entry, composition);
    return composition;
  }

  async function open(entry: Entry, { rules }: CubeEntry, members: readonly CubeMember[]): Promise<Dataset> {
    const key = `cube ${entry.key} ${JSON.stringify(rules)}`;
    const stored = (await index?.loadData(key).catch(() => undefined)) as StoredSummaries | undefined;
    const known = new Map((stored === undefined ? [] : restoreSummaries(stored)).map((s) => [s.identity, s]));
    const { dataset, summaries } = await openCube(members, rules, { read, known });
    const isNews = summaries.some((s) => !known.has(s.identity)) || summaries.length !== known.size;
    if (index !== undefined && isNews) later(() => index.saveData(key, storeSummaries(summaries)));
    return dataset;
  }

  return { compose, open, composedAt: (entry) => compositions.get(entry)?.at ?? 0 };
}
