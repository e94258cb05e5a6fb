import { createPipeline } from "../../codecs/pipeline.ts";
import type { CodecSpec } from "../../core/array.ts";
import { inSource } from "../../errors.ts";
import type { H5File } from "./file.ts";
import { filterCodecs } from "./filter-codecs.ts";
import type { Filter } from "./messages/filters.ts";

/** Undoes filters on bytes that are no array: blocks of a heap. `size` is what must come out. */
export function decodeFiltered(
  file: H5File,
  filters: readonly Filter[],
  mask: number,
  bytes: Uint8Array,
  size: number,
): Promise<Uint8Array> {
  return decodeBytes(file, [{ name: "bytes" }, ...filterCodecs(filters, mask)], bytes, size);
}

/** Undoes the bytes-to-bytes codecs of a chain, leaving elements as the file has them. */
export async function decodeBytes(
  file: H5File,
  [, ...codecs]: readonly CodecSpec[],
  bytes: Uint8Array,
  size: number,
): Promise<Uint8Array> {
  if (codecs.length === 0 && bytes.byteLength === size) return bytes;
  const chain = [{ name: "bytes" }, ...codecs];
  try {
    const pipeline = await createPipeline(chain, { dtype: "uint8", shape: [size] }, file.environment.codecs);
    return (await pipeline.decode(bytes)) as Uint8Array;
  } catch (error) {
    throw inSource(error, file.url);
  }
}
