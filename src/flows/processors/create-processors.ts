import { resolve } from "node:path";
import {
  type ProcessorsConfig,
  type ProcessorsInput,
  processors as schema,
  type TableConfig,
  type VectorConfig,
} from "../../config/processors.ts";
import type { Access } from "../../core/access.ts";
import type { Dataset, IoCall } from "../../core/array.ts";
import { GyreError } from "../../errors.ts";
import type { Files } from "../../files/files.ts";
import type { Clock } from "../../files/transport.ts";
import type { ChunkReader } from "../../read/chunk.ts";
import { type FileSource, processorAddresses } from "../sources/parts.ts";
import { createSourceCache, type SourceCache } from "../sources/source-cache.ts";
import { createSourceSet } from "../sources/source-set.ts";
import { byName } from "./combined.ts";
import { crsOf } from "./configured.ts";
import { discover, type Problem } from "./discover.ts";
import { founding } from "./founding/founding.ts";
import { postgisSource } from "./postgis-source.ts";
import { type Processor, type ProcessorMetadata, type Processors, processorName } from "./processor.ts";
import { configuredRaster } from "./raster.ts";
import { tableProcessor } from "./table-processor.ts";
import { testFailProcessor, testProcessor } from "./test-processors.ts";
import { vectorProcessor } from "./vector-processor.ts";
import { fileLayers, type VectorSource } from "./vector-source.ts";
import { naturalEarthCountries } from "./world-atlas.ts";

export interface ProcessorsOptions {
  readonly config: ProcessorsConfig;
  /** Of the configuration: relative addresses and folders are of it. */
  readonly folder: string;
  /** Shows test_processor and test_fail_processor. */
  readonly includeTest: boolean;
  /** Reads sources that are no HTTP addresses, and reads and writes `root`. */
  readonly files: Files;
  /** Where workers share fetched sources, ending in `/`: a folder, or a prefix of a bucket. */
  readonly root: URL;
  /** A folder of this machine for sources in use, where `root` is none. */
  readonly scratch: string;
  /** Prefixes of addresses that may be asked beside those that the configuration names. */
  readonly allow: readonly URL[];
  readonly access: Access;
  /** Reads rasters, those of this machine's scratch folders among them. */
  readonly reader: ChunkReader;
  /** Opens a raster file of such a folder, or a store of many files where it lies. */
  open(url: URL, call: IoCall): Promise<Dataset>;
  readonly clock?: Clock;
}

/** What processors of users' folders are made with. */
export interface ProcessorDeps {
  /** Fetches sources once for all workers. */
  readonly sources: SourceCache;
  /** The datasets of this node. */
  readonly access: Access;
  /** Opens a raster file of this machine. */
  open(url: URL, call: IoCall): Promise<Dataset>;
  /** Of the configuration. */
  readonly folder: string;
}

/** Processors, and those that are left out because something is wrong with them. */
export interface LoadedProcessors extends Processors {
  readonly problems: readonly Problem[];
}

/** All processors of a node. What is wrong with one of them leaves it out, and is told of. */
export async function createProcessors(options: ProcessorsOptions): Promise<LoadedProcessors> {
  const { config, folder, includeTest, access, open } = options;
  const configs = [config, foundingOf(config)];
  const allow = [...options.allow, ...configs.flatMap((one) => processorAddresses(one, folder))];
  const cache = createSourceCache({ ...options, ...cacheOf(config), allow });
  const problems: Problem[] = [];

  const layersOf = (one: VectorConfig | TableConfig): VectorSource => vectorSource(one, cache, folder);
  const found = configs.flatMap(({ raster, vector, table }) => {
    const broken = new Set<string>();
    const each = <C extends NameParts>(all: readonly C[], make: (one: C) => Processor) =>
      made(all, make, problems, broken);
    const parts = [
      ...each(raster, (one) => configuredRaster(one, { ...options, cache })),
      ...each(vector, (one) => vectorProcessor(one, layersOf(one))),
      ...each(table, (one) => tableProcessor(one, layersOf(one))),
    ];
    // Part of a dataset is not the dataset.
    return byName(parts.filter(({ metadata }) => !broken.has(processorName(metadata))));
  });
  for (const own of config.folders) {
    const deps: ProcessorDeps = { sources: cache, access, folder, open: (url, call) => open(url, call) };
    const discovered = await discover(resolve(folder, own), deps);
    found.push(...discovered.processors);
    problems.push(...discovered.problems);
  }
  found.push(naturalEarthCountries(), testProcessor(), testFailProcessor());
  for (const name of Array.isArray(config.founding) ? config.founding : []) {
    if (found.some(({ metadata }) => processorName(metadata) === name)) continue;
    problems.push({ source: name, error: new GyreError("NotFound", `none of the founding datasets is ${name}`) });
  }
  return registry(found, includeTest, problems);
}

type NameParts = Pick<ProcessorMetadata, "dataset" | "version">;

/** The processors of one list, in which each name is there once. */
function made<C extends NameParts>(
  all: readonly C[],
  make: (one: C) => Processor,
  problems: Problem[],
  broken: Set<string>,
): Processor[] {
  const names = new Set<string>();
  return all.flatMap((one) => {
    const name = `${one.dataset}.${one.version}`;
    try {
      if (names.has(name)) throw new GyreError("Conflict", `there are two processors ${name}`);
      names.add(name);
      return [make(one)];
    } catch (error) {
      problems.push({ source: name, error });
      broken.add(name);
      return [];
    }
  });
}

function registry(found: readonly Processor[], includeTest: boolean, problems: Problem[]): LoadedProcessors {
  const named = new Map<string, Processor>();
  for (const processor of found) {
    const name = processorName(processor.metadata);
    if (!includeTest && processor.metadata.isTest === true) continue;
    if (!named.has(name)) named.set(name, processor);
    else problems.push({ source: name, error: new GyreError("Conflict", `there are two processors ${name}`) });
  }
  const list = [...named.keys()].sort().map((name) => named.get(name)!);
  return { list: () => list, get: (name) => named.get(name), problems };
}

/** Those of the ten that are asked for. */
function foundingOf({ founding: wanted, osm }: ProcessorsConfig): ProcessorsConfig {
  const all: ProcessorsInput = wanted === false ? {} : founding(osm);
  const { raster, vector, ...rest } = schema.parse(all);
  const isWanted = ({ dataset, version }: { dataset: string; version: string }): boolean =>
    !Array.isArray(wanted) || wanted.includes(`${dataset}.${version}`);
  return { ...rest, raster: raster.filter(isWanted), vector: vector.filter(isWanted) };
}

function vectorSource(config: VectorConfig | TableConfig, cache: SourceCache, folder: string): VectorSource {
  const sources = [config.source].flat();
  const [first] = sources;
  if (first !== undefined && "postgis" in first) {
    if (sources.length > 1) throw new GyreError("BadRequest", "a query is the only source of its processor");
    return postgisSource(first.postgis);
  }
  const { coordinates } = config;
  const csv = coordinates && { x: coordinates.x, y: coordinates.y, crs: crsOf(coordinates.crs) };
  return fileLayers(createSourceSet(sources as readonly FileSource[], { cache, folder }), {
    open: csv === undefined ? {} : { csv },
    layer: "layer" in config ? config.layer : undefined,
  });
}

function cacheOf({ cache }: ProcessorsConfig): { readonly limit: number; readonly maxAgeMs: number } {
  return { limit: cache.size, maxAgeMs: cache.revalidate };
}
