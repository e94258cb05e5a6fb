import { asBytes, type TypedArray } from "../core/dtype.ts";

/** The bytes of values in a byte order; without a copy where that is the machine's. */
export function orderedBytes(values: TypedArray, order: "little" | "big"): Uint8Array {
  const bytes = asBytes(values);
  const size = values.BYTES_PER_ELEMENT;
  if (order === MACHINE || size === 1) return bytes;
  const copy = Buffer.from(bytes);
  return size === 2 ? copy.swap16() : size === 4 ? copy.swap32() : copy.swap64();
}

const MACHINE = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1 ? "little" : "big";
