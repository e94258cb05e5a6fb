import type { Cursor } from "./cursor.ts";
import type { H5File } from "./file.ts";

/** III.D Local Heap: the data segment, in which names lie NUL-terminated. */
export async function readLocalHeap(file: H5File, address: number): Promise<Cursor> {
  const cursor = await file.at(address, 8 + 2 * file.lengthSize + file.offsetSize);
  cursor.expect("HEAP");
  cursor.version(0);
  cursor.skip(3);
  const size = cursor.length();
  cursor.skip(file.lengthSize);
  const segment = cursor.address();
  if (segment === undefined) throw cursor.fail("a local heap without data");
  return file.at(segment, size);
}

/** The name at an offset of the heap. */
export function heapName(heap: Cursor, offset: number): string {
  heap.pos = 0;
  heap.skip(offset);
  return heap.cstring();
}
