import type { Cursor } from "../cursor.ts";

/** IV.A.2.l Filter Pipeline: one filter, with its client data. */
export interface Filter {
  readonly id: number;
  readonly name: string;
  readonly values: readonly number[];
}

/** Filters in the order in which they were applied. */
export function readFilters(cursor: Cursor): Filter[] {
  const version = cursor.version(1, 2);
  const count = cursor.u8();
  if (count > 32) throw cursor.fail(`${count} filters`);
  if (version === 1) cursor.skip(6);
  return Array.from({ length: count }, () => readFilter(cursor, version));
}

function readFilter(cursor: Cursor, version: number): Filter {
  const id = cursor.u16();
  const nameLength = version === 1 || id >= 256 ? cursor.u16() : 0;
  cursor.u16();
  const count = cursor.u16();
  const name = cursor.text(version === 1 ? Math.ceil(nameLength / 8) * 8 : nameLength);
  const values = Array.from({ length: count }, () => cursor.u32());
  if (version === 1 && count % 2 === 1) cursor.skip(4);
  return { id, name, values };
}
