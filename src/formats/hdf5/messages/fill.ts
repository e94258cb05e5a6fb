import type { Cursor } from "../cursor.ts";

/** IV.A.2.f Fill Value: the bytes of one element; undefined where the file leaves it to the default, zeros. */
export function readFill(cursor: Cursor): Uint8Array | undefined {
  const version = cursor.version(1, 2, 3);
  if (version === 3) {
    const flags = cursor.u8();
    return flags & 0x20 ? value(cursor) : undefined;
  }
  cursor.skip(2);
  const defined = cursor.u8() !== 0;
  return defined || version === 1 ? value(cursor) : undefined;
}

/** IV.A.2.e Fill Value (Old). */
export function readOldFill(cursor: Cursor): Uint8Array | undefined {
  return value(cursor);
}

function value(cursor: Cursor): Uint8Array | undefined {
  const size = cursor.left >= 4 ? cursor.u32() : 0;
  // A size of "-1" also says that there is none.
  return size === 0 || size === 0xffffffff ? undefined : cursor.take(size).slice();
}
