import type { ChunkRef, CodecSpec } from "../../core/array.ts";
import { badSource } from "../../errors.ts";
import { urlBeside } from "./beside.ts";
import type { StoredDataset } from "./dataset.ts";
import { heapName, readLocalHeap } from "./local-heap.ts";
import type { ExternalFiles } from "./messages/external-files.ts";
import { cutter, type Storage } from "./storage.ts";

/** A run of the data that lies in one file. */
interface Run {
  readonly url: URL;
  /** Where the run begins in the data, where in the file, and its bytes. */
  readonly start: number;
  readonly offset: number;
  readonly size: number;
}

/** Contiguous data in other files: refs to them where a chunk lies in one, else its joined bytes. */
export async function externalStorage(
  dataset: StoredDataset,
  externalFiles: ExternalFiles,
  layout: CodecSpec,
  limit: number | undefined,
): Promise<Storage> {
  const { file } = dataset;
  const runs = await readRuns(dataset, externalFiles);
  const { chunks, cut } = cutter(dataset, limit);
  return {
    chunks,
    codecs: [layout],
    async locate(chunk, call): Promise<ChunkRef> {
      const { start, length, shape } = cut(chunk);
      const parts = runs.filter((run) => run.start < start + length && run.start + run.size > start);
      const more = shape === undefined ? {} : { shape };
      const [only] = parts;
      if (only !== undefined && only.start <= start && only.start + only.size >= start + length) {
        return { url: only.url, offset: only.offset + start - only.start, length, ...more };
      }
      const inline = new Uint8Array(length);
      let done = start;
      for (const run of parts) {
        const end = Math.min(run.start + run.size, start + length);
        const range = { offset: run.offset + done - run.start, length: end - done };
        const bytes = run.start > done ? undefined : await file.environment.files.read(run.url, range, call);
        if (bytes?.byteLength !== range.length) throw badSource(run.url, range.offset, "external data are not there");
        inline.set(bytes, done - start);
        done = end;
      }
      if (done !== start + length) throw badSource(file.url, undefined, "the external files do not hold all data");
      return { inline, ...more };
    },
  };
}

async function readRuns({ file }: StoredDataset, { heap, slots }: ExternalFiles): Promise<Run[]> {
  const names = await readLocalHeap(file, heap);
  let start = 0;
  return slots.map(({ name, offset, size }) => {
    const run = { url: urlBeside(file.url, heapName(names, name)), start, offset, size };
    start += size;
    return run;
  });
}
