import type { Json } from "../core/array.ts";
import type { CodecEntry } from "./codec.ts";
import { integerOption } from "./configuration.ts";
import { corrupt, unsupported } from "./failure.ts";
import { sharpCodec } from "./sharp-image.ts";

/** Photometric interpretations of TIFF. */
const RGB = 2;
const YCBCR = 6;

/**
 * JPEG of 8-bit samples, with the abbreviated streams of TIFF (technical note 2): `tables` is the JPEGTables field in
 * base64, `colorspace_jpeg` the photometric interpretation of the file. YCbCr is returned as RGB.
 */
export const imagecodecs_jpeg: CodecEntry = {
  name: "imagecodecs_jpeg",
  kind: "array-bytes",
  summary: "JPEG (8 bits; also abbreviated streams of TIFF)",
  encodes: true,
  create(configuration, meta) {
    const name = "imagecodecs_jpeg";
    const { tables } = configuration;
    if (tables !== undefined && tables !== null && typeof tables !== "string") throw corrupt(name, "tables is no text");
    const head = typeof tables === "string" ? Buffer.from(tables, "base64") : undefined;
    const stored = photometric(configuration.colorspace_jpeg);
    const wanted = photometric(configuration.colorspace_data);
    if (wanted === YCBCR && stored === YCBCR) throw unsupported(name, "YCbCr is only returned as RGB");
    const quality = integerOption(name, configuration, "level", 75, { min: 1, max: 100 });
    return sharpCodec(name, meta, {
      prepare: (bytes) => complete(bytes, head, stored),
      encode(image) {
        if (stored === RGB) throw unsupported(name, "only decoding is offered where colours are not transformed");
        return image.jpeg({ quality });
      },
    });
  },
};

function photometric(value: Json | undefined): number | undefined {
  if (value === "RGB" || value === "rgb") return RGB;
  if (value === "YCBCR" || value === "ycbcr") return YCBCR;
  return typeof value === "number" ? value : undefined;
}

/** Puts the shared tables before the image, and Adobe's marker, which says whether colours were transformed. */
function complete(bytes: Uint8Array, tables: Uint8Array | undefined, stored: number | undefined): Uint8Array {
  if (bytes[0] !== 0xff || bytes[1] !== 0xd8) throw corrupt("imagecodecs_jpeg", "this is no JPEG stream");
  const parts: Uint8Array[] = [bytes.subarray(0, 2)];
  if (stored === RGB || stored === YCBCR) parts.push(adobeMarker(stored === YCBCR ? 1 : 0));
  if (tables !== undefined && tables.length > 4) parts.push(tables.subarray(2, -2));
  return parts.length === 1 ? bytes : Buffer.concat([...parts, bytes.subarray(2)]);
}

function adobeMarker(transform: number): Uint8Array {
  return Uint8Array.of(0xff, 0xee, 0, 14, 0x41, 0x64, 0x6f, 0x62, 0x65, 0, 100, 0, 0, 0, 0, transform);
}
