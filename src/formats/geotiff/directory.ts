import type { IoCall } from "../../core/array.ts";
import { FIELD_BYTES, FieldType, Tag } from "../../core/tiff/tags.ts";
import { badSource } from "../../errors.ts";
import { decodeText } from "../text.ts";
import { type Source, viewOf } from "./source.ts";

/** Directories read at most: above that a file is an animation, not a raster. */
const MOST_DIRECTORIES = 4096;
const KNOWN: ReadonlySet<number> = new Set(Object.values(Tag));

/** A field of a directory: its values lie at `offset` in the file (in the entry itself when they fit there). */
export interface Field {
  readonly type: number;
  readonly count: number;
  readonly offset: number;
}

/** An image file directory (TIFF 6.0 section 2), with the fields that matter here. */
export interface Directory {
  readonly offset: number;
  readonly fields: ReadonlyMap<number, Field>;
}

/** All directories: the chain, with each one's sub-directories behind it. A chain that bites its tail ends there. */
export async function readDirectories(source: Source, call?: IoCall): Promise<Directory[]> {
  const found: Directory[] = [];
  const seen = new Set<number>();
  let next = source.firstDirectory;
  while (next !== 0 && !seen.has(next) && found.length < MOST_DIRECTORIES) {
    seen.add(next);
    const { directory, following } = await readDirectory(source, next, call);
    found.push(directory);
    const children = directory.fields.get(Tag.SubIFDs);
    if (children !== undefined && children.count > MOST_DIRECTORIES) {
      throw badSource(source.url, children.offset, `${children.count} sub-directories`);
    }
    for (const offset of children === undefined ? [] : await readNumbers(source, children, call)) {
      if (seen.has(offset) || found.length >= MOST_DIRECTORIES) continue;
      seen.add(offset);
      found.push((await readDirectory(source, offset, call)).directory);
    }
    next = following;
  }
  if (found.length === 0) throw badSource(source.url, 4, "no image file directory");
  return found;
}

async function readDirectory(
  source: Source,
  offset: number,
  call?: IoCall,
): Promise<{ directory: Directory; following: number }> {
  const { bigTiff, littleEndian } = source;
  const countBytes = bigTiff ? 8 : 2;
  const entryBytes = bigTiff ? 20 : 12;
  const head = viewOf(await source.read(offset, countBytes, "a directory", call));
  const count = bigTiff ? source.wide(head, 0) : head.getUint16(0, littleEndian);
  if (count === 0 || count > 65535) throw badSource(source.url, offset, `a directory of ${count} entries`);
  const body = offset + countBytes;
  const pointerBytes = bigTiff ? 8 : 4;
  const view = viewOf(await source.read(body, count * entryBytes + pointerBytes, "directory entries", call));
  const fields = new Map<number, Field>();
  for (let i = 0, at = 0; i < count; i++, at += entryBytes) {
    const tag = view.getUint16(at, littleEndian);
    if (!KNOWN.has(tag) || fields.has(tag)) continue;
    const type = view.getUint16(at + 2, littleEndian);
    const number = bigTiff ? source.wide(view, at + 4) : view.getUint32(at + 4, littleEndian);
    const bytes = number * (FIELD_BYTES[type] ?? 0);
    if (bytes === 0) continue;
    const valueAt = at + (bigTiff ? 12 : 8);
    const where = bigTiff ? source.wide(view, valueAt) : view.getUint32(valueAt, littleEndian);
    fields.set(tag, { type, count: number, offset: bytes <= pointerBytes ? body + valueAt : where });
  }
  const last = count * entryBytes;
  return {
    directory: { offset, fields },
    following: bigTiff ? source.wide(view, last) : view.getUint32(last, littleEndian),
  };
}

/** Bytes of a field, checked against the file before they are asked for. */
export function readBytes(source: Source, field: Field, call?: IoCall): Promise<Uint8Array> {
  const length = field.count * FIELD_BYTES[field.type]!;
  return source.read(field.offset, length, "values of a field", call);
}

/** A field's text without its closing NULs. */
export async function readText(source: Source, field: Field, call?: IoCall): Promise<string> {
  return textOf(await readBytes(source, field, call));
}

/** The text of an ASCII value without its closing NULs. */
export function textOf(bytes: Uint8Array): string {
  let end = bytes.byteLength;
  while (end > 0 && bytes[end - 1] === 0) end--;
  return decodeText(bytes.subarray(0, end));
}

export async function readNumbers(source: Source, field: Field, call?: IoCall): Promise<number[]> {
  return decodeNumbers(source, field.type, await readBytes(source, field, call));
}

/** Values of a field as doubles: fractions divided, 64-bit integers kept below 2^53. */
export function decodeNumbers(source: Source, type: number, bytes: Uint8Array): number[] {
  const view = viewOf(bytes);
  const width = FIELD_BYTES[type]!;
  const get = getter(source, view, type);
  const numbers = new Array<number>(Math.floor(bytes.byteLength / width));
  for (let i = 0; i < numbers.length; i++) numbers[i] = get(i * width);
  return numbers;
}

function getter(source: Source, view: DataView, type: number): (at: number) => number {
  const little = source.littleEndian;
  switch (type) {
    case FieldType.SHORT:
      return (at) => view.getUint16(at, little);
    case FieldType.LONG:
    case FieldType.IFD:
      return (at) => view.getUint32(at, little);
    case FieldType.LONG8:
    case FieldType.IFD8:
      return (at) => source.wide(view, at);
    case FieldType.SLONG8:
      return (at) => Number(view.getBigInt64(at, little));
    case FieldType.RATIONAL:
      return (at) => view.getUint32(at, little) / view.getUint32(at + 4, little);
    case FieldType.SRATIONAL:
      return (at) => view.getInt32(at, little) / view.getInt32(at + 4, little);
    case FieldType.SBYTE:
      return (at) => view.getInt8(at);
    case FieldType.SSHORT:
      return (at) => view.getInt16(at, little);
    case FieldType.SLONG:
      return (at) => view.getInt32(at, little);
    case FieldType.FLOAT:
      return (at) => view.getFloat32(at, little);
    case FieldType.DOUBLE:
      return (at) => view.getFloat64(at, little);
    default:
      return (at) => view.getUint8(at);
  }
}
