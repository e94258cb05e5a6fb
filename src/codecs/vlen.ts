import { product } from "../core/array.ts";
import { corrupt } from "./failure.ts";

const HEADER = 4;

/**
 * numcodecs' layout of variable-length elements: their number, then each behind its length, all as four little-endian
 * bytes. `read` gets a view of each element's bytes.
 */
export function readElements<T>(
  codec: string,
  bytes: Uint8Array,
  shape: readonly number[],
  read: (element: Uint8Array) => T,
): T[] {
  const expected = product(shape);
  if (bytes.length < HEADER) throw corrupt(codec, "no number of elements");
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const count = view.getUint32(0, true);
  if (count !== expected) throw corrupt(codec, `${count} elements instead of ${expected}`);
  if (count * HEADER > bytes.length) throw corrupt(codec, `${bytes.length} bytes cannot hold ${count} elements`);
  const out = new Array<T>(count);
  let at = HEADER;
  for (let i = 0; i < count; i++) {
    if (at + HEADER > bytes.length) throw corrupt(codec, `element ${i} is cut off`);
    const start = at + HEADER;
    const end = start + view.getUint32(at, true);
    if (end > bytes.length) throw corrupt(codec, `element ${i} is cut off`);
    out[i] = read(bytes.subarray(start, end));
    at = end;
  }
  return out;
}

export function writeElements(elements: readonly Uint8Array[]): Uint8Array {
  const total = elements.reduce((sum, element) => sum + HEADER + element.length, HEADER);
  const out = new Uint8Array(total);
  const view = new DataView(out.buffer);
  view.setUint32(0, elements.length, true);
  let at = HEADER;
  for (const element of elements) {
    view.setUint32(at, element.length, true);
    out.set(element, at + HEADER);
    at += HEADER + element.length;
  }
  return out;
}
