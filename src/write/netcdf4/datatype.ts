import { type FloatType, type IntegerType, isInteger } from "../../core/dtype.ts";
import { Bytes } from "./bytes.ts";

/** A datatype message (HDF5 format specification IV.A.2.d) and the size of its elements. */
export interface Datatype {
  readonly size: number;
  readonly message: Uint8Array;
}

export type ByteOrder = "little" | "big";

/** Version in the upper half, class in the lower; three bytes of flags; the size. */
function head(version: number, cls: number, flags: number, size: number): Bytes {
  return new Bytes().u8((version << 4) | cls, flags & 0xff, (flags >> 8) & 0xff, (flags >> 16) & 0xff).u32(size);
}

export function numberType(dtype: IntegerType | FloatType, order: ByteOrder = "little"): Datatype {
  return isInteger(dtype) ? integerType(dtype, order) : floatType(dtype, order);
}

function integerType(dtype: IntegerType, order: ByteOrder): Datatype {
  const size = Number(dtype.replace(/\D/g, "")) / 8;
  const flags = (order === "big" ? 1 : 0) | (dtype.startsWith("u") ? 0 : 8);
  return {
    size,
    message: head(1, 0, flags, size)
      .u16(0)
      .u16(size * 8)
      .done(),
  };
}

/** Mantissa bits, exponent bits and bias of IEEE 754. */
const FLOATS = { float16: [10, 5, 15], float32: [23, 8, 127], float64: [52, 11, 1023] } as const;

function floatType(dtype: FloatType, order: ByteOrder): Datatype {
  const [mantissa, exponent, bias] = FLOATS[dtype];
  const bits = mantissa + exponent + 1;
  // Normalisation 2: the most significant bit of the mantissa is implied.
  const flags = (order === "big" ? 1 : 0) | 0x20 | ((bits - 1) << 8);
  const message = head(1, 1, flags, bits / 8)
    .u16(0)
    .u16(bits)
    .u8(mantissa, exponent, 0, mantissa)
    .u32(bias)
    .done();
  return { size: bits / 8, message };
}

const UTF8 = 1;

/** Text of fixed length, ended by NUL where it is shorter. */
export function textType(length: number, utf8: boolean): Datatype {
  return { size: length, message: head(1, 3, utf8 ? UTF8 << 4 : 0, length).done() };
}

/** Descriptors in the global heap: length, collection, index. */
const DESCRIPTOR_BYTES = 16;

/** Text of any length (NC_STRING). */
export function variableText(): Datatype {
  const base = integerType("uint8", "little");
  return {
    size: DESCRIPTOR_BYTES,
    message: head(1, 9, 1 | (UTF8 << 8), DESCRIPTOR_BYTES)
      .bytes(base.message)
      .done(),
  };
}

/** The address of an object. */
export function referenceType(): Datatype {
  return { size: 8, message: head(1, 7, 0, 8).done() };
}

/** Lists of addresses: DIMENSION_LIST. */
export function referenceListType(): Datatype {
  return { size: DESCRIPTOR_BYTES, message: head(1, 9, 0, DESCRIPTOR_BYTES).bytes(referenceType().message).done() };
}

/** REFERENCE_LIST's `{ object reference dataset; int32 dimension; }`, padded to 16 bytes as the C library does. */
export function backReferenceType(): Datatype {
  const size = 16;
  const out = head(1, 6, 2, size);
  const member = (name: string, offset: number, type: Datatype): void => {
    out
      .text(name)
      .u8(0)
      .alignTo(8)
      .u32(offset)
      .zeros(1 + 3 + 4 + 4 + 16)
      .bytes(type.message);
  };
  member("dataset", 0, referenceType());
  member("dimension", 8, numberType("int32"));
  return { size, message: out.done() };
}
