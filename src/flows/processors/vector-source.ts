import { mkdtemp } from "node:fs/promises";
import { join } from "node:path";
import type { Call } from "../../core/principal.ts";
import type { Layer } from "../../vector/feature.ts";
import { type OpenOptions, openVector } from "../../vector/open.ts";
import type { StepContext } from "../flow.ts";
import { stemOf } from "../sources/chosen.ts";
import type { FetchCall } from "../sources/download.ts";
import type { SourceFile, SourceItem, SourceSet } from "../sources/source-set.ts";

/** A layer of a source, good until the next one is asked for. */
export interface SourceLayer {
  /** Tells it from others of the source, and is fit for names of files. */
  readonly name: string;
  readonly layer: Layer;
  /** Part of the source that comes before it, 0 to 1, and part that it is. */
  readonly from: number;
  readonly share: number;
}

/** Where a vector processor has its features from. */
export interface VectorSource {
  /** Of the source's state now; fetches nothing large. */
  version(call: Call): Promise<string>;
  look(call: Call): Promise<{ readonly bytes?: number; readonly missingBytes?: number }>;
  layers(context: StepContext): AsyncIterable<SourceLayer>;
}

export interface FileLayersOptions {
  readonly open: Pick<OpenOptions, "csv">;
  /** The only layer that is wanted, of files with several. */
  readonly layer?: string | undefined;
}

/** The layers of a source's files, which are fetched one after the other. */
export function fileLayers(set: SourceSet, { open, layer: wanted }: FileLayersOptions): VectorSource {
  return {
    version: (call) => set.version(call),
    look: (call) => set.look(call),
    async *layers(context) {
      const items = await fetchedItems(set, context);
      for (const [i, item] of items.entries()) {
        const { path } = await fetchItem(item, context, (90 * i) / items.length);
        await using file = await openVector(path, { ...open, signal: context.signal });
        const layers = file.layers.filter(({ name }) => wanted === undefined || name === wanted);
        for (const [k, layer] of layers.entries()) {
          const name = layers.length === 1 ? item.name : stemOf(layer.name);
          yield { name, layer, from: (i + k / layers.length) / items.length, share: 1 / layers.length / items.length };
        }
      }
    },
  };
}

/** The items of a source in a folder of this try. */
export async function fetchedItems(set: SourceSet, context: StepContext): Promise<readonly SourceItem[]> {
  const folder = await mkdtemp(join(await context.scratch(), "source-"));
  return set.items(folder, fetching(context, "the source"));
}

/** One file, with its progress and provenance told; `percent` is of what comes before it, where nobody else tells. */
export async function fetchItem(item: SourceItem, context: StepContext, percent?: number): Promise<SourceFile> {
  const file = await item.take(fetching(context, item.name, percent));
  context.used({ id: file.id, digest: file.digest, bytes: file.bytes });
  return file;
}

function fetching(context: StepContext, what: string, percent?: number): FetchCall {
  const done = percent === undefined ? {} : { percent: Math.floor(percent) };
  return {
    signal: context.signal,
    progress: (state) => context.progress({ ...done, text: `Fetching ${what}`, ...state }),
  };
}
