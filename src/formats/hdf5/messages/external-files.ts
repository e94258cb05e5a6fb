import type { Cursor } from "../cursor.ts";

/** IV.A.2.h External Data Files: contiguous data that other files hold, slot after slot. */
export interface ExternalFiles {
  /** Address of the local heap that holds the names. */
  readonly heap: number;
  readonly slots: readonly Slot[];
}

export interface Slot {
  /** Offset of the file's name in the heap. */
  readonly name: number;
  readonly offset: number;
  /** Infinity: to the end of that file. */
  readonly size: number;
}

export function readExternalFiles(cursor: Cursor): ExternalFiles {
  cursor.version(1);
  cursor.skip(5);
  const used = cursor.u16();
  const heap = cursor.address();
  if (heap === undefined) throw cursor.fail("external files without a heap of names");
  const slots = Array.from({ length: used }, () => ({
    name: cursor.length(),
    offset: cursor.length(),
    size: cursor.limit(),
  }));
  return { heap, slots };
}
