import { chunkGrid, type Dataset, product } from "../core/array.ts";
import { isGyreError } from "../errors.ts";
import { type ChunkReference, type KerchunkOptions, referVariable } from "./kerchunk-references.ts";
import type { JsonObject } from "./zarr-fill.ts";
import { groupDocumentsV2, toZarrV2 } from "./zarr-v2.ts";

const PIECE = 64 * 1024;

/** A dataset as a kerchunk reference set in JSON, version 1, piece by piece: it is never whole in memory. */
export async function* kerchunkJson(dataset: Dataset, options: KerchunkOptions): AsyncGenerator<Uint8Array> {
  const encoder = new TextEncoder();
  let text = '{"version":1,"refs":{';
  let separator = "";
  const add = (key: string, value: string): void => {
    text += `${separator}${JSON.stringify(key)}:${value}`;
    separator = ",";
  };
  const addDocument = (key: string, document: JsonObject): void => add(key, JSON.stringify(JSON.stringify(document)));

  for (const [key, document] of groupDocumentsV2(dataset)) addDocument(key, document);
  for (const variable of dataset.variables.values()) {
    const { name } = variable;
    try {
      toZarrV2(variable.spec);
      const { spec, batches } = await referVariable(variable, options);
      let count = 0;
      const quotedName = JSON.stringify(name).slice(0, -1);
      const referenceJson = referenceWriter();
      for await (const batch of batches) {
        count += batch.length;
        for (const { chunk, reference } of batch) {
          text += `${separator}${quotedName}/${chunkKey(chunk)}":${referenceJson(reference)}`;
          separator = ",";
        }
        if (text.length < PIECE) continue;
        yield encoder.encode(text);
        text = "";
      }
      // Metadata last: what `fill_value` must say depends on whether chunks are missing.
      const { zarray, zattrs } = toZarrV2(spec, { fill: count < product(chunkGrid(spec)) ? "exact" : "cf" });
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

function chunkKey(chunk: readonly number[]): string {
  return chunk.length === 0 ? "0" : chunk.join(".");
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
