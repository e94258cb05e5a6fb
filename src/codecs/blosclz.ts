import { corrupt } from "./failure.ts";
import { copyWithin } from "./lz4-block.ts";

const MAX_DISTANCE = 8191;

/** Decodes one BloscLZ stream (a descendant of FastLZ), which must fill `out` exactly. */
export function blosclzDecode(stream: Uint8Array, out: Uint8Array): void {
  const end = stream.length;
  let at = 0;
  let op = 0;
  const next = (): number => {
    if (at >= end) throw corrupt("blosc", "a BloscLZ stream is cut off");
    return stream[at++]!;
  };
  let control = next() & 31;
  for (;;) {
    if (control < 32) {
      const literals = control + 1;
      if (literals > end - at || literals > out.length - op) throw corrupt("blosc", "BloscLZ literals beyond the end");
      for (let i = 0; i < literals; i++) out[op++] = stream[at++]!;
    } else {
      let length = (control >> 5) + 2;
      let distance = (control & 31) << 8;
      if (control >> 5 === 7) {
        let code: number;
        do {
          code = next();
          length += code;
        } while (code === 255);
      }
      const low = next();
      if (low === 255 && distance === 31 << 8) {
        distance = (next() << 8) + next();
        distance += MAX_DISTANCE;
      } else distance += low;
      distance += 1;
      if (distance > op || length > out.length - op) throw corrupt("blosc", "a BloscLZ match is out of range");
      copyWithin(out, op, distance, length);
      op += length;
    }
    if (at >= end) break;
    control = stream[at++]!;
  }
  if (op !== out.length) throw corrupt("blosc", `a BloscLZ stream holds ${op} bytes instead of ${out.length}`);
}
