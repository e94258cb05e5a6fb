import type { Datatype } from "./messages/datatype.ts";

type Of<Class extends Datatype["class"]> = Extract<Datatype, { class: Class }>;

/** Little-endian; good up to 2^53, larger numbers stay larger. */
export function unsigned(bytes: Uint8Array, at: number, width: number): number {
  let value = 0;
  for (let i = width - 1; i >= 0; i--) value = value * 256 + bytes[at + i]!;
  return value;
}

/** Any width, byte order, bit offset and precision; bigint for more than 32 bits. */
export function readInteger(type: Of<"integer">, bytes: Uint8Array, at: number): number | bigint {
  const value = (bitsOf(bytes, at, type.size, type.bigEndian) >> BigInt(type.bitOffset)) & mask(type.precision);
  const exact = type.signed ? BigInt.asIntN(type.precision, value) : value;
  return type.size > 4 ? exact : Number(exact);
}

/** IV.A.2.d floating-point numbers of any layout. */
export function readFloat(type: Of<"float">, bytes: Uint8Array, at: number): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset + at, type.size);
  const little = type.order === "little";
  if (type.order !== "vax" && type.normalization === 2 && type.bitOffset === 0) {
    if (type.size === 4 && type.mantissaBits === 23 && type.exponentBits === 8) return view.getFloat32(0, little);
    if (type.size === 8 && type.mantissaBits === 52 && type.exponentBits === 11) return view.getFloat64(0, little);
    if (type.size === 2 && type.mantissaBits === 10 && type.exponentBits === 5) return view.getFloat16(0, little);
  }
  const bits = type.order === "vax" ? vaxBits(bytes, at, type.size) : bitsOf(bytes, at, type.size, !little);
  const field = (start: number, width: number): bigint => (bits >> BigInt(start)) & mask(width);
  const sign = field(type.signAt, 1) === 1n ? -1 : 1;
  const exponent = Number(field(type.exponentAt, type.exponentBits));
  const fraction = Number(field(type.mantissaAt, type.mantissaBits)) / 2 ** type.mantissaBits;
  if (type.order === "vax") return exponent === 0 ? 0 : sign * (1 + fraction) * 2 ** (exponent - type.bias);
  if (exponent === 2 ** type.exponentBits - 1) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  if (exponent === 0 || type.normalization !== 2) {
    // Without an implied bit the mantissa's first bit counts one.
    const scale = type.normalization === 2 ? 1 - type.bias : exponent - type.bias + 1;
    return sign * fraction * 2 ** scale;
  }
  return sign * (1 + fraction) * 2 ** (exponent - type.bias);
}

function bitsOf(bytes: Uint8Array, at: number, size: number, bigEndian: boolean): bigint {
  let value = 0n;
  for (let i = 0; i < size; i++) value = (value << 8n) | BigInt(bytes[bigEndian ? at + i : at + size - 1 - i]!);
  return value;
}

/** VAX order: 16-bit words from the most significant on, each with its low byte first. */
function vaxBits(bytes: Uint8Array, at: number, size: number): bigint {
  let value = 0n;
  for (let i = 0; i < size; i += 2) value = (value << 16n) | BigInt(bytes[at + i]! | (bytes[at + i + 1]! << 8));
  return value;
}

function mask(width: number): bigint {
  return (1n << BigInt(width)) - 1n;
}
