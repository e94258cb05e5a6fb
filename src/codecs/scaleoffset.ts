import { BitStream } from "./bit-stream.ts";
import type { CodecEntry } from "./codec.ts";
import { integersOption } from "./configuration.ts";
import { corrupt, tooLong, unsupported } from "./failure.ts";

/** Bytes before the packed values: `minbits`, the size of `minval`, and `minval` in 16 bytes. */
const HEADER = 21;
const FLOAT_DSCALE = 0;
const FLOAT_ESCALE = 1;

/**
 * HDF5 filter 6 (H5Zscaleoffset.c): differences from the smallest value, in as few bits as the largest needs. Floating
 * point numbers are scaled by a power of ten first. `values` are the filter's client data.
 */
export const scaleoffset: CodecEntry = {
  name: "scaleoffset",
  aliases: ["hdf5:6"],
  kind: "bytes-bytes",
  summary: "HDF5 scale-offset",
  encodes: false,
  create(configuration) {
    const values = integersOption("scaleoffset", configuration, "values", 64);
    if (values.length < 8) throw corrupt("scaleoffset", `${values.length} client values`);
    const [scaleType, scale, count, kind, size, sign, order, hasFill] = values as [
      number,
      number,
      number,
      number,
      number,
      number,
      number,
      number,
    ];
    const isFloat = kind === 1;
    if (isFloat && scaleType === FLOAT_ESCALE) throw unsupported("scaleoffset", "E-scaling was never defined");
    if ((isFloat && scaleType !== FLOAT_DSCALE) || ![1, 2, 4, 8].includes(size) || (isFloat && size < 4)) {
      throw corrupt("scaleoffset", `numbers of ${size} bytes, scale type ${scaleType}`);
    }
    const parameters: Parameters = {
      isFloat,
      // A negative power comes as its 32-bit pattern.
      decimals: scale | 0,
      count,
      size,
      signed: sign === 1,
      bigEndian: order === 1,
      ...(hasFill === 1 ? { fill: fillBits(values.slice(8), size) } : {}),
    };
    return { kind: "bytes-bytes", decode: (bytes, { maxBytes }) => decode(bytes, parameters, maxBytes) };
  },
};

interface Parameters {
  readonly isFloat: boolean;
  readonly decimals: number;
  readonly count: number;
  readonly size: number;
  readonly signed: boolean;
  readonly bigEndian: boolean;
  /** Bit pattern of the fill value, stored as the largest packed number. */
  readonly fill?: bigint;
}

function fillBits(words: readonly number[], size: number): bigint {
  const low = BigInt((words[0] ?? 0) >>> 0);
  return BigInt.asUintN(size * 8, low | (BigInt((words[1] ?? 0) >>> 0) << 32n));
}

function decode(bytes: Uint8Array, parameters: Parameters, maxBytes: number): Uint8Array {
  const { count, size, bigEndian } = parameters;
  if (count * size > maxBytes) throw tooLong("scaleoffset", maxBytes);
  if (bytes.length < HEADER) throw corrupt("scaleoffset", `${bytes.length} bytes are no header`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const minbits = view.getUint32(0, true);
  if (minbits > size * 8) throw corrupt("scaleoffset", `${minbits} bits for numbers of ${size} bytes`);
  const out = new Uint8Array(count * size);
  const packed = bytes.subarray(HEADER);
  if (minbits === size * 8) {
    if (packed.length < out.length) throw corrupt("scaleoffset", "the values end early");
    out.set(packed.subarray(0, out.length));
  } else {
    const minval = view.getBigUint64(5, true);
    if (parameters.isFloat) unpackFloats(packed, minbits, minval, parameters, out);
    else unpackIntegers(packed, minbits, minval, parameters, out);
  }
  if (bigEndian && size > 1) for (let at = 0; at < out.length; at += size) out.subarray(at, at + size).reverse();
  return out;
}

function unpackIntegers(packed: Uint8Array, minbits: number, minval: bigint, p: Parameters, out: Uint8Array): void {
  const stream = new BitStream("scaleoffset", packed);
  const view = new DataView(out.buffer);
  const marker = 2n ** BigInt(minbits) - 1n;
  if (p.size === 8) {
    for (let i = 0; i < p.count; i++) {
      const step = stream.readBig(minbits);
      view.setBigUint64(8 * i, p.fill !== undefined && step === marker ? p.fill : step + minval, true);
    }
    return;
  }
  const base = Number(BigInt.asIntN(32, minval));
  const fill = p.fill === undefined ? undefined : Number(p.fill);
  for (let i = 0; i < p.count; i++) {
    const step = stream.read(minbits);
    const value = fill !== undefined && step === Number(marker) ? fill : step + base;
    if (p.size === 4) view.setUint32(4 * i, value, true);
    else if (p.size === 2) view.setUint16(2 * i, value, true);
    else out[i] = value;
  }
}

function unpackFloats(packed: Uint8Array, minbits: number, minval: bigint, p: Parameters, out: Uint8Array): void {
  const stream = new BitStream("scaleoffset", packed);
  const view = new DataView(out.buffer);
  const scratch = new DataView(new ArrayBuffer(8));
  const single = p.size === 4;
  const fromBits = (bits: bigint): number => {
    scratch.setBigUint64(0, bits, true);
    return single ? scratch.getFloat32(0, true) : scratch.getFloat64(0, true);
  };
  const minimum = fromBits(minval);
  const fill = p.fill === undefined ? undefined : fromBits(p.fill);
  const marker = 2n ** BigInt(minbits) - 1n;
  const power = single ? Math.fround(10 ** p.decimals) : 10 ** p.decimals;
  for (let i = 0; i < p.count; i++) {
    const bits = stream.readBig(minbits);
    let value: number;
    if (fill !== undefined && bits === marker) value = fill;
    else {
      const step = Number(BigInt.asIntN(p.size * 8, bits));
      value = single ? Math.fround(Math.fround(step) / power) + minimum : step / power + minimum;
    }
    if (single) view.setFloat32(4 * i, value, true);
    else view.setFloat64(8 * i, value, true);
  }
}
