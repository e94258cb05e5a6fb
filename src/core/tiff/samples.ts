import type { DType, IntegerType } from "../dtype.ts";
import { SampleFormat } from "./tags.ts";

/** What the samples of an image are: the array's type, and how many bits each takes in the file. */
export interface Samples {
  readonly dtype: DType;
  readonly bits: number;
  /** Bit-packed integers: `bits` is not the width of `dtype`. */
  readonly packed: boolean;
}

/** The type of `bits` wide samples of a TIFF SampleFormat; undefined when there is none. */
export function samplesOf(format: number, bits: number): Samples | undefined {
  const dtype = sampleType(format, bits);
  if (dtype === undefined) return undefined;
  return { dtype, bits, packed: isInteger(format) && ![8, 16, 32, 64].includes(bits) };
}

function isInteger(format: number): boolean {
  return format === SampleFormat.Uint || format === SampleFormat.Int || format === SampleFormat.Void;
}

function sampleType(format: number, bits: number): DType | undefined {
  switch (format) {
    case SampleFormat.Uint:
    case SampleFormat.Void:
    case SampleFormat.Int: {
      if (!(bits >= 1 && bits <= 64)) return undefined;
      const width = bits <= 8 ? 8 : bits <= 16 ? 16 : bits <= 32 ? 32 : 64;
      return `${format === SampleFormat.Int ? "" : "u"}int${width}` as IntegerType;
    }
    case SampleFormat.Float:
      if (bits === 24) return "float32";
      return bits === 16 || bits === 32 || bits === 64 ? `float${bits}` : undefined;
    case SampleFormat.ComplexFloat:
      return bits === 64 || bits === 128 ? `complex${bits}` : undefined;
    case SampleFormat.ComplexInt:
      return bits === 32 || bits === 64 ? complexInteger(bits === 32 ? "int16" : "int32", bits / 16) : undefined;
    default:
      return undefined;
  }
}

/** Zarr and NumPy have no complex integers: a pair with the names that GDAL's multidimensional drivers give it. */
function complexInteger(dtype: IntegerType, width: number): DType {
  return {
    kind: "struct",
    size: 2 * width,
    fields: [
      { name: "real", dtype, offset: 0, shape: [] },
      { name: "imag", dtype, offset: width, shape: [] },
    ],
  };
}

/** SampleFormat and BitsPerSample that store `dtype` as it is; undefined when TIFF has no such samples. */
export function sampleFormat(dtype: DType): { readonly format: number; readonly bits: number } | undefined {
  const match = typeof dtype === "string" ? /^(uint|int|float|complex)(\d+)$/.exec(dtype) : null;
  if (match === null) return undefined;
  const formats = {
    uint: SampleFormat.Uint,
    int: SampleFormat.Int,
    float: SampleFormat.Float,
    complex: SampleFormat.ComplexFloat,
  };
  return { format: formats[match[1] as keyof typeof formats], bits: Number(match[2]) };
}
