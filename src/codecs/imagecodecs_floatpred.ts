import type { TypedArray } from "../core/dtype.ts";
import { asBytes, asValues, isFloat, itemSize } from "../core/dtype.ts";
import type { CodecEntry } from "./codec.ts";
import { corrupt } from "./failure.ts";
import { rowsOf } from "./imagecodecs-predictor.ts";

/**
 * TIFF predictor 3 (Adobe's technical note 3): the bytes of a row are sorted by significance, most significant first,
 * then differenced. What is stored are bytes, the same for either byte order of the file.
 */
export const imagecodecs_floatpred: CodecEntry = {
  name: "imagecodecs_floatpred",
  kind: "array-array",
  summary: "TIFF predictor 3 (floating point differences)",
  encodes: true,
  create(configuration, meta) {
    const { dtype, shape } = meta;
    if (!isFloat(dtype)) throw corrupt("imagecodecs_floatpred", "only floating point samples can be predicted so");
    const { rows, length, distance } = rowsOf("imagecodecs_floatpred", configuration, meta);
    const size = itemSize(dtype) as number;
    const encoded = { dtype: "uint8", shape: [rows, length * size] } as const;
    return {
      kind: "array-array",
      encoded,
      encode({ data }) {
        const plain = asBytes(data as TypedArray);
        const out = new Uint8Array(plain.length);
        for (let row = 0; row < rows; row++) {
          const start = row * length * size;
          for (let b = 0; b < size; b++) {
            const plane = start + (size - 1 - b) * length;
            for (let i = 0, at = start + b; i < length; i++, at += size) out[plane + i] = plain[at]!;
          }
          for (let i = start + length * size - 1; i >= start + distance; i--) out[i]! -= out[i - distance]!;
        }
        return { ...encoded, data: out };
      },
      decode({ data }) {
        const stored = (data as Uint8Array).slice();
        const out = new Uint8Array(stored.length);
        for (let row = 0; row < rows; row++) {
          const start = row * length * size;
          for (let i = start + distance; i < start + length * size; i++) stored[i]! += stored[i - distance]!;
          for (let b = 0; b < size; b++) {
            const plane = start + (size - 1 - b) * length;
            for (let i = 0, at = start + b; i < length; i++, at += size) out[at] = stored[plane + i]!;
          }
        }
        return { dtype, shape, data: asValues(dtype, out) };
      },
    };
  },
};
