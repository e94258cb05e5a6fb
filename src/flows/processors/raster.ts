import type { RasterConfig } from "../../config/processors.ts";
import type { ChunkReader } from "../../read/chunk.ts";
import { type RasterProcessing, rasterProcessor } from "../raster/raster-processor.ts";
import { crsOf, metadataOf, optionsOf } from "./configured.ts";
import { estimateOf } from "./estimate.ts";
import type { Processor } from "./processor.ts";
import { type RasterDeps, rasterSource } from "./raster-source.ts";

export interface RasterProcessorDeps extends RasterDeps {
  readonly reader: ChunkReader;
}

/** The processor of rasters that a configuration describes. */
export function configuredRaster(config: RasterConfig, deps: RasterProcessorDeps): Processor {
  const { reader } = deps;
  const processing = processingOf(config);
  const source = rasterSource(config, deps);
  const untried = rasterProcessor(processing, { ...source, reader });
  return {
    ...untried,
    options: optionsOf(config),
    async estimate(boundary, call) {
      const fetched = await source.look(call);
      return fetched === undefined ? untried.estimate(boundary, call) : estimateOf(fetched);
    },
    // Of its own source, which fetches into the try's folder and tells of it.
    generate: (job, context) =>
      rasterProcessor(processing, { ...rasterSource(config, deps, context), reader }).generate(job, context),
  };
}

function processingOf(config: RasterConfig): RasterProcessing {
  const { cut, allTouched, compression, resampling, format, statistics, nodata, queue } = config;
  const tables = statistics === undefined ? [] : [statistics === "csv" ? "CSV" : "Parquet"];
  return {
    metadata: metadataOf(config, [...(format === "none" ? [] : [format]), ...tables]),
    ...{ mode: cut, allTouched, compression, resampling },
    ...(format !== "none" && { format }),
    ...(statistics !== undefined && { statistics }),
    ...(nodata !== undefined && { nodata }),
    ...(queue !== undefined && { queue }),
    ...(config.crs !== undefined && { crs: crsOf(config.crs) }),
  };
}
