import { product } from "../core/array.ts";
import type { DType, TypedArray, Values } from "../core/dtype.ts";
import { asBytes, asValues, dtypeName, itemSize, swapSize } from "../core/dtype.ts";
import type { CodecEntry } from "./codec.ts";
import { wordOption } from "./configuration.ts";
import { corrupt } from "./failure.ts";

/** Zarr v3 core codec: elements one after the other, in C order. Decodes without a copy where alignment allows. */
export const bytes: CodecEntry = {
  name: "bytes",
  aliases: ["endian"],
  kind: "array-bytes",
  summary: "elements as they are, little or big endian",
  encodes: true,
  create(configuration, { dtype, shape }) {
    const size = itemSize(dtype);
    if (size === undefined) throw corrupt("bytes", `${dtypeName(dtype)} has no fixed size`);
    const big = wordOption("bytes", configuration, "endian", ["little", "big"], "little") === "big";
    const length = product(shape) * size;
    return {
      kind: "array-bytes",
      encode({ data }) {
        const plain = asBytes(data as TypedArray);
        return big ? swapped(plain, dtype) : plain;
      },
      decode(stored): Values {
        if (stored.length !== length) {
          throw corrupt("bytes", `${stored.length} bytes instead of the ${length} of ${dtypeName(dtype)}[${shape}]`);
        }
        return asValues(dtype, big ? swapped(stored, dtype) : stored);
      },
    };
  },
};

/** A copy with the bytes of every number reversed. */
export function swapped(stored: Uint8Array, dtype: DType): Uint8Array {
  const out = new Uint8Array(stored);
  if (typeof dtype === "object" && dtype.kind === "struct") {
    for (const { offset, width, count } of numbersWithin(dtype)) {
      for (let element = 0; element < out.length; element += dtype.size) {
        for (let i = 0; i < count; i++) {
          const at = element + offset + i * width;
          out.subarray(at, at + width).reverse();
        }
      }
    }
    return out;
  }
  const buffer = Buffer.from(out.buffer);
  const width = swapSize(dtype);
  if (width === 2) buffer.swap16();
  else if (width === 4) buffer.swap32();
  else if (width === 8) buffer.swap64();
  return out;
}

interface Run {
  readonly offset: number;
  readonly width: number;
  readonly count: number;
}

/** Runs of multi-byte numbers in one element of a structure, members of members included. */
function numbersWithin(struct: Extract<DType, { kind: "struct" }>, base = 0): Run[] {
  return struct.fields.flatMap((field): Run[] => {
    const { dtype } = field;
    const size = itemSize(dtype);
    if (size === undefined) throw corrupt("bytes", `member ${field.name} has no fixed size`);
    const copies = product(field.shape);
    const at = base + field.offset;
    if (typeof dtype === "object" && dtype.kind === "struct") {
      return Array.from({ length: copies }, (_, i) => numbersWithin(dtype, at + i * size)).flat();
    }
    const width = swapSize(dtype);
    return width === 1 ? [] : [{ offset: at, width, count: (copies * size) / width }];
  });
}
