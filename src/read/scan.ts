import type { IoCall } from "../core/array.ts";
import { forEachLimited } from "../core/concurrency.ts";
import type { CubePart, CubeRules } from "../core/cube.ts";
import { isGyreError } from "../errors.ts";
import type { Files } from "../files/files.ts";
import { type CatalogOptions, expandSource, isCatalog } from "../formats/catalogs/expand.ts";
import type { FormatRegistry } from "../formats/registry.ts";
import { identityOf, infoOf } from "./registry/identity.ts";
import type { Registry } from "./registry.ts";
import { drsOf } from "./scan/drs.ts";
import {
  type ConfiguredDataset,
  cubeKey,
  registerCatalog,
  registerDataset,
  registerDrs,
  vanishOthers,
} from "./scan/register.ts";
import { type Found, isOne, walk } from "./scan/walk.ts";

export { drsOf } from "./scan/drs.ts";
export type { ConfiguredDataset } from "./scan/register.ts";
export { type Watching, type WatchOptions, watchSources } from "./scan/watch.ts";

export interface ScannerOptions {
  readonly files: Files;
  readonly formats: FormatRegistry;
  readonly registry: Registry;
  readonly concurrency?: number;
  /** Open what is new or has changed to find out whether it can be read. Default: yes. */
  readonly verify?: boolean;
  /** Whether an address may be read at all. Default: all may. */
  readonly allows?: (url: URL) => boolean;
}

export interface ScanProgress {
  /** Files and stores looked at so far. */
  readonly seen: number;
  readonly datasets: number;
  /** Those that could not be read. */
  readonly broken: number;
  readonly isDone: boolean;
}

export interface Scanner {
  /**
   * Looks through a source and registers what it finds; what was there before and is not any more is marked as
   * vanished. One broken file never stops the others. Known files that have not changed cost no more than being listed.
   * A single file that is a catalogue stands for the datasets that it names.
   */
  scan(source: URL, options?: ScanCall, call?: IoCall): Promise<ScanProgress>;
  /** A source that somebody gave an id. */
  addDataset(dataset: ConfiguredDataset, call?: IoCall): Promise<void>;
  /** A cube that somebody described: members are what the patterns find now, in the order of their addresses. */
  addCube(cube: ConfiguredCube, call?: IoCall): Promise<void>;
  /** The datasets that a catalogue names, and how many they are; those it does not name any more vanish. */
  addCatalog(url: URL, options?: CatalogOptions, call?: IoCall): Promise<number>;
}

export interface ScanCall {
  readonly tape?: boolean;
  progress?(state: ScanProgress): void;
}

export interface ConfiguredCube {
  readonly id: string;
  readonly globs: readonly URL[];
  readonly rules: CubeRules;
  readonly tape?: boolean;
  /** What it is registered below; it vanishes with that. */
  readonly root: string;
}

const UNKNOWN = "is in no format that this node reads";

export function createScanner(options: ScannerOptions): Scanner {
  const { files, formats, registry, concurrency = 8, verify = true, allows = () => true } = options;
  /** Sources in no known format with what they were like, so that they are not read again. */
  const others = new Map<string, string>();
  /** What the latest look through each source itself listed with the problems. */
  const told = new Map<string, ReadonlySet<string>>();
  const suffixes = formats.formats.flatMap((format) => format.suffixes.map((s) => s.toLowerCase()));

  return {
    async scan(source, call = {}, io) {
      const isNamed = isOne(source) && (await formats.detect(source, io)) === undefined;
      if (!isNamed || !(await isCatalog(source, files, io))) return scan(source, call, io);
      const seen = await addCatalog(source, {}, io);
      const done = { seen, datasets: seen, broken: 0, isDone: true };
      call.progress?.(done);
      return done;
    },
    async addDataset(dataset, call) {
      const entry = await registerDataset({ registry, files }, dataset, call);
      if (verify && entry.verified !== true && entry.missing === undefined) await registry.verify(entry.id, call);
    },
    async addCube({ id, globs, rules, tape, root }, call) {
      const parts = new Set<string>();
      for (const glob of globs) for await (const { url } of walk(files, glob, call)) parts.add(url.href);
      const source = globs.map(String).join(" ");
      const cube = { rules, parts: [...parts].sort() };
      registry.add({ key: cubeKey(id), kind: "cube", id, source, root, path: id, cube, ...(tape ? { tape } : {}) });
    },
    addCatalog,
  };

  async function addCatalog(url: URL, given: CatalogOptions = {}, call?: IoCall): Promise<number> {
    const report = given.report ?? registry.report;
    const entries = expandSource(url, files, { ...given, report }, call);
    const count = await registerCatalog({ registry, files, allows }, url, entries, call);
    await registry.save();
    return count;
  }

  async function scan(source: URL, options: ScanCall, call?: IoCall): Promise<ScanProgress> {
    const met = new Set<string>();
    const cubes = new Map<string, { id: string; parts: CubePart[] }>();
    const state = { seen: 0, datasets: 0, broken: 0 };
    const fresh: string[] = [];
    let isWhole = true;
    const before = told.get(source.href);
    const now = new Set<string>();
    told.set(source.href, now);
    const tell = (url: URL, reason: unknown): void => {
      now.add(url.href);
      registry.report(url.href, reason);
    };
    const failed = (folder: URL, error: unknown): void => {
      isWhole = false;
      tell(folder, error);
    };
    let turn: Promise<void> = Promise.resolve();
    await forEachLimited(walk(files, source, call, failed), concurrency, async (found) => {
      call?.signal?.throwIfAborted();
      const previous = turn;
      const own = Promise.withResolvers<void>();
      turn = own.promise;
      try {
        const register = await look(found);
        // Looking goes on side by side, but ids are given in the order of the walk, however long each look takes.
        await previous;
        register?.();
      } catch (error) {
        if (!isGyreError(error)) throw error;
        state.broken++;
        tell(found.url, error);
      } finally {
        await previous;
        own.resolve();
      }
      state.seen++;
      if (state.seen % 100 === 0) options.progress?.({ ...state, isDone: false });
    });
    for (const [folder, { id, parts }] of cubes)
      registerDrs(registry, source, { folder, id, parts: parts.sort() }, met);
    if (isWhole) vanishOthers(registry, source.href, met);
    for (const href of before ?? []) if (!now.has(href)) registry.resolved(href);
    await registry.save();
    if (verify) {
      await forEachLimited(fresh, concurrency, async (id) => {
        call?.signal?.throwIfAborted();
        if (!(await registry.verify(id, call))) state.broken++;
      });
      await registry.settled();
      await registry.save();
    }
    const done = { ...state, isDone: true };
    options.progress?.(done);
    return done;

    /** What is to be registered; undefined when it is no dataset. */
    async function look({ url, path, info: listed }: Found): Promise<(() => void) | undefined> {
      const info = listed ?? (await infoOf(files, url, call));
      if (info === undefined) return undefined;
      met.add(url.href);
      const identity = identityOf(info);
      const known = registry.byKey(url.href);
      const isKnown = known?.identity === identity && known.missing === undefined && known.root === source.href;
      if (!isKnown && others.get(url.href) === identity) {
        if (before?.has(url.href)) now.add(url.href);
        return undefined;
      }
      if (!isKnown && (await formats.detect(url, call)) === undefined) {
        others.set(url.href, identity);
        if (known !== undefined || looksLikeData(path)) tell(url, UNKNOWN);
        return undefined;
      }
      others.delete(url.href);
      return () => {
        const tape = options.tape ?? known?.tape;
        const kept = { ...(tape ? { tape } : {}), ...(known?.drop === undefined ? {} : { drop: known.drop }) };
        const place = { key: url.href, kind: "file", source: url.href, root: source.href, path, identity } as const;
        const entry = isKnown ? known : registry.add({ ...place, ...kept });
        state.datasets++;
        if (entry.verified !== true && !(isKnown && registry.hasProblem(url.href))) fresh.push(entry.id);
        const drs = drsOf(url);
        const cube = drs === undefined ? undefined : cubes.get(drs.folder);
        if (cube !== undefined) cube.parts.push(url.href);
        else if (drs !== undefined) cubes.set(drs.folder, { id: drs.id, parts: [url.href] });
      };
    }
  }

  /** Text and pictures lie in archives as well; only what calls itself data is a trouble when it is none. */
  function looksLikeData(path: string): boolean {
    const lower = path.toLowerCase();
    return suffixes.some((s) => s !== ".json" && s !== ".zip" && lower.endsWith(s));
  }
}
