import { rm } from "node:fs/promises";
import { join } from "node:path";
import type { VectorConfig } from "../../config/processors.ts";
import type { Crs } from "../../core/crs.ts";
import { loadGeos } from "../../core/geos.ts";
import { GyreError } from "../../errors.ts";
import { clipped } from "../../vector/clipped.ts";
import type { Feature, Layer, VectorWriter } from "../../vector/feature.ts";
import { vectorWriter } from "../../vector/writers.ts";
import type { StepContext } from "../flow.ts";
import { crsOf, metadataOf, optionsOf, recipeDigest } from "./configured.ts";
import { estimateOf } from "./estimate.ts";
import type { Generated, MadeFile, Processor, ProcessorJob } from "./processor.ts";
import type { SourceLayer, VectorSource } from "./vector-source.ts";

/** Features told of at once. */
const TOLD = 1000;

/** Makes vector files of the features that meet a boundary, whole or cut by it. */
export function vectorProcessor(config: VectorConfig, source: VectorSource): Processor {
  // As the founding system names it.
  const format = config.format === "GeoPackage" ? "GEOPKG" : config.format;
  const writer = writerOf(format);
  const crs = config.crs === undefined ? undefined : crsOf(config.crs);

  async function write(
    { name, layer, ...place }: SourceLayer,
    isOnly: boolean,
    job: ProcessorJob,
    context: StepContext,
  ): Promise<{ readonly file?: MadeFile; readonly note: string }> {
    const told = withProgress(inCrs(layer, crs), place, context);
    const inside = ofKinds(
      clipped(told, job.boundary.geometry, { how: config.cut, geos: await loadGeos() }),
      config.geometries,
    );
    const file = job.fileName(writer.extension.slice(1), isOnly ? undefined : name);
    const path = join(job.folder, file);
    const { count } = await writer.write(path, inside, { signal: context.signal });
    const how = config.cut === "clip" ? "cut by" : "that meet";
    const note = `${name}: ${count} features ${how} the boundary`;
    if (count > 0) return { file: made(file, format, writer, inside, count), note };
    await rm(path, { force: true });
    return { note };
  }

  return {
    metadata: metadataOf(config, [format]),
    options: optionsOf(config),
    ...(config.queue !== undefined && { queue: config.queue }),
    sourceDigest: async (call) => recipeDigest(config, await source.version(call)),
    estimate: async (_boundary, call) => estimateOf(await source.look(call)),
    async generate(job, context): Promise<Generated> {
      const files: MadeFile[] = [];
      const notes: string[] = [];
      for await (const layer of source.layers(context)) {
        const { file, note } = await write(layer, layer.share === 1, job, context);
        notes.push(note);
        if (file !== undefined) files.push(file);
      }
      if (files.length === 0) notes.push("The source has nothing inside of the boundary");
      return { files, isEmpty: files.length === 0, notes };
    },
  };
}

function writerOf(format: string): VectorWriter {
  const writer = vectorWriter(format);
  if (writer === undefined) throw new GyreError("Unsupported", `${format} is not written`, { subject: format });
  return writer;
}

function made(name: string, format: string, { mediaType }: VectorWriter, layer: Layer, count: number): MadeFile {
  const crs = layer.crs?.epsg === undefined ? layer.crs?.wkt : `EPSG:${layer.crs.epsg}`;
  return { name, format, mediaType, title: `${layer.name}, ${count} features`, ...(crs !== undefined && { crs }) };
}

function inCrs(layer: Layer, crs: Crs | undefined): Layer {
  return layer.crs !== undefined || crs === undefined ? layer : { ...layer, crs, features: (o) => layer.features(o) };
}

/** Without features of other kinds: of a network of lines, points where it touches the boundary are none. */
function ofKinds(layer: Layer, kinds: readonly string[] | undefined): Layer {
  if (kinds === undefined) return layer;
  return changedFeatures(layer, async function* (features) {
    for await (const feature of features) {
      if (feature.geometry !== null && kinds.includes(feature.geometry.type)) yield feature;
    }
  });
}

function withProgress(layer: Layer, { from, share }: { from: number; share: number }, context: StepContext): Layer {
  const text = `Cutting ${layer.name}`;
  return changedFeatures(layer, async function* (features) {
    let count = 0;
    for await (const feature of features) {
      if (count++ % TOLD === 0) {
        const within = layer.count === undefined ? 0 : Math.min(1, count / Math.max(1, layer.count));
        context.progress({ percent: Math.floor(90 * (from + share * within)), text });
      }
      yield feature;
    }
  });
}

function changedFeatures(layer: Layer, change: (features: AsyncIterable<Feature>) => AsyncIterable<Feature>): Layer {
  const { name, crs, fields, count, bbox } = layer;
  return {
    ...{ name, crs, fields },
    ...(count !== undefined && { count }),
    ...(bbox !== undefined && { bbox }),
    features: (options) => change(layer.features(options)),
  };
}
