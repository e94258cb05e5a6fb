import { product } from "../core/array.ts";
import type { DType, TypedArray } from "../core/dtype.ts";
import { allocate, isInteger, itemSize } from "../core/dtype.ts";
import type { CodecEntry } from "./codec.ts";
import { integerOption } from "./configuration.ts";
import { corrupt } from "./failure.ts";
import { isBigArray, type NumberArray } from "./numbers.ts";

const NAME = "imagecodecs_packints";

/** How integers lie in bytes: runs of `run` numbers of `bits` bits, each run on whole bytes. */
interface Packing {
  readonly bits: number;
  readonly run: number;
  readonly runs: number;
  readonly runBytes: number;
  readonly signed: boolean;
}

/** Integers of 1 to 64 bits without gaps, highest bit first, as in TIFF: `bitspersample`, and `runlen` numbers to a row (0: all). */
export const imagecodecs_packints: CodecEntry = {
  name: NAME,
  kind: "array-bytes",
  summary: "integers of any number of bits (TIFF)",
  encodes: true,
  create(configuration, { dtype, shape }) {
    if (!isInteger(dtype)) throw corrupt(NAME, "only integers can be packed");
    const bits = integerOption(NAME, configuration, "bitspersample", undefined, { min: 1, max: itemSize(dtype)! * 8 });
    const runLength = integerOption(NAME, configuration, "runlen", 0, { min: 0 });
    const packing = packingOf(shape, { bits, runLength, signed: dtype.startsWith("int") });
    return {
      kind: "array-bytes",
      encode({ data }) {
        return pack(data as TypedArray, packing);
      },
      decode(bytes) {
        const needed = packing.runs * packing.runBytes;
        if (bytes.byteLength < needed) throw corrupt(NAME, `${bytes.byteLength} bytes instead of ${needed}`);
        return unpack(bytes, dtype, packing);
      },
    };
  },
};

function packingOf(
  shape: readonly number[],
  { bits, runLength, ...rest }: { bits: number; runLength: number; signed: boolean },
): Packing {
  const count = product(shape);
  const run = runLength === 0 ? count : runLength;
  if (run !== 0 && count % run !== 0) throw corrupt(NAME, `runs of ${run} do not divide ${count} numbers`);
  return { ...rest, bits, run, runs: run === 0 ? 0 : count / run, runBytes: Math.ceil((run * bits) / 8) };
}

function unpack(bytes: Uint8Array, dtype: DType, packing: Packing): TypedArray {
  const { run, runs, runBytes } = packing;
  const out = allocate(dtype, run * runs) as TypedArray;
  for (let r = 0; r < runs; r++) {
    const input = bytes.subarray(r * runBytes, (r + 1) * runBytes);
    if (isBigArray(out)) unpackBig(input, out.subarray(r * run, (r + 1) * run), packing);
    else unpackRun(input, out as NumberArray, r * run, packing);
  }
  return out;
}

/** The bits at hand never exceed 7 + 32: sums and products of doubles are exact where shifts would not be. */
function unpackRun(input: Uint8Array, out: NumberArray, at: number, { bits, run, signed }: Packing): void {
  const range = 2 ** bits;
  const half = range / 2;
  let held = 0;
  let count = 0;
  for (let i = 0, next = 0; i < run; i++) {
    while (count < bits) {
      held = held * 256 + input[next++]!;
      count += 8;
    }
    count -= bits;
    const unit = 2 ** count;
    const value = Math.floor(held / unit);
    held -= value * unit;
    out[at + i] = signed && value >= half ? value - range : value;
  }
}

function unpackBig(input: Uint8Array, out: BigInt64Array | BigUint64Array, { bits, run, signed }: Packing): void {
  let held = 0n;
  let count = 0;
  for (let i = 0, next = 0; i < run; i++) {
    while (count < bits) {
      held = (held << 8n) | BigInt(input[next++]!);
      count += 8;
    }
    count -= bits;
    const value = held >> BigInt(count);
    held -= value << BigInt(count);
    out[i] = signed ? BigInt.asIntN(bits, value) : value;
  }
}

function pack(values: TypedArray, packing: Packing): Uint8Array {
  const { run, runs, runBytes, bits } = packing;
  const out = new Uint8Array(runs * runBytes);
  for (let r = 0; r < runs; r++) {
    let held = 0n;
    let count = 0;
    let at = r * runBytes;
    for (let i = 0; i < run; i++) {
      held = (held << BigInt(bits)) | BigInt.asUintN(bits, BigInt(values[r * run + i]!));
      count += bits;
      while (count >= 8) {
        count -= 8;
        out[at++] = Number(held >> BigInt(count));
        held = BigInt.asUintN(count, held);
      }
    }
    if (count > 0) out[at] = Number(held << BigInt(8 - count));
  }
  return out;
}
