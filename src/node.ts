import { constants } from "node:fs";
import { access as mayAccess, mkdir } from "node:fs/promises";
import type { IncomingMessage, ServerResponse } from "node:http";
import { fileURLToPath } from "node:url";
import type { Config } from "./config.ts";
import type { Access } from "./core/access.ts";
import { createEngine, type Engine, type LoadedPlugin, loadPlugins } from "./engine.ts";
import { GyreError } from "./errors.ts";
import { processorAddresses } from "./flows/sources/parts.ts";
import { halvesOf } from "./halves.ts";
import { type Also, listenAlso } from "./http/also.ts";
import type { Answer } from "./http/answer.ts";
import { createApp } from "./http/app.ts";
import { chunkServer } from "./http/chunks.ts";
import { type Listening, listen } from "./http/listen.ts";
import { createMetrics } from "./http/metrics.ts";
import { addressesOf, flowPlacesOf, folderUrl, placesOf, prefixOf, sourceUrl } from "./places.ts";
import { all } from "./protocols/all.ts";
import { createInfo } from "./protocols/info.ts";
import { kerchunk } from "./protocols/kerchunk.ts";
import { createOperations } from "./protocols/operations.ts";
import type { Protocol } from "./protocols/protocol.ts";
import { itemIdOf } from "./protocols/stac/dataset-item/dataset-item.ts";
import { datasetItems } from "./protocols/stac/dataset-item/route.ts";
import { zarr } from "./protocols/zarr.ts";
import type { Publishing } from "./publication/publishing.ts";
import { createAccess } from "./read/access.ts";
import { createDatasetIndex } from "./read/index.ts";
import { type Clock, createRegistry, type Registry } from "./read/registry.ts";
import { createRounds } from "./read/scan/rounds.ts";
import { createScanner, type ScanProgress } from "./read/scan.ts";
import { VERSION } from "./version.ts";

export type { Engine, LoadedPlugin, Plugin } from "./engine.ts";
export { createEngine, FORMATS, loadPlugins } from "./engine.ts";

/** Protocols that every node speaks. */
export const PROTOCOLS: readonly Protocol[] = [kerchunk, zarr, all, datasetItems];

export interface NodeOptions {
  /** Folder that relative paths of the configuration start from. */
  readonly folder: string;
  /** Nothing is written: neither ids nor indexes outlive the node. */
  readonly isTransient?: boolean;
  /** The process only reads, and serves nobody; see `LocalOptions`. */
  readonly isAlone?: boolean;
  /** The process only works on flows, and only when told (`Node.work`): another one keeps ids and has the catalogue. */
  readonly isWorker?: boolean;
  /** Told of faults that are nobody's request: a broken file, an index that cannot be written. */
  readonly onError?: (error: unknown, where: string) => void;
  readonly onScan?: (source: URL, progress: ScanProgress) => void;
  /** Told what a person should know though nothing is wrong. */
  readonly onNotice?: (message: string) => void;
  /** Told of every request when its answer is through. */
  readonly onAnswer?: (answer: Answer) => void;
  /** Time, so that tests need not wait. */
  readonly clock?: Clock;
}

export interface Node {
  readonly access: Access;
  readonly registry: Registry;
  /** Answers a request without a socket. */
  fetch(request: Request): Promise<Response>;
  /** Looks through all sources once, and then watches them. */
  scan(signal?: AbortSignal): Promise<void>;
  listen(): Promise<Listening & { readonly also: readonly Also[] }>;
  /** Works on flows until the signal aborts, or until the process should be started anew: answers why. */
  work(signal: AbortSignal, onStart: () => void): Promise<string | undefined>;
  /** Ends when the catalogue answers, where there is one. Throws what keeps it from that for ever. */
  published(): Promise<void>;
  close(): Promise<void>;
}

/** Wires a node. Nothing is read and no port is opened until `scan` and `listen`. */
export async function createNode(config: Config, options: NodeOptions): Promise<Node> {
  const { folder, isTransient = false, onError = () => undefined, clock } = options;
  const { limits, roles } = config;
  const isWorker = options.isWorker === true || roles.every((role) => role === "worker");
  const places = await placesOf(config, folder);
  const dataDir = await folderUrl(config.dataDir, folder);
  const objects = config.objects === undefined ? dataDir : await folderUrl(config.objects, folder);
  const flowPlaces = await flowPlacesOf(config, { folder, dataDir, objects });
  if (!isTransient) await ensureWritable(dataDir);
  const plugins = await loadPlugins(config.plugins, folder);
  const allowed = await Promise.all(config.allow.map((text) => sourceUrl(text, folder)));
  const engine = createEngine({
    allow: [...addressesOf(places).map(prefixOf), ...processorAddresses(config.processors, folder), ...allowed],
    own: isTransient
      ? []
      : [dataDir, objects, flowPlaces.packages, flowPlaces.scratch, ...(await schemaPlace(config, folder))],
    config,
    plugins,
    ...(options.isAlone === undefined ? {} : { isAlone: options.isAlone }),
    changed: (url) => registry.changed(url),
  });
  const { files, formats, decoder } = engine;
  const registry: Registry = await createRegistry({
    files,
    formats,
    read: engine.read,
    itemIdOf,
    ...(isTransient ? {} : { index: createDatasetIndex(files, objects), store: new URL("registry.jsonl", dataDir) }),
    isReadOnly: isWorker,
    ...(clock === undefined ? {} : { clock }),
    openDatasets: limits.openDatasets,
  });
  const access = createAccess(
    registry,
    { files, decoder },
    { cacheBytes: limits.cache, selectionBytes: limits.selection, blockBytes: limits.block },
  );
  const progress = new Map<string, ScanProgress>();
  const rounds = createRounds(places, {
    scanner: createScanner({
      files,
      formats,
      registry,
      concurrency: limits.scanConcurrency,
      allows: (url) => engine.allows(url),
    }),
    registry,
    every: config.rescanSeconds * 1000,
    ...(clock === undefined ? {} : { clock }),
    progress(source, state) {
      progress.set(source.href, state);
      options.onScan?.(source, state);
    },
    failed: (source, error) => onError(error, source.href),
  });
  let isScanned = false;
  let address = new URL(config.publicUrl ?? urlOf(config.listen));
  const halves =
    config.database === "none" || isTransient
      ? undefined
      : await halvesOf(config, {
          ...{ folder, dataDir, engine, places: flowPlaces, allow: allowed, access, isWorker, onError },
          publicUrl: () => address,
          onNotice: options.onNotice ?? (() => undefined),
        });
  const publishing = halves?.publishing;
  const protocols = [...PROTOCOLS, ...plugins.flatMap((plugin) => plugin.protocols ?? [])];
  const roots = addressesOf(places);
  const info = createInfo({ version: VERSION, plugins: pluginTable(engine, protocols, plugins), protocols, roots });
  const metrics = createMetrics([
    { name: "gyre_cache_bytes", help: "Decoded chunks that are kept", value: () => access.cachedBytes },
    { name: "gyre_problems", help: "Sources that cannot be read", value: () => registry.problems().length },
  ]);
  const onAnswer = (answer: Answer): void => {
    metrics.onAnswer(answer);
    options.onAnswer?.(answer);
  };
  // Info comes last: its `/datasets/:id` would take `/datasets/.zmetadata` for a dataset.
  const isApi = roles.includes("api");
  const described = isApi
    ? [...protocols, ...(publishing?.protocols ?? []), ...(halves?.processing.protocols ?? []), info]
    : [];
  const operations = createOperations({
    version: VERSION,
    protocols: described,
    roots,
    ...(publishing === undefined || !isApi ? {} : { landing: publishing.landing }),
    problems: () => [...registry.problems(), ...(halves?.troubles() ?? [])],
    ready: () => ({
      isReady: isScanned && publishing?.state() !== "starting",
      detail: readiness(isScanned, publishing),
      progress: totalOf(progress.values()),
    }),
    metrics: metrics.text,
  });
  const visible = halves?.access ?? access;
  const appOptions = {
    access: visible,
    onAnswer,
    trustForwarded: config.trustForwarded,
    ...(config.publicUrl === undefined ? {} : { publicUrl: new URL(config.publicUrl) }),
    writes: {
      host: config.listen.host,
      ...(config.publicUrl === undefined ? {} : { publicUrl: new URL(config.publicUrl) }),
    },
    onError: (error: unknown, request: Request) => onError(error, `${request.method} ${request.url}`),
  };
  const app = createApp({ ...appOptions, protocols: [operations, ...described] });
  const first = chunkServer({ access: visible, onError, onAnswer });

  return {
    access: visible,
    registry,
    fetch: app,
    async scan(signal) {
      await rounds.first(signal);
      isScanned = true;
      if (!isTransient) await rounds.watch();
      if (roles.includes("worker") && options.isWorker !== true) halves?.processing.begin();
    },
    async listen() {
      const main = await listen(app, {
        ...config.listen,
        first: (i: IncomingMessage, o: ServerResponse) => first(i, o),
      });
      const publicUrl = appOptions.publicUrl ?? main.url;
      address = publicUrl;
      const ingest = createApp({ ...appOptions, publicUrl, protocols: publishing?.ingest ? [publishing.ingest] : [] });
      try {
        const { opened, close } = await listenAlso(config.also, config.listen, publicUrl, ingest);
        const closeAll = async (graceMs?: number): Promise<void> => {
          await Promise.all([main.close(graceMs), close(graceMs)]);
        };
        return { url: main.url, also: opened, close: closeAll };
      } catch (error) {
        await main.close(0);
        throw error;
      }
    },
    async work(signal, onStart) {
      if (halves === undefined) throw new GyreError("BadRequest", "flows need a database: this node has none");
      return halves.processing.work(signal, onStart);
    },
    async published() {
      await publishing?.started;
    },
    async close() {
      await rounds.stop();
      await halves?.close();
      metrics.close();
      await registry.settled();
      await registry.save();
      await engine.close();
    },
  };
}

/** Where a node will answer, as long as nothing else is known. */
function urlOf({ host, port }: Config["listen"]): string {
  return `http://${host.includes(":") ? `[${host}]` : host}:${port}/`;
}

/** Ids that are given must last, so a node does not start where it cannot keep them. */
async function ensureWritable(dataDir: URL): Promise<void> {
  if (dataDir.protocol !== "file:") return;
  const path = fileURLToPath(dataDir);
  try {
    await mkdir(path, { recursive: true });
    await mayAccess(path, constants.W_OK);
  } catch (error) {
    throw new GyreError(
      "Denied",
      `the data directory ${path} cannot be written (${(error as NodeJS.ErrnoException).code}): give another with --data-dir or dataDir`,
      { source: dataDir.href, cause: error },
    );
  }
}

async function schemaPlace({ validation: { schemas } }: Config, folder: string): Promise<URL[]> {
  return schemas === undefined ? [] : [await folderUrl(schemas, folder)];
}

function readiness(isScanned: boolean, publishing: Publishing | undefined): string {
  if (!isScanned) return "looking through the sources";
  const state = publishing?.state();
  if (state === "starting") return "the catalogue is starting";
  const rest = "all sources have been looked through";
  return state === "failed" ? `${rest}; the catalogue could not start: ${publishing?.troubles()[0]?.reason}` : rest;
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
