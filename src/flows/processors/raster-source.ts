import { pathToFileURL } from "node:url";
import type { RasterConfig, SourceConfig } from "../../config/processors.ts";
import type { Access } from "../../core/access.ts";
import type { Dataset, IoCall } from "../../core/array.ts";
import type { Call } from "../../core/principal.ts";
import { GyreError } from "../../errors.ts";
import { digest } from "../../formats/version.ts";
import type { StepContext } from "../flow.ts";
import type { RasterLayer, RasterSource } from "../raster/layer.ts";
import { stemOf } from "../sources/chosen.ts";
import { type FileSource, urlOf } from "../sources/parts.ts";
import type { SourceCache } from "../sources/source-cache.ts";
import { createSourceSet } from "../sources/source-set.ts";
import { recipeDigest } from "./configured.ts";
import { fetchedItems, fetchItem } from "./vector-source.ts";

/** What rasters are read with. */
export interface RasterDeps {
  readonly cache: SourceCache;
  /** Which relative addresses are of. */
  readonly folder: string;
  readonly access: Pick<Access, "open">;
  /** Opens a file of this machine, or a store of many files where it lies. */
  open(url: URL, call: IoCall): Promise<Dataset>;
}

/** A raster source, and what is known of it before it is fetched. */
export interface LookedSource extends RasterSource {
  /** Undefined: nothing of it has to be fetched. */
  look(call: Call): Promise<{ readonly bytes: number; readonly missingBytes: number } | undefined>;
}

type Place = Extract<SourceConfig, { url: string }>;
type OfNode = Extract<SourceConfig, { dataset: string }>;

/**
 * What a configured raster processor reads. In a try (`context`) layers are fetched when they are opened, into the try's own
 * folder, and told of.
 */
export function rasterSource(config: RasterConfig, deps: RasterDeps, context?: StepContext): LookedSource {
  const sources = [config.source].flat();
  const ofNode = sources.filter((source): source is OfNode => "dataset" in source);
  // A store of many files is read where it lies.
  const places = sources.filter((source): source is Place => "url" in source && source.url.endsWith("/"));
  const files = sources.filter(
    (source): source is FileSource => !("dataset" in source) && !places.includes(source as Place),
  );
  const set = createSourceSet(files, deps);
  const isOnly = sources.length === 1;

  const open = async ({ dataset: id }: OfNode, call: Call): Promise<Dataset> => {
    const opened = await deps.access.open(id, call);
    if (opened === undefined) throw new GyreError("NotFound", `there is no dataset ${id}`, { subject: id });
    context?.used({ id, digest: opened.dataset.version });
    return opened.dataset;
  };
  const openPlace = ({ url }: Place, call: Call): Promise<Dataset> => deps.open(urlOf(url, deps.folder), call);

  return {
    async sourceDigest(call) {
      const versions: string[] = files.length === 0 ? [] : [await set.version(call)];
      for (const source of ofNode) {
        versions.push(source.dataset, JSON.stringify(source.variables ?? []), (await open(source, call)).version);
      }
      for (const place of places) versions.push(place.url, (await openPlace(place, call)).version);
      return recipeDigest(config, digest(versions));
    },
    look: async (call) => (files.length === 0 ? undefined : set.look(call)),
    async layers() {
      const layers: RasterLayer[] = [];
      for (const source of ofNode) layers.push(...layersOf(source, isOnly, (call) => open(source, call)));
      for (const place of places) {
        layers.push({ name: isOnly ? "" : stemOf(place.url.slice(0, -1)), open: (call) => openPlace(place, call) });
      }
      if (files.length === 0) return layers;
      if (context === undefined) throw new GyreError("Unsupported", "files of sources are opened in a run only");
      const items = await fetchedItems(set, context);
      const all = layers.length + items.length;
      const fetched = items.map((item) => ({
        name: all === 1 ? "" : item.name,
        open: async (call: Call) => deps.open(pathToFileURL((await fetchItem(item, context)).path), call),
      }));
      return [...layers, ...fetched];
    },
  };
}

/** A layer for each variable that is named, or one for all of them. */
function layersOf(
  { dataset, variables }: OfNode,
  isOnly: boolean,
  open: (call: Call) => Promise<Dataset>,
): RasterLayer[] {
  const prefix = isOnly ? [] : [stemOf(dataset)];
  if (variables === undefined) return [{ name: prefix.join(""), open }];
  const isOne = variables.length === 1;
  return variables.map((variable) => ({
    name: [...prefix, ...(isOne && isOnly ? [] : [stemOf(variable)])].join("_"),
    open,
    variable,
  }));
}
