import { FIELD_BYTES, FieldType, type TagNumber } from "../../core/tiff/tags.ts";

/** One tag with its values; text ends in NUL by itself. */
export interface Entry {
  readonly tag: TagNumber;
  readonly type: (typeof FieldType)[keyof typeof FieldType];
  readonly values: string | readonly number[];
}

/** A directory whose offsets are asked for when everything before the data has its place. */
export interface PlannedDirectory {
  readonly entries: readonly Entry[];
}

/**
 * What GDAL's COG driver promises its readers in front of the first directory (its `cog` driver page): directories
 * first, tiles row by row, each with its size before it and its last bytes again behind it.
 */
const PROMISES = [
  "LAYOUT=IFDS_BEFORE_DATA",
  "BLOCK_ORDER=ROW_MAJOR",
  "BLOCK_LEADER=SIZE_AS_UINT4",
  "BLOCK_TRAILER=LAST_4_BYTES_REPEATED",
  // The blank is room for `YES`, with which other software marks a file that it has changed.
  "KNOWN_INCOMPATIBLE_EDITION=NO\n ",
].join("\n");
const GHOST = new TextEncoder().encode(
  `GDAL_STRUCTURAL_METADATA_SIZE=${String(PROMISES.length).padStart(6, "0")} bytes\n${PROMISES}`,
);

/** Bytes of the header and all directories, in little-endian order. Sizes do not depend on the values of offsets. */
export function headerBytes(directories: readonly PlannedDirectory[], bigTiff: boolean): Uint8Array {
  const layout = new Layout(bigTiff);
  const start = layout.even(layout.headerSize + GHOST.byteLength);
  const places: number[] = [];
  let end = start;
  for (const { entries } of directories) {
    places.push(end);
    end = layout.even(end + layout.directorySize(entries));
  }
  const bytes = new Uint8Array(end);
  const view = new DataView(bytes.buffer);
  layout.writeHeader(view, start);
  bytes.set(GHOST, layout.headerSize);
  directories.forEach(({ entries }, i) => {
    layout.writeDirectory(view, places[i]!, entries, places[i + 1] ?? 0);
  });
  return bytes;
}

class Layout {
  readonly #big: boolean;
  readonly headerSize: number;
  /** Bytes of a number of entries, of one entry, and of an offset. */
  readonly #countBytes: number;
  readonly #entryBytes: number;
  readonly #wordBytes: number;

  constructor(bigTiff: boolean) {
    this.#big = bigTiff;
    this.headerSize = bigTiff ? 16 : 8;
    this.#countBytes = bigTiff ? 8 : 2;
    this.#entryBytes = bigTiff ? 20 : 12;
    this.#wordBytes = bigTiff ? 8 : 4;
  }

  even(offset: number): number {
    return offset + (offset % 2);
  }

  directorySize(entries: readonly Entry[]): number {
    const values = entries.map(byteLength).filter((bytes) => bytes > this.#wordBytes);
    const fixed = this.#countBytes + entries.length * this.#entryBytes + this.#wordBytes;
    return values.reduce((sum, bytes) => sum + this.even(bytes), this.even(fixed));
  }

  writeHeader(view: DataView, first: number): void {
    view.setUint16(0, 0x4949, true);
    view.setUint16(2, this.#big ? 43 : 42, true);
    if (this.#big) {
      view.setUint16(4, 8, true);
      this.#word(view, 8, first);
    } else this.#word(view, 4, first);
  }

  writeDirectory(view: DataView, place: number, entries: readonly Entry[], next: number): void {
    const sorted = [...entries].sort((a, b) => a.tag - b.tag);
    if (this.#big) this.#word(view, place, sorted.length);
    else view.setUint16(place, sorted.length, true);
    let at = place + this.#countBytes;
    let values = this.even(at + sorted.length * this.#entryBytes + this.#wordBytes);
    for (const entry of sorted) {
      view.setUint16(at, entry.tag, true);
      view.setUint16(at + 2, entry.type, true);
      this.#word(view, at + 4, countOf(entry));
      const inside = at + 4 + this.#wordBytes;
      const bytes = byteLength(entry);
      if (bytes <= this.#wordBytes) writeValues(view, inside, entry);
      else {
        this.#word(view, inside, values);
        writeValues(view, values, entry);
        values += this.even(bytes);
      }
      at += this.#entryBytes;
    }
    this.#word(view, at, next);
  }

  #word(view: DataView, at: number, value: number): void {
    if (this.#big) view.setBigUint64(at, BigInt(value), true);
    else view.setUint32(at, value, true);
  }
}

function countOf({ values }: Entry): number {
  return typeof values === "string" ? Buffer.byteLength(values) + 1 : values.length;
}

function byteLength(entry: Entry): number {
  return countOf(entry) * FIELD_BYTES[entry.type]!;
}

function writeValues(view: DataView, at: number, { type, values }: Entry): void {
  if (typeof values === "string") {
    new Uint8Array(view.buffer, at).set(Buffer.from(values));
    return;
  }
  const width = FIELD_BYTES[type]!;
  for (const [i, value] of values.entries()) {
    const place = at + i * width;
    if (type === FieldType.SHORT) view.setUint16(place, value, true);
    else if (type === FieldType.LONG) view.setUint32(place, value, true);
    else if (type === FieldType.LONG8) view.setBigUint64(place, BigInt(value), true);
    else if (type === FieldType.DOUBLE) view.setFloat64(place, value, true);
    else view.setUint8(place, value);
  }
}
