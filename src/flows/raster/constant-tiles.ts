import { asBytes, type TypedArray, type Values } from "../../core/dtype.ts";
import type { Encoder } from "../../write/source.ts";

/** Values of which tiles have been all: nodata, sea, and a few more. */
const MOST_KEPT = 64;

/** Encodes tiles whose values are all the same once: most tiles around a boundary are. */
export function withConstantTiles(encoder: Encoder): Encoder {
  const kept = new Map<string, Promise<Uint8Array>>();
  return {
    encode(codecs, meta, values, shape, call) {
      const value = onlyValue(values);
      if (value === undefined) return encoder.encode(codecs, meta, values, shape, call);
      const key = `${value} ${meta.shape.join()} ${codecs.map(({ name }) => name).join()}`;
      let bytes = kept.get(key);
      if (bytes === undefined) {
        bytes = encoder.encode(codecs, meta, values, shape, call);
        if (kept.size < MOST_KEPT) kept.set(key, bytes);
        bytes.catch(() => kept.delete(key));
      }
      return bytes;
    },
  };
}

/** The bytes of the value that all are; undefined where they differ. Compares memory with itself, one value later. */
function onlyValue(values: Values): string | undefined {
  if (!ArrayBuffer.isView(values) || values.length === 0) return undefined;
  const bytes = asBytes(values as TypedArray);
  const width = (values as TypedArray).BYTES_PER_ELEMENT;
  const isOne = Buffer.compare(bytes.subarray(width), bytes.subarray(0, bytes.length - width)) === 0;
  return isOne ? Buffer.from(bytes.subarray(0, width)).toString("hex") : undefined;
}
