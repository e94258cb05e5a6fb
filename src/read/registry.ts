import type { ListOptions, Opened } from "../core/access.ts";
import type { Dataset, IoCall } from "../core/array.ts";
import { globMatches } from "../core/glob.ts";
import type { Call } from "../core/principal.ts";
import { GyreError, isGyreError } from "../errors.ts";
import type { FileInfo, Files } from "../files/files.ts";
import { Recent } from "../formats/recent.ts";
import type { FormatRegistry } from "../formats/registry.ts";
import { digest } from "../formats/version.ts";
import type { Holdings } from "./access.ts";
import type { ReadValues } from "./cube.ts";
import type { DatasetIndex } from "./index.ts";
import { createCompositions } from "./registry/compositions.ts";
import type { Clock, Entry, Problem } from "./registry/entry.ts";
import { systemClock } from "./registry/entry.ts";
import { identityOf, infoOf } from "./registry/identity.ts";
import { openNames, type Registration } from "./registry/names.ts";
import { sourceFiles } from "./registry/source-files.ts";

export type { Clock, Entry, Problem } from "./registry/entry.ts";
export { systemClock } from "./registry/entry.ts";
export type { Registration } from "./registry/names.ts";

export interface RegistryOptions {
  readonly files: Files;
  readonly formats: FormatRegistry;
  readonly read: ReadValues;
  readonly index?: DatasetIndex;
  /** Tells the id of the STAC item that describes a dataset; it is kept with the others. */
  readonly itemIdOf?: (opened: Opened) => Promise<string>;
  /** The file in which ids are kept; without it they last as long as the process. */
  readonly store?: URL;
  /** Another process keeps it. */
  readonly isReadOnly?: boolean;
  readonly clock?: Clock;
  /** Opened datasets kept at most, members of cubes apart. */
  readonly openDatasets?: number;
  /** Milliseconds for which a source is taken to be what it was, by scheme. */
  readonly freshness?: { readonly local: number; readonly remote: number };
}

/** The datasets of this node: what their ids are and how they open. */
export interface Registry extends Holdings {
  /** A source that is known keeps its id. Throws Conflict when a given id belongs to another source. */
  add(registration: Registration): Entry;
  get(id: string): Entry | undefined;
  byKey(key: string): Entry | undefined;
  entries(): Iterable<Entry>;
  /** The source is not there any more: its id is kept, answers 404, and is listed with the problems. */
  vanished(key: string): void;
  /** A file is not what it was when it was opened: what is known of it is forgotten, and the next opening looks again. */
  changed(url: URL): void;
  /** Serves these alone of what is known; the ids of the others are kept for when they are served again. */
  keepOnly(isServed: (entry: Entry) => boolean): void;
  /** Opens it to find out whether it can be read; what is wrong is listed with the problems. */
  verify(id: string, call?: IoCall): Promise<boolean>;
  problems(): readonly Problem[];
  hasProblem(source: string): boolean;
  report(source: string, reason: unknown): void;
  resolved(source: string): void;
  save(): Promise<void>;
  /** Resolves when nothing is being written in the background. */
  settled(): Promise<void>;
}

const FRESH = { local: 1000, remote: 60_000 };
const MOST_PROBLEMS = 10_000;
/** Indexes being written at once while sources are verified. */
const MOST_SAVES = 16;

export async function createRegistry(options: RegistryOptions): Promise<Registry> {
  const { files, formats, index, read, clock = systemClock, openDatasets = 256, freshness = FRESH } = options;
  const problems = new Map<string, Problem>();
  const suffixes = [...new Set(formats.formats.flatMap((format) => format.suffixes))];
  const store = options.store === undefined ? undefined : { files, url: options.store };
  const names = await openNames(store, suffixes, (reason) => report(store!.url.href, reason));
  const opened = new Recent<Dataset>(openDatasets);
  const looked = new Map<string, { readonly at: number; readonly info: FileInfo | undefined }>();
  const saves = new Set<Promise<void>>();
  const current = new Map<string, { readonly opened: Opened; readonly until: number; readonly changes: number }>();
  let forgotten = 0;
  const cubes = createCompositions({
    names,
    look,
    openFile,
    changedMeanwhile,
    read,
    later,
    ...(index === undefined ? {} : { index }),
    changes: () => names.changes + forgotten,
    now: () => clock.now(),
    lasts: freshness.local,
  });

  function report(source: string, reason: unknown): void {
    const text = reason instanceof Error ? reason.message : String(reason);
    const offset = isGyreError(reason) ? reason.details.offset : undefined;
    const since = problems.get(source)?.since ?? new Date(clock.now()).toISOString();
    if (problems.size >= MOST_PROBLEMS && !problems.has(source)) return;
    problems.set(source, { source, ...(offset === undefined ? {} : { offset }), reason: text, since });
  }

  /** What the store says of a source, not asked again while it is fresh. */
  async function look(url: URL, call?: IoCall): Promise<FileInfo | undefined> {
    const known = looked.get(url.href);
    const lasts = url.protocol === "file:" ? freshness.local : freshness.remote;
    if (known !== undefined && clock.now() - known.at < lasts) return known.info;
    const info = await infoOf(files, url, call);
    looked.delete(url.href);
    looked.set(url.href, { at: clock.now(), info });
    if (looked.size > openDatasets * 8) looked.delete(looked.keys().next().value as string);
    return info;
  }

  /** In the background: nobody waits for an index to be written, except those who would start too many. */
  function later(work: () => Promise<void>): void {
    const save = work().catch((error) => report("index", error));
    saves.add(save);
    void save.then(() => saves.delete(save));
  }

  async function openFile(url: URL, info: FileInfo): Promise<Dataset> {
    const reopen = (): Promise<Dataset> => openUnchanged(url, info);
    const kept = await index?.load({ url, info }, reopen).catch(() => undefined);
    if (kept !== undefined) return kept;
    const dataset = await reopen();
    if (index !== undefined) later(() => index.save({ url, info }, dataset));
    return dataset;
  }

  /** Opened as it was when it was looked at, or not at all: its version, its index and its bytes are of one state. */
  async function openUnchanged(url: URL, info: FileInfo): Promise<Dataset> {
    if (info.etag !== undefined && !url.pathname.endsWith("/")) return formats.open(url, {}, info);
    // What has no tag, or is made of many files, cannot be held: it must still be the same afterwards.
    const dataset = await formats.open(url);
    const now = await infoOf(files, url);
    if (now !== undefined && identityOf(now) === identityOf(info)) return dataset;
    throw changedMeanwhile(url);
  }

  function changedMeanwhile(url: URL): GyreError {
    changed(url);
    return new GyreError("Conflict", `${url} changed while it was opened`, { source: url.href });
  }

  async function openEntry(entry: Entry, call?: IoCall): Promise<Dataset | undefined> {
    if (entry.cube !== undefined) {
      if (entry.missing !== undefined) return undefined;
      const { members, identity } = await cubes.compose(entry, entry.cube);
      return opened.get(`${entry.key} ${identity}`, () => cubes.open(entry, entry.cube!, members));
    }
    const url = new URL(entry.source);
    const info = await look(url, call);
    if (info === undefined) {
      vanished(entry.key);
      return undefined;
    }
    if (entry.missing !== undefined) back(entry);
    return opened.get(`${entry.key} ${identityOf(info)} ${entry.drop?.join() ?? ""}`, async () =>
      withoutVariables(await openFile(url, info), entry.drop ?? []),
    );
  }

  /** What is served does not depend on it: a full disk is a problem for people, not for clients. */
  async function save(): Promise<void> {
    if (options.isReadOnly === true) return;
    await names.save().then(
      () => problems.delete("registry"),
      (error) => report("registry", error),
    );
  }

  function vanished(key: string): void {
    const entry = names.byKey(key);
    if (entry === undefined || entry.missing !== undefined) return;
    looked.delete(entry.source);
    names.update({ ...entry, missing: new Date(clock.now()).toISOString() });
    report(entry.source, `${entry.id}: the source is not there any more`);
  }

  function changed(url: URL): void {
    forgotten++;
    for (const place of upward(url)) {
      const wasLookedAt = looked.delete(place);
      const entry = names.byKey(place);
      if (entry?.identity !== undefined) {
        const { identity, verified, ...rest } = entry;
        names.update(rest);
      }
      if (wasLookedAt || entry !== undefined) return;
    }
    // Others refer to it: which ones is not known.
    opened.clear();
  }

  function back({ missing, ...entry }: Entry): void {
    if (missing === undefined) return;
    names.update(entry);
    problems.delete(entry.source);
  }

  async function openChecked(entry: Entry, call?: IoCall): Promise<Dataset | undefined> {
    try {
      const dataset = await openEntry(entry, call);
      if (dataset !== undefined) problems.delete(entry.source);
      return dataset;
    } catch (error) {
      if (isGyreError(error, "BadSource", "Unsupported", "TooLarge", "NotFound")) report(entry.source, error);
      throw error;
    }
  }

  /** Until when an opened entry is taken to be what it is. */
  function freshUntil(entry: Entry): number {
    if (entry.cube !== undefined) return cubes.composedAt(entry) + freshness.local;
    const lasts = entry.source.startsWith("file:") ? freshness.local : freshness.remote;
    return (looked.get(entry.source)?.at ?? 0) + lasts;
  }

  return {
    async *list(_call: Call, { prefix = "" }: ListOptions = {}) {
      for (const id of names.ids()) if (id.startsWith(prefix)) yield id;
    },
    async open(id: string, call: Call): Promise<Opened | undefined> {
      const entry = names.get(id);
      if (entry === undefined) return undefined;
      const changes = names.changes + forgotten;
      const dataset = await openChecked(entry, call);
      if (dataset === undefined) return undefined;
      const modified = looked.get(entry.source)?.info?.modified;
      const { id: canonical, source, tape = false } = entry;
      const answer = { id: canonical, dataset, source, tape, ...(modified === undefined ? {} : { modified }) };
      current.delete(id);
      current.set(id, { opened: answer, until: freshUntil(entry), changes });
      if (current.size > openDatasets) current.delete(current.keys().next().value as string);
      return answer;
    },
    current(id) {
      const known = current.get(id);
      const isFresh = known?.changes === names.changes + forgotten && clock.now() < known.until;
      return isFresh ? known.opened : undefined;
    },
    files(id) {
      const entry = names.get(id);
      return entry === undefined ? [] : sourceFiles(entry, names, (source) => looked.get(source)?.info);
    },
    item: (id) => names.get(id)?.item,
    add(registration) {
      const known = names.byKey(registration.key);
      const entry = names.add(registration);
      if (known?.missing !== undefined) problems.delete(entry.source);
      if (known !== undefined && known.identity !== entry.identity) looked.delete(entry.source);
      return entry;
    },
    get: (id) => names.get(id),
    byKey: (key) => names.byKey(key),
    entries: () => names.entries(),
    vanished,
    changed,
    keepOnly(isServed) {
      for (const entry of [...names.entries()]) {
        if (entry.missing === undefined && !isServed(entry)) {
          names.update({ ...entry, missing: new Date(clock.now()).toISOString() });
        }
      }
    },
    async verify(id, call) {
      const entry = names.get(id);
      if (entry === undefined) return false;
      try {
        while (saves.size >= MOST_SAVES) await Promise.race(saves);
        const dataset = await openChecked(entry, call);
        if (dataset === undefined) return false;
        const { source, tape = false } = entry;
        const item = await options.itemIdOf?.({ id: entry.id, dataset, source, tape });
        const now = names.byKey(entry.key);
        if (now !== undefined && now.identity === entry.identity) {
          names.update({ ...now, verified: true, ...(item === undefined ? {} : { item }) });
        }
        return true;
      } catch (error) {
        if (!isGyreError(error)) throw error;
        report(entry.source, error);
        return false;
      }
    },
    problems: () => [...problems.values()].sort((a, b) => (a.source < b.source ? -1 : 1)),
    hasProblem: (source) => problems.has(source),
    report,
    resolved: (source) => void problems.delete(source),
    save,
    async settled() {
      while (saves.size > 0) await Promise.all(saves);
    },
  };
}

/** An address and the folders that it lies in, the nearest first: a chunk of a store belongs to the store. */
function* upward(url: URL): Generator<string> {
  yield url.href;
  for (let at = new URL(".", url); at.pathname.length > 1; at = new URL("..", at)) yield at.href;
}

/** A dataset without some of its variables. */
function withoutVariables(dataset: Dataset, drop: readonly string[]): Dataset {
  if (drop.length === 0) return dataset;
  const isDropped = (name: string): boolean => drop.some((pattern) => globMatches(pattern, name));
  const variables = new Map([...dataset.variables].filter(([name]) => !isDropped(name)));
  return { ...dataset, version: digest([dataset.version, ...drop]), variables };
}
