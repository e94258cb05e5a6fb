import type { IncomingMessage, ServerResponse } from "node:http";
import type { Config } from "./config.ts";
import type { Access } from "./core/access.ts";
import type { CubeRules, NewDimension } from "./core/cube.ts";
import { createEngine, type Engine, type LoadedPlugin, loadPlugins, prefixOf, sourceUrl } from "./engine.ts";
import type { Answer } from "./http/answer.ts";
import { createApp } from "./http/app.ts";
import { chunkServer } from "./http/chunks.ts";
import { type Listening, listen } from "./http/listen.ts";
import { createMetrics } from "./http/metrics.ts";
import { all } from "./protocols/all.ts";
import { createInfo } from "./protocols/info.ts";
import { kerchunk } from "./protocols/kerchunk.ts";
import { createOperations } from "./protocols/operations.ts";
import type { Protocol } from "./protocols/protocol.ts";
import { zarr } from "./protocols/zarr.ts";
import { createAccess } from "./read/access.ts";
import { createDatasetIndex } from "./read/index.ts";
import { createRegistry, type Registry } from "./read/registry.ts";
import { createScanner, type ScanProgress, watchSources } from "./read/scan.ts";
import { VERSION } from "./version.ts";

export type { Engine, LoadedPlugin, Plugin } from "./engine.ts";
export { createEngine, FORMATS, loadPlugins, sourceUrl } from "./engine.ts";

/** Protocols that every node speaks. */
export const PROTOCOLS: readonly Protocol[] = [kerchunk, zarr, all];

export interface NodeOptions {
  /** Folder that relative paths of the configuration start from. */
  readonly folder: string;
  /** Nothing is written: neither ids nor indexes outlive the node. */
  readonly isTransient?: boolean;
  /** Told of faults that are nobody's request: a broken file, an index that cannot be written. */
  readonly onError?: (error: unknown, where: string) => void;
  readonly onScan?: (source: URL, progress: ScanProgress) => void;
  /** Told of every request when its answer is through. */
  readonly onAnswer?: (answer: Answer) => void;
}

export interface Node {
  readonly access: Access;
  readonly registry: Registry;
  /** Answers a request without a socket. */
  fetch(request: Request): Promise<Response>;
  /** Looks through all sources once, and then watches them. */
  scan(signal?: AbortSignal): Promise<void>;
  listen(): Promise<Listening>;
  close(): Promise<void>;
}

/** Wires a node. Nothing is read and no port is opened until `scan` and `listen`. */
export async function createNode(config: Config, options: NodeOptions): Promise<Node> {
  const { folder, isTransient = false, onError = () => undefined } = options;
  const urls = (texts: readonly string[]): Promise<URL[]> => Promise.all(texts.map((text) => sourceUrl(text, folder)));
  const dataDir = asFolder(await sourceUrl(config.dataDir, folder));
  const objects = config.objects === undefined ? dataDir : asFolder(await sourceUrl(config.objects, folder));
  const sources = await urls(config.sources);
  const named = await Promise.all(
    Object.entries(config.datasets).map(async ([id, dataset]) => ({
      id,
      ...dataset,
      url: await sourceUrl(dataset.source, folder),
    })),
  );
  const cubes = await Promise.all(
    config.cubes.map(async ({ id, glob, tape, concat, newDim, drop }) => ({
      id,
      globs: await urls([glob].flat()),
      rules: rulesOf({ concat, newDim, drop }),
      ...(tape === undefined ? {} : { tape }),
    })),
  );
  const prefixes = [...sources, ...named.map(({ url }) => url), ...cubes.flatMap(({ globs }) => globs)].map(prefixOf);
  const plugins = await loadPlugins(config.plugins, folder);
  const engine = createEngine({
    allow: [...prefixes, ...(await urls(config.allow))],
    own: isTransient ? [] : [dataDir, objects],
    config,
    plugins,
  });
  const { files, formats, decoder } = engine;
  const registry = await createRegistry({
    files,
    formats,
    read: engine.read,
    ...(isTransient ? {} : { index: createDatasetIndex(files, objects), store: new URL("registry.jsonl", dataDir) }),
    openDatasets: config.limits.openDatasets,
  });
  const { limits } = config;
  const access = createAccess(
    registry,
    { files, decoder },
    { cacheBytes: limits.cache, selectionBytes: limits.selection, blockBytes: limits.block },
  );
  const protocols = [...PROTOCOLS, ...plugins.flatMap((plugin) => plugin.protocols ?? [])];
  const info = createInfo({ version: VERSION, plugins: pluginTable(engine, protocols, plugins), protocols });
  const progress = new Map<string, ScanProgress>();
  let isScanned = false;
  const metrics = createMetrics([
    { name: "gyre_cache_bytes", help: "Decoded chunks that are kept", value: () => access.cachedBytes },
    { name: "gyre_problems", help: "Sources that cannot be read", value: () => registry.problems().length },
  ]);
  const onAnswer = (answer: Answer): void => {
    metrics.onAnswer(answer);
    options.onAnswer?.(answer);
  };
  // Info comes last: its `/datasets/:id` would take `/datasets/.zmetadata` for a dataset.
  const described = [...protocols, info];
  const operations = createOperations({
    version: VERSION,
    protocols: described,
    roots: sources,
    problems: () => registry.problems(),
    ready: () => ({
      isReady: isScanned,
      detail: isScanned ? "all sources have been looked through" : "looking through the sources",
      progress: totalOf(progress.values()),
    }),
    metrics: metrics.text,
  });
  const app = createApp({
    access,
    protocols: [operations, ...described],
    onAnswer,
    trustForwarded: config.trustForwarded,
    ...(config.publicUrl === undefined ? {} : { publicUrl: new URL(config.publicUrl) }),
    onError: (error, request) => onError(error, `${request.method} ${request.url}`),
  });
  const first = chunkServer({ access, onError, onAnswer });
  let stopWatching: (() => void) | undefined;

  async function register(signal?: AbortSignal): Promise<void> {
    const scanner = createScanner({ files, formats, registry, concurrency: limits.scanConcurrency });
    const call = signal === undefined ? {} : { signal };
    for (const { id, url, tape, drop } of named) {
      const extra = { ...(tape === undefined ? {} : { tape }), ...(drop === undefined ? {} : { drop }) };
      registry.add({ key: url.href, kind: "file", source: url.href, path: id, id, ...extra });
    }
    const look = (source: URL): Promise<ScanProgress> => {
      const told = (state: ScanProgress): void => {
        progress.set(source.href, state);
        options.onScan?.(source, state);
      };
      return scanner.scan(source, { progress: told }, call);
    };
    for (const source of sources) await look(source);
    for (const cube of cubes) await scanner.addCube(cube, call);
    await registry.save();
    isScanned = true;
    if (isTransient) return;
    stopWatching = watchSources(sources, {
      every: config.rescanSeconds * 1000,
      rescan: async (source) => void (await look(source)),
      failed: (source, error) => onError(error, source.href),
    });
  }

  return {
    access,
    registry,
    fetch: app,
    scan: register,
    listen: () => listen(app, { ...config.listen, first: (i: IncomingMessage, o: ServerResponse) => first(i, o) }),
    async close() {
      stopWatching?.();
      metrics.close();
      await registry.settled();
      await registry.save();
      await engine.close();
    },
  };
}

function totalOf(scans: Iterable<ScanProgress>): { seen: number; datasets: number; broken: number } {
  const total = { seen: 0, datasets: 0, broken: 0 };
  for (const { seen, datasets, broken } of scans) {
    total.seen += seen;
    total.datasets += datasets;
    total.broken += broken;
  }
  return total;
}

function asFolder(url: URL): URL {
  return url.pathname.endsWith("/") ? url : new URL(`${url.href}/`);
}

/** The rules that are given, without the keys of those that are not. */
function rulesOf({ concat, newDim, drop }: Pick<Config["cubes"][number], "concat" | "newDim" | "drop">): CubeRules {
  return {
    ...(concat === undefined ? {} : { concat }),
    ...(newDim === undefined ? {} : { newDim: newDimension(newDim) }),
    ...(drop === undefined ? {} : { drop }),
  };
}

function newDimension({ name, values, pattern }: NonNullable<Config["cubes"][number]["newDim"]>): NewDimension {
  return { name, ...(values === undefined ? {} : { values }), ...(pattern === undefined ? {} : { pattern }) };
}

/** What is plugged in, in xpublish's shape. */
function pluginTable(
  { formats }: Engine,
  protocols: readonly Protocol[],
  plugins: readonly LoadedPlugin[],
): Map<string, { path: string; version: string }> {
  const from = (name: string): string =>
    plugins.find((plugin) => [...(plugin.formats ?? []), ...(plugin.protocols ?? [])].some((p) => p.name === name))
      ?.name ?? "gyre";
  const names = [...formats.formats.map((f) => `format.${f.name}`), ...protocols.map((p) => `protocol.${p.name}`)];
  return new Map(names.map((name) => [name, { path: from(name.slice(name.indexOf(".") + 1)), version: VERSION }]));
}
