import { rm } from "node:fs/promises";
import { join } from "node:path";
import type { TableConfig } from "../../config/processors.ts";
import { loadGeos } from "../../core/geos.ts";
import { badSource } from "../../errors.ts";
import { clipped } from "../../vector/clipped.ts";
import { csvWriter } from "../../vector/csv/write.ts";
import type { Layer } from "../../vector/feature.ts";
import type { Boundary } from "../boundaries/boundary.ts";
import { metadataOf, optionsOf, recipeDigest } from "./configured.ts";
import { estimateOf } from "./estimate.ts";
import type { MadeFile, Processor } from "./processor.ts";
import type { VectorSource } from "./vector-source.ts";

const FORMAT = "CSV";

/** Makes tables of the rows of a boundary: those whose points lie inside, or whose column has its name. */
export function tableProcessor(config: TableConfig, source: VectorSource): Processor {
  async function rowsOf(layer: Layer, boundary: Boundary): Promise<Layer> {
    const { key } = config;
    if (key === undefined) return clipped(layer, boundary.geometry, { how: "whole", geos: await loadGeos() });
    const { column, equals, values } = key;
    if (!layer.fields.some(({ name }) => name === column)) {
      throw badSource(layer.name, undefined, `has no column ${column}`);
    }
    const wanted = Object.hasOwn(values, boundary[equals]) ? values[boundary[equals]]! : boundary[equals];
    return {
      ...{ name: layer.name, crs: layer.crs, fields: layer.fields },
      async *features(options) {
        for await (const feature of layer.features(options)) {
          if (String(feature.properties.get(column) ?? "") === wanted) yield feature;
        }
      },
    };
  }

  return {
    metadata: metadataOf(config, [FORMAT]),
    options: optionsOf(config),
    ...(config.queue !== undefined && { queue: config.queue }),
    sourceDigest: async (call) => recipeDigest(config, await source.version(call)),
    estimate: async (_boundary, call) => estimateOf(await source.look(call)),
    async generate({ boundary, folder, fileName }, context) {
      const files: MadeFile[] = [];
      const notes: string[] = [];
      for await (const { name, layer, from, share } of source.layers(context)) {
        context.progress({ percent: Math.floor(90 * from), text: `Reading ${layer.name}` });
        const file = fileName("csv", share === 1 ? undefined : name);
        const path = join(folder, file);
        const rows = await rowsOf(layer, boundary);
        const { count } = await csvWriter.write(path, rows, { signal: context.signal });
        notes.push(`${name}: ${count} rows of the boundary`);
        const title = `${layer.name}, ${count} rows`;
        if (count > 0) files.push({ name: file, format: FORMAT, mediaType: csvWriter.mediaType, title });
        else await rm(path, { force: true });
      }
      if (files.length === 0) notes.push("The source has no rows of the boundary");
      return { files, isEmpty: files.length === 0, notes };
    },
  };
}
