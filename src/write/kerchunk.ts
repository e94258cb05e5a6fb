import { setImmediate as nextTurn } from "node:timers/promises";
import { type ArraySpec, chunkGrid, type Dataset, product } from "../core/array.ts";
import { isGyreError } from "../errors.ts";
import {
  type ChunkEntry,
  type ChunkParts,
  type ChunkReference,
  type KerchunkOptions,
  referVariables,
} from "./kerchunk-references.ts";
import type { JsonObject } from "./zarr-fill.ts";
import { groupDocumentsV2, toZarrV2 } from "./zarr-v2.ts";

const PIECE = 64 * 1024;

/** A dataset as a kerchunk reference set in JSON, version 1, piece by piece: it is never whole in memory. */
export async function* kerchunkJson(dataset: Dataset, options: KerchunkOptions): AsyncGenerator<Uint8Array> {
  const encoder = new TextEncoder();
  let text = '{"version":1,"refs":{';
  let separator = "";
  const addDocument = (key: string, document: JsonObject): void => {
    text += `${separator}${JSON.stringify(key)}:${JSON.stringify(JSON.stringify(document))}`;
    separator = ",";
  };

  for (const [key, document] of groupDocumentsV2(dataset)) addDocument(key, document);
  for (const [variable, referring] of referVariables(dataset.variables.values(), options)) {
    const { name } = variable;
    try {
      const described = toZarrV2(variable.spec);
      const { spec, batches, parts } = await referring;
      let count = 0;
      const quotedName = JSON.stringify(name).slice(1, -1);
      for await (const members of parts === undefined
        ? oneByOne(quotedName, batches)
        : atOnce(quotedName, spec, parts)) {
        count += members.count;
        text += members.text;
        if (text.length < PIECE) continue;
        yield encoder.encode(text);
        text = "";
        // Places that are known take no turn of the event loop by themselves.
        await nextTurn();
        options.signal?.throwIfAborted();
      }
      // Metadata last: what `fill_value` must say depends on whether chunks are missing.
      const isWhole = count === product(chunkGrid(spec));
      const isAsDescribed = isWhole && spec === variable.spec;
      const { zarray, zattrs } = isAsDescribed ? described : toZarrV2(spec, { fill: isWhole ? "cf" : "exact" });
      addDocument(`${name}/.zarray`, zarray);
      addDocument(`${name}/.zattrs`, zattrs);
    } catch (error) {
      // References without metadata are no array: readers never see the chunks written so far.
      if (!isGyreError(error, "Unsupported")) throw error;
      options.onOmitted?.(name, error.message);
    }
  }
  yield encoder.encode(`${text}}}`);
}

/** Members of the JSON object, each behind a comma: the documents of the root come before all of them. */
interface Members {
  readonly text: string;
  readonly count: number;
}

async function* oneByOne(quotedName: string, batches: AsyncIterable<readonly ChunkEntry[]>): AsyncGenerator<Members> {
  const referenceJson = referenceWriter();
  for await (const batch of batches) {
    let text = "";
    for (const { chunk, reference } of batch) {
      text += `,"${quotedName}/${chunk.length === 0 ? "0" : chunk.join(".")}":${referenceJson(reference)}`;
    }
    yield { text, count: batch.length };
  }
}

function* atOnce(quotedName: string, spec: ArraySpec, { href, table }: ChunkParts): Generator<Members> {
  const { cells, offsets, lengths } = table;
  const grid = chunkGrid(spec);
  const width = grid.pop() ?? 1;
  const middle = `":[${JSON.stringify(href)},`;
  let [text, count] = ["", 0];
  let row = -1;
  let start = "";
  for (let i = 0; i < offsets.length; i++) {
    const offset = offsets[i]!;
    if (offset < 0) continue;
    const cell = cells === undefined ? i : cells[i]!;
    const at = Math.floor(cell / width);
    if (at !== row) [row, start] = [at, `,"${quotedName}/${rowKey(at, grid)}`];
    text += `${start}${cell - row * width}${middle}${offset},${lengths[i]!}]`;
    count++;
    if (text.length < PIECE) continue;
    yield { text, count };
    [text, count] = ["", 0];
  }
  yield { text, count };
}

/** Chunk numbers of all axes but the last, each before a dot. */
function rowKey(row: number, grid: readonly number[]): string {
  let key = "";
  let rest = row;
  for (const count of grid.toReversed()) {
    key = `${rest % count}.${key}`;
    rest = Math.floor(rest / count);
  }
  return key;
}

/** Nearly all chunks of a variable lie in the same file, whose address is quoted once. */
function referenceWriter(): (reference: ChunkReference) => string {
  let last = "";
  let quoted = '""';
  return (reference) => {
    if ("inline" in reference) return `"base64:${Buffer.from(reference.inline).toString("base64")}"`;
    const { href, range } = reference;
    if (href !== last) [last, quoted] = [href, JSON.stringify(href)];
    return range === undefined ? `[${quoted}]` : `[${quoted},${range.offset},${range.length}]`;
  };
}
