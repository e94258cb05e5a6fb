import { mkdir, stat } from "node:fs/promises";
import { join } from "node:path";
import type { Crs } from "../../core/crs.ts";
import type { Call } from "../../core/principal.ts";
import type { ChunkReader } from "../../read/chunk.ts";
import type { Resampling } from "../../render/resample.ts";
import type { Boundary } from "../boundaries/boundary.ts";
import type { Estimate, StepContext } from "../flow.ts";
import type { Generated, MadeFile, Processor, ProcessorJob, ProcessorMetadata } from "../processors/processor.ts";
import { type ClipOptions, type ClippedDataset, clipDataset } from "./clip.ts";
import { estimateOf } from "./estimate.ts";
import type { RasterLayer, RasterSource } from "./layer.ts";
import { type Compression, type OutputOptions, writeGeotiff, writeNetcdf, writeZarrStore } from "./outputs.ts";
import { statisticsTable, writeCsv, writeParquet } from "./statistics-table.ts";

/** How a raster source is cut for a boundary, and what is written. */
export interface RasterProcessing {
  readonly metadata: ProcessorMetadata;
  readonly queue?: string;
  readonly mode: "envelope" | "polygon";
  readonly allTouched?: boolean;
  /** Default: the source's own. */
  readonly crs?: Crs;
  readonly resampling?: Resampling;
  /** Outside of the boundary, where the source has no such value. */
  readonly nodata?: number;
  /** Absent: statistics alone. */
  readonly format?: "GeoTIFF" | "NetCDF" | "Zarr";
  readonly compression?: Compression;
  /** Also a table of area-weighted statistics. */
  readonly statistics?: "csv" | "parquet";
}

export interface RasterProcessorDeps extends RasterSource {
  readonly reader: ChunkReader;
}

/** Layers looked at for an estimate; the others are taken to be alike. */
const LAYERS_ESTIMATED = 3;

const KINDS = {
  GeoTIFF: { extension: "tif", mediaType: "image/tiff; application=geotiff; profile=cloud-optimized" },
  NetCDF: { extension: "nc", mediaType: "application/netcdf" },
  Zarr: { extension: "zarr", mediaType: "application/vnd.zarr" },
  csv: { extension: "csv", mediaType: "text/csv" },
  parquet: { extension: "parquet", mediaType: "application/vnd.apache.parquet" },
} as const;

/** The generic processor of rasters: cuts every layer of a source by the boundary, one after the other. */
export function rasterProcessor(config: RasterProcessing, deps: RasterProcessorDeps): Processor {
  return {
    metadata: config.metadata,
    ...(config.queue === undefined ? {} : { queue: config.queue }),
    sourceDigest: (call) => deps.sourceDigest(call),
    estimate: (boundary, call) => estimate(config, deps, boundary, call),
    generate: (job, context) => new Generation(config, deps, job, context).run(),
  };
}

function clipLayer(
  { mode, allTouched, crs, resampling, nodata }: RasterProcessing,
  { reader }: RasterProcessorDeps,
  layer: RasterLayer,
  boundary: Boundary,
  call: Call,
): Promise<ClippedDataset | undefined> {
  const options: ClipOptions = {
    mode,
    ...(allTouched === undefined ? {} : { allTouched }),
    ...(crs === undefined ? {} : { crs }),
    ...(resampling === undefined ? {} : { resampling }),
    ...(nodata === undefined ? {} : { nodata }),
    ...(layer.variable === undefined ? {} : { variable: layer.variable }),
  };
  return layer.open(call).then((dataset) => clipDataset(dataset, boundary.geometry, options, reader, call));
}

async function estimate(
  config: RasterProcessing,
  deps: RasterProcessorDeps,
  boundary: Boundary,
  call: Call,
): Promise<Estimate> {
  const layers = await deps.layers(call);
  let [readBytes, writeBytes, inside] = [0, 0, 0];
  const looked = layers.slice(0, LAYERS_ESTIMATED);
  for (const layer of looked) {
    const clipped = await clipLayer(config, deps, layer, boundary, call);
    if (clipped === undefined) continue;
    const own = await estimateOf(clipped, call);
    readBytes += own.readBytes ?? 0;
    writeBytes += own.writeBytes ?? 0;
    inside++;
  }
  const factor = looked.length === 0 ? 0 : layers.length / looked.length;
  const notes = [
    ...(layers.length > looked.length ? [`from ${looked.length} of ${layers.length} layers`] : []),
    ...(inside === 0 ? ["nothing lies inside of the boundary"] : []),
  ];
  return { readBytes: Math.round(readBytes * factor), writeBytes: Math.round(writeBytes * factor), notes };
}

/** One run of the processor. */
class Generation {
  readonly #config: RasterProcessing;
  readonly #deps: RasterProcessorDeps;
  readonly #job: ProcessorJob;
  readonly #context: StepContext;
  readonly #files: MadeFile[] = [];
  readonly #notes = new Set<string>();
  #written = 0;

  constructor(config: RasterProcessing, deps: RasterProcessorDeps, job: ProcessorJob, context: StepContext) {
    this.#config = config;
    this.#deps = deps;
    this.#job = job;
    this.#context = context;
  }

  async run(): Promise<Generated> {
    const { signal, who } = this.#context;
    const call: Call = { signal, who };
    const layers = await this.#deps.layers(call);
    const { format, statistics } = this.#config;
    let inside = 0;
    if (format !== undefined) {
      for (const [i, layer] of layers.entries()) {
        signal.throwIfAborted();
        this.#tell(layer, i, layers.length);
        const clipped = await clipLayer(this.#config, this.#deps, layer, this.#job.boundary, call);
        if (clipped === undefined) continue;
        inside++;
        for (const note of clipped.notes) this.#notes.add(note);
        await this.#write(format, layer, clipped);
      }
    }
    if (statistics !== undefined && (format === undefined || inside > 0)) {
      inside += await this.#tabulate(statistics, layers, call);
    }
    this.#context.progress({ percent: 100, bytes: this.#written });
    const notes = [...this.#notes];
    if (inside === 0)
      notes.push(`none of ${layers.length} layers has anything inside of ${this.#job.boundary.nameLong}`);
    return { files: this.#files, isEmpty: this.#files.length === 0, notes };
  }

  #tell(layer: RasterLayer, i: number, count: number): void {
    const text = `layer ${i + 1} of ${count}${layer.name === "" ? "" : `: ${layer.name}`}`;
    this.#context.progress({ percent: Math.floor((100 * i) / count), text, bytes: this.#written });
  }

  async #write(format: "GeoTIFF" | "NetCDF" | "Zarr", layer: RasterLayer, clipped: ClippedDataset): Promise<void> {
    const { reader } = this.#deps;
    const options: OutputOptions = {
      encoder: reader.decoder,
      signal: this.#context.signal,
      scratch: await this.#context.scratch(),
      ...(this.#config.compression === undefined ? {} : { compression: this.#config.compression }),
      wrote: (bytes) => {
        this.#written += bytes;
      },
    };
    if (format === "NetCDF") {
      const path = this.#add(format, layer.name, clipped, clipped.variables.map((v) => v.name).join(", "));
      await writeNetcdf(path, clipped, options);
    } else if (format === "Zarr") {
      const path = this.#add(format, layer.name, clipped, clipped.variables.map((v) => v.name).join(", "));
      await mkdir(path);
      await writeZarrStore(path, clipped, options);
    } else {
      for (const variable of clipped.variables) {
        const isAlone = clipped.variables.length === 1;
        const sub = [layer.name, ...(isAlone ? [] : [plain(variable.name)])].filter((part) => part !== "").join("_");
        await writeGeotiff(this.#add(format, sub, clipped, variable.name), variable, options);
      }
    }
  }

  async #tabulate(kind: "csv" | "parquet", layers: readonly RasterLayer[], call: Call): Promise<number> {
    const [config, deps, job] = [this.#config, this.#deps, this.#job];
    const tell = this.#tell.bind(this);
    let inside = 0;
    async function* clippedLayers(): AsyncGenerator<readonly [string, ClippedDataset]> {
      for (const [i, layer] of layers.entries()) {
        call.signal?.throwIfAborted();
        tell(layer, i, layers.length);
        const { crs: _, ...native } = config;
        const clipped = await clipLayer({ ...native, mode: "envelope" }, deps, layer, job.boundary, call);
        if (clipped === undefined) continue;
        inside++;
        yield [layer.name, clipped];
      }
    }
    const table = await statisticsTable(clippedLayers(), call);
    if (inside === 0) return 0;
    const { extension, mediaType } = KINDS[kind];
    const name = job.fileName(extension, config.format === undefined ? undefined : "statistics");
    const path = join(job.folder, name);
    await (kind === "csv" ? writeCsv : writeParquet)(path, table, call);
    this.#written += (await stat(path)).size;
    this.#files.push({ name, format: kind === "csv" ? "CSV" : "Parquet", mediaType, title: "Statistics by area" });
    this.#notes.add("statistics weigh each cell by its area inside of the boundary");
    return inside;
  }

  /** Names a file of the job; answers where it lies. */
  #add(format: "GeoTIFF" | "NetCDF" | "Zarr", sub: string, { variables }: ClippedDataset, title: string): string {
    const { extension, mediaType } = KINDS[format];
    const name = this.#freeName(extension, sub);
    const { crs } = variables[0]!.values.grid;
    this.#files.push({ name, format, mediaType, title, crs: crs.epsg === undefined ? crs.wkt : `EPSG:${crs.epsg}` });
    return join(this.#job.folder, name);
  }

  /** Names of layers and variables may come to the same. */
  #freeName(extension: string, sub: string): string {
    for (let n = 1; ; n++) {
      const own = [sub, ...(n === 1 ? [] : [String(n)])].filter((part) => part !== "").join("_");
      const name = this.#job.fileName(extension, own === "" ? undefined : own);
      if (!this.#files.some((file) => file.name === name)) return name;
    }
  }
}

/** Names of variables come from files: what is no part of a file's name is left out. */
function plain(name: string): string {
  return name.replace(/[^A-Za-z0-9_-]+/g, "_").slice(0, 100);
}
