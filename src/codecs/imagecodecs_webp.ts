import type { CodecEntry } from "./codec.ts";
import { integerOption } from "./configuration.ts";
import { sharpCodec } from "./sharp-image.ts";

/** WebP of RGB or RGBA samples; `lossless`, or a quality as `level`. */
export const imagecodecs_webp: CodecEntry = {
  name: "imagecodecs_webp",
  kind: "array-bytes",
  summary: "WebP",
  encodes: true,
  create(configuration, meta) {
    const quality = integerOption("imagecodecs_webp", configuration, "level", 75, { min: 1, max: 100 });
    const lossless = configuration.lossless === true;
    // Without `exact` colours under full transparency would be changed even by the lossless form.
    return sharpCodec("imagecodecs_webp", meta, {
      encode: (image) => image.webp({ quality, lossless, exact: true }),
    });
  },
};
