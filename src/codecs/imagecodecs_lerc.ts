import { product } from "../core/array.ts";
import type { TypedArray } from "../core/dtype.ts";
import { allocate, isFloat } from "../core/dtype.ts";
import type { CodecEntry } from "./codec.ts";
import { corrupt, unsupported } from "./failure.ts";
import { realType } from "./numbers.ts";

const PIXEL_TYPES = {
  int8: "S8",
  uint8: "U8",
  int16: "S16",
  uint16: "U16",
  int32: "S32",
  uint32: "U32",
  float32: "F32",
  float64: "F64",
} as const;

/** LERC 1 and 2. Pixels outside the mask are not-a-number, or zero where the type has none. */
export const imagecodecs_lerc: CodecEntry = {
  name: "imagecodecs_lerc",
  kind: "array-bytes",
  summary: "LERC",
  encodes: false,
  async create(_configuration, { dtype, shape }) {
    const name = "imagecodecs_lerc";
    const type = realType(name, dtype);
    const pixelType = type in PIXEL_TYPES ? PIXEL_TYPES[type as keyof typeof PIXEL_TYPES] : undefined;
    if (pixelType === undefined) throw corrupt(name, `samples of ${type}`);
    const lerc = await import("lerc");
    await lerc.load();
    const count = product(shape);
    return {
      kind: "array-bytes",
      encode() {
        throw unsupported(name, "only decoding is offered");
      },
      decode(bytes) {
        const { width, height, bandCount, depthCount } = lerc.getBlobInfo(bytes);
        if (width * height * bandCount * depthCount !== count || !(width > 0)) {
          throw corrupt(name, `${width} x ${height} x ${bandCount * depthCount} samples instead of [${shape}]`);
        }
        const decoded = lerc.decode(bytes, { returnInterleaved: true });
        if (decoded.pixelType !== pixelType) throw corrupt(name, `samples of type ${decoded.pixelType}`);
        if (isFloat(type)) {
          decoded.pixels.forEach((band, b) => {
            maskOut(band, decoded.bandMasks?.[b] ?? decoded.mask, depthCount);
          });
        }
        const isPlanar = shape.at(-1) === width && bandCount > 1;
        return joined(decoded.pixels as TypedArray[], type, isPlanar);
      },
    };
  },
};

/** As libtiff does: what is not valid is not a number. `depth` samples make a pixel. */
function maskOut(
  samples: { readonly length: number; [i: number]: number },
  mask: Uint8Array | null,
  depth: number,
): void {
  if (mask === null) return;
  for (let i = 0; i < samples.length; i++) if (mask[Math.floor(i / depth)] === 0) samples[i] = Number.NaN;
}

/** Bands after each other, or sample by sample. */
function joined(bands: readonly TypedArray[], type: ReturnType<typeof realType>, isPlanar: boolean): TypedArray {
  const [first] = bands;
  if (bands.length === 1 && first !== undefined) return first;
  const size = first?.length ?? 0;
  const out = allocate(type, bands.length * size) as Float64Array;
  bands.forEach((band, b) => {
    if (isPlanar) out.set(band as Float64Array, b * size);
    else for (let i = 0; i < size; i++) out[i * bands.length + b] = band[i] as number;
  });
  return out;
}
