import type { Cursor } from "../cursor.ts";
import { MOST_DIMENSIONS } from "./dataspace.ts";

/** IV.A.2.i Data Layout. */
export type Layout =
  | { readonly class: "compact"; readonly data: Uint8Array }
  /** Old versions do not say the size. */
  | { readonly class: "contiguous"; readonly address: number | undefined; readonly size: number | undefined }
  | ChunkedLayout
  /** Mappings lie in the global heap. */
  | { readonly class: "virtual"; readonly address: number | undefined; readonly index: number };

export interface ChunkedLayout {
  readonly class: "chunked";
  readonly chunk: readonly number[];
  readonly elementSize: number;
  readonly index: ChunkIndex;
  /** Chunks cut by the edge of the dataset are stored without filters. */
  readonly plainEdges: boolean;
}

/** VII Appendix C: how chunks are found. An undefined address: none is written yet. */
export type ChunkIndex =
  | {
      readonly kind: "btree1" | "implicit" | "fixed-array" | "extensible-array" | "btree2";
      readonly address: number | undefined;
    }
  | {
      readonly kind: "single";
      readonly address: number | undefined;
      /** Stored bytes, when it is filtered. */
      readonly size: number | undefined;
      readonly mask: number;
    };

const PLAIN_EDGES = 0x01;
const FILTERED_SINGLE = 0x02;

export function readLayout(cursor: Cursor): Layout {
  const version = cursor.version(1, 2, 3, 4, 5);
  return version < 3 ? readOldest(cursor) : readByClass(cursor, version);
}

/** Versions 1 and 2. */
function readOldest(cursor: Cursor): Layout {
  const rank = cursor.u8();
  const kind = cursor.u8();
  cursor.skip(5);
  if (rank > MOST_DIMENSIONS + 1) throw cursor.fail(`a layout of ${rank} dimensions`);
  if (kind === 0) {
    cursor.skip(4 * rank);
    return { class: "compact", data: cursor.take(cursor.u32()).slice() };
  }
  const address = cursor.address();
  if (kind === 1) return { class: "contiguous", address, size: undefined };
  if (kind !== 2) throw cursor.fail(`layout class ${kind} is unknown`);
  const sizes = Array.from({ length: rank }, () => cursor.u32());
  return chunked(cursor, sizes, { kind: "btree1", address }, false);
}

function readByClass(cursor: Cursor, version: number): Layout {
  const kind = cursor.u8();
  switch (kind) {
    case 0:
      return { class: "compact", data: cursor.take(cursor.u16()).slice() };
    case 1:
      return { class: "contiguous", address: cursor.address(), size: cursor.length() };
    case 2:
      return version === 3 ? readTreeLayout(cursor) : readIndexedLayout(cursor);
    case 3:
      return { class: "virtual", address: cursor.address(), index: cursor.u32() };
    default:
      throw cursor.fail(`layout class ${kind} is unknown`);
  }
}

function readTreeLayout(cursor: Cursor): Layout {
  const rank = cursor.u8();
  if (rank > MOST_DIMENSIONS + 1) throw cursor.fail(`a layout of ${rank} dimensions`);
  const address = cursor.address();
  const sizes = Array.from({ length: rank }, () => cursor.u32());
  return chunked(cursor, sizes, { kind: "btree1", address }, false);
}

/** Version 4, and 5, which only differs in how wide sizes are inside the index. */
function readIndexedLayout(cursor: Cursor): Layout {
  const flags = cursor.u8();
  const rank = cursor.u8();
  const width = cursor.u8();
  if (rank > MOST_DIMENSIONS + 1 || width < 1 || width > 8) throw cursor.fail(`a layout of ${rank} dimensions`);
  const sizes = Array.from({ length: rank }, () => cursor.uint(width));
  return chunked(cursor, sizes, readIndex(cursor, flags), (flags & PLAIN_EDGES) !== 0);
}

function readIndex(cursor: Cursor, flags: number): ChunkIndex {
  const kind = cursor.u8();
  switch (kind) {
    case 1: {
      const filtered = (flags & FILTERED_SINGLE) !== 0;
      const size = filtered ? cursor.length() : undefined;
      const mask = filtered ? cursor.u32() : 0;
      return { kind: "single", address: cursor.address(), size, mask };
    }
    case 2:
      return { kind: "implicit", address: cursor.address() };
    case 3:
      cursor.skip(1);
      return { kind: "fixed-array", address: cursor.address() };
    case 4:
      cursor.skip(5);
      return { kind: "extensible-array", address: cursor.address() };
    case 5:
      cursor.skip(6);
      return { kind: "btree2", address: cursor.address() };
    default:
      throw cursor.fail(`chunk index ${kind} is unknown`);
  }
}

/** The last "dimension" of a chunk is the element's size. */
function chunked(cursor: Cursor, sizes: readonly number[], index: ChunkIndex, plainEdges: boolean): Layout {
  if (sizes.length < 2 || sizes.some((n) => n === 0)) throw cursor.fail(`chunks of ${sizes.join(" x ")}`);
  return { class: "chunked", chunk: sizes.slice(0, -1), elementSize: sizes.at(-1)!, index, plainEdges };
}
