import { isGyreError } from "../../errors.ts";
import type { CatalogOptions } from "../../formats/catalogs/expand.ts";
import type { Clock, Entry } from "../registry/entry.ts";
import type { Registry } from "../registry.ts";
import type { ConfiguredCube, Scanner, ScanProgress } from "../scan.ts";
import { type ConfiguredDataset, cubeKey } from "./register.ts";
import { type Watching, watchSources } from "./watch.ts";

/** All that a node serves, as somebody wrote it down. */
export interface Places {
  readonly sources: readonly URL[];
  readonly datasets: readonly Omit<ConfiguredDataset, "root">[];
  readonly cubes: readonly Omit<ConfiguredCube, "root">[];
  readonly catalogs: readonly (CatalogOptions & { readonly url: URL })[];
}

export interface RoundOptions {
  readonly scanner: Scanner;
  readonly registry: Registry;
  /** Milliseconds between two looks at everything; 0: only when the system tells of a change. */
  readonly every: number;
  readonly clock?: Clock;
  progress?(source: URL, state: ScanProgress): void;
  /** Told of what could not be looked through; the others are. */
  failed(source: URL, error: unknown): void;
}

/** Looks through all places of a node, once and then again as they change. */
export interface Rounds {
  /** Throws only when there is not one place that can be looked through. */
  first(signal?: AbortSignal): Promise<void>;
  /** Resolves when changes are told of, where the system can. */
  watch(): Promise<void>;
  /** Resolves when no look is under way any more. */
  stop(): Promise<void>;
}

/** What is registered because the configuration names it, and below no source. */
const CONFIGURED = "gyre.yaml";

/** What is known may come from earlier runs with other places. */
function servedBy({ sources, datasets, cubes, catalogs }: Places): (entry: Entry) => boolean {
  const roots = new Set([...sources.map(String), ...catalogs.map(({ url }) => url.href)]);
  const keys = new Set([...datasets.map(({ url }) => url.href), ...cubes.map(({ id }) => cubeKey(id))]);
  return ({ root, key }) => (root === CONFIGURED ? keys.has(key) : root !== undefined && roots.has(root));
}

/** Under a name of its own among the problems: a source that is one file may be broken as well. */
function failureOf(where: URL): string {
  return new URL("#source", where).href;
}

interface Look {
  readonly where: URL;
  run(signal: AbortSignal): Promise<void>;
}

export function createRounds(places: Places, options: RoundOptions): Rounds {
  const { scanner, registry, every, clock, progress, failed } = options;
  const looks = looksAt(places);
  const over = new AbortController();
  const running = new Set<Promise<void>>();
  let watching: Watching | undefined;

  function looksAt({ sources, datasets, cubes, catalogs }: Places): readonly Look[] {
    return [
      // First what has a given id, so that no file that is met on the way takes it.
      ...datasets.map((dataset) => ({
        where: dataset.url,
        run: (signal: AbortSignal) => scanner.addDataset({ ...dataset, root: CONFIGURED }, { signal }),
      })),
      ...sources.map((where) => ({
        where,
        run: async (signal: AbortSignal) =>
          void (await scanner.scan(where, { progress: (state) => progress?.(where, state) }, { signal })),
      })),
      ...cubes.flatMap((cube) =>
        cube.globs.slice(0, 1).map((where) => ({
          where,
          run: (signal: AbortSignal) => scanner.addCube({ ...cube, root: CONFIGURED }, { signal }),
        })),
      ),
      ...catalogs.map(({ url: where, ...catalog }) => ({
        where,
        run: async (signal: AbortSignal) => {
          const seen = await scanner.addCatalog(where, catalog, { signal });
          progress?.(where, { seen, datasets: seen, broken: 0, isDone: true });
        },
      })),
    ];
  }

  /** One look, with what came of it among the problems. */
  async function look({ where, run }: Look, signal: AbortSignal): Promise<unknown> {
    const work = run(signal);
    const settled = work.catch(() => undefined);
    running.add(settled);
    try {
      await work;
      await registry.save();
      registry.resolved(failureOf(where));
      return undefined;
    } catch (error) {
      if (!isGyreError(error)) throw error;
      registry.report(failureOf(where), error);
      return error;
    } finally {
      running.delete(settled);
    }
  }

  return {
    async first(signal) {
      registry.keepOnly(servedBy(places));
      const either = signal === undefined ? over.signal : AbortSignal.any([signal, over.signal]);
      const failures: unknown[] = [];
      for (const one of looks) {
        const error = await look(one, either);
        if (error === undefined) continue;
        failures.push(error);
        if (looks.length > 1) failed(one.where, error);
      }
      if (looks.length > 0 && failures.length === looks.length) throw failures[0];
    },

    async watch() {
      const byPlace = new Map(looks.map((one) => [one.where, one]));
      watching = watchSources([...byPlace.keys()], {
        every,
        ...(clock === undefined ? {} : { clock }),
        async rescan(place) {
          const error = await look(byPlace.get(place)!, over.signal);
          if (error !== undefined) failed(place, error);
        },
        failed: (place, error) => over.signal.aborted || failed(place, error),
      });
      await watching.started;
    },

    async stop() {
      watching?.stop();
      over.abort();
      await Promise.all(running);
    },
  };
}
