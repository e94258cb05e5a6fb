import { createRequire } from "node:module";
import type { CodecEntry } from "./codec.ts";
import { corrupt, tooLong, unsupported } from "./failure.ts";

const XZ_MAGIC = [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00];

/** xz streams, which is what numcodecs writes unless told otherwise, and TIFF's compression 34925. */
export const lzma: CodecEntry = {
  name: "lzma",
  aliases: ["numcodecs.lzma", "imagecodecs_lzma", "xz"],
  kind: "bytes-bytes",
  summary: "LZMA2 in xz streams (not raw or legacy .lzma)",
  encodes: false,
  effort: { decode: 16 },
  create(configuration) {
    const format = configuration.format ?? 1;
    if (format !== 0 && format !== 1)
      throw unsupported("lzma", `format ${JSON.stringify(format)} is not read, only xz`);
    // CommonJS whose named exports Node does not see by itself.
    const { XzReadableStream } = createRequire(import.meta.url)("xz-decompress") as typeof import("xz-decompress");
    return {
      kind: "bytes-bytes",
      async decode(bytes, { maxBytes }) {
        if (!XZ_MAGIC.every((byte, i) => bytes[i] === byte)) throw corrupt("lzma", "this is no xz stream");
        const stored = new ReadableStream<Uint8Array>({
          start(controller) {
            controller.enqueue(bytes);
            controller.close();
          },
        });
        const parts: Uint8Array[] = [];
        let total = 0;
        const reader = new XzReadableStream(stored).getReader();
        for (;;) {
          const { done, value } = await reader.read();
          if (done) return Buffer.concat(parts, total);
          total += value.length;
          if (total > maxBytes) {
            await reader.cancel();
            throw tooLong("lzma", maxBytes);
          }
          parts.push(value.slice());
        }
      },
    };
  },
};
