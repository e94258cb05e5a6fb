import { verifyChecksum } from "./checksum.ts";
import { Cursor } from "./cursor.ts";
import type { StoredDataset } from "./dataset.ts";
import { GlobalHeap } from "./global-heap.ts";
import type { Layout } from "./messages/layout.ts";
import { type Axis, axisCount, readSelection, type Selection } from "./selection.ts";

/** A part of a virtual dataset and where it comes from. */
export interface Mapping {
  /** "." is the virtual dataset's own file. */
  readonly file: string;
  readonly path: string;
  readonly source: Selection;
  /** One axis per dimension of the virtual dataset. */
  readonly target: readonly Axis[];
}

const MOST_MAPPINGS = 200_000;
const SHARED_FILE = 0x01;
const SHARED_PATH = 0x02;
const SAME_FILE = 0x04;

/** IV.A.2.i: the global heap object of a virtual layout. */
export async function readMappings(
  dataset: StoredDataset,
  layout: Extract<Layout, { class: "virtual" }>,
): Promise<Mapping[]> {
  if (layout.address === undefined) return [];
  const { file, space } = dataset;
  const heap = new GlobalHeap(file);
  await heap.load([layout.address]);
  const cursor = new Cursor(heap.get(layout.address, layout.index), file, file.offset(layout.address));
  const version = cursor.version(0, 1);
  const count = cursor.length();
  if (count > MOST_MAPPINGS) throw cursor.fail(`${count} mappings of a virtual dataset`);
  const mappings: Mapping[] = [];
  const raw: { file: string; path: string }[] = [];
  for (let i = 0; i < count; i++) {
    const name =
      version === 0 ? { file: cursor.cstring(), path: cursor.cstring() } : readNames(cursor, file.lengthSize, raw);
    raw.push(name);
    const source = readSelection(cursor);
    const target = readSelection(cursor) ?? space.shape.map(wholeAxis);
    if (target.length !== space.shape.length) throw cursor.fail("a mapping of the wrong number of dimensions");
    for (const mapping of expand({ ...name, source, target }, space.shape)) mappings.push(mapping);
    if (mappings.length > MOST_MAPPINGS) throw cursor.fail("too many mappings of a virtual dataset");
  }
  verifyChecksum(cursor);
  return mappings;
}

/** Version 1 says by flags which names repeat those of an earlier entry, or are the file itself. */
function readNames(cursor: Cursor, lengthSize: number, before: readonly { file: string; path: string }[]) {
  const flags = cursor.u8();
  const earlier = (): { file: string; path: string } => {
    const entry = before[cursor.uint(lengthSize)];
    if (entry === undefined) throw cursor.fail("a mapping repeats the names of one that is not before it");
    return entry;
  };
  const file = flags & SAME_FILE ? "." : flags & SHARED_FILE ? earlier().file : cursor.cstring();
  const path = flags & SHARED_PATH ? earlier().path : cursor.cstring();
  return { file, path };
}

export function wholeAxis(size: number): Axis {
  return { start: 0, stride: Math.max(size, 1), count: 1, block: size };
}

/** "%b" in a name stands for the number of a block along the unlimited dimension: one mapping for each block. */
function* expand(mapping: Mapping, shape: readonly number[]): Generator<Mapping> {
  const { file, path, target } = mapping;
  const along = target.findIndex(({ count }) => count === Number.POSITIVE_INFINITY);
  if (along < 0 || !(file.includes("%b") || path.includes("%b"))) {
    yield { ...mapping, file: unescaped(file), path: unescaped(path) };
    return;
  }
  const axis = target[along]!;
  const name = (text: string, i: number): string => text.replace(/%[b%]/g, (mark) => (mark === "%b" ? String(i) : "%"));
  const step = Math.max(1, axis.stride);
  for (let i = 0; axis.start + i * step < shape[along]! && i < MOST_MAPPINGS; i++) {
    const only = { start: axis.start + i * step, stride: step, count: 1, block: axis.block };
    yield { ...mapping, file: name(file, i), path: name(path, i), target: target.with(along, only) };
  }
}

function unescaped(text: string): string {
  return text.replaceAll("%%", "%");
}

/** Elements that a mapping selects along each dimension of the virtual dataset. */
export function targetCounts({ target }: Mapping, shape: readonly number[]): number[] {
  return target.map((axis, d) => axisCount(axis, shape[d]!));
}
