/** What the records of one entry say. */
export interface Header {
  readonly name: Uint8Array;
  readonly modified: Date;
  /** Sizes and checksum come behind the bytes, in a data descriptor. */
  readonly isOpen: boolean;
  readonly isDeflated: boolean;
  /** Its sizes have eight bytes. */
  readonly is64: boolean;
  readonly size: number;
  readonly compressed: number;
  readonly crc32: number;
}

/** From here on a field of four bytes says only that the value is elsewhere. */
export const NEEDS_64 = 0xffffffff;
const MANY_ENTRIES = 0xffff;
const FLAG_DESCRIPTOR = 1 << 3;
const FLAG_UTF8 = 1 << 11;
const MADE_BY_UNIX = 3 << 8;
const VERSION_64 = 45;
const VERSION_DEFLATE = 20;
const REGULAR_FILE = 0o100644 * 0x10000;

/** 4.3.7. Zip64 sizes stand in an extra field (4.5.3), for which the other ones make room. */
export function localHeader(header: Header): Uint8Array {
  const { name, is64, size, compressed, crc32 } = header;
  const out = new Writer(30 + name.byteLength + (is64 ? 20 : 0));
  out.u32(0x04034b50);
  out.u16(is64 ? VERSION_64 : VERSION_DEFLATE);
  common(out, header);
  out.u32(crc32);
  out.u32(is64 ? NEEDS_64 : compressed);
  out.u32(is64 ? NEEDS_64 : size);
  out.u16(name.byteLength);
  out.u16(is64 ? 20 : 0);
  out.bytes(name);
  if (is64) extra64(out, [size, compressed]);
  return out.done();
}

/** 4.3.9. */
export function descriptor({ is64, size, compressed, crc32 }: Header): Uint8Array {
  const out = new Writer(is64 ? 24 : 16);
  out.u32(0x08074b50);
  out.u32(crc32);
  for (const value of [compressed, size]) {
    if (is64) out.u64(value);
    else out.u32(value);
  }
  return out.done();
}

/** 4.3.12. */
export function centralEntry(header: Header, offset: number): Uint8Array {
  const { name, size, compressed, crc32 } = header;
  const values = [size, compressed, offset].filter((value) => value >= NEEDS_64);
  const extra = values.length === 0 ? 0 : 4 + 8 * values.length;
  const out = new Writer(46 + name.byteLength + extra);
  out.u32(0x02014b50);
  out.u16(MADE_BY_UNIX | VERSION_64);
  out.u16(header.is64 || extra > 0 ? VERSION_64 : VERSION_DEFLATE);
  common(out, header);
  out.u32(crc32);
  out.u32(Math.min(compressed, NEEDS_64));
  out.u32(Math.min(size, NEEDS_64));
  out.u16(name.byteLength);
  out.u16(extra);
  // Comment, disk, internal attributes.
  for (let i = 0; i < 3; i++) out.u16(0);
  out.u32(REGULAR_FILE);
  out.u32(Math.min(offset, NEEDS_64));
  out.bytes(name);
  if (extra > 0) extra64(out, values);
  return out.done();
}

/** 4.3.14 to 4.3.16. */
export function endRecords(entries: number, offset: number, length: number): Uint8Array {
  const is64 = entries >= MANY_ENTRIES || offset >= NEEDS_64 || length >= NEEDS_64;
  const out = new Writer(is64 ? 98 : 22);
  if (is64) {
    out.u32(0x06064b50);
    out.u64(44);
    out.u16(MADE_BY_UNIX | VERSION_64);
    out.u16(VERSION_64);
    out.u32(0);
    out.u32(0);
    for (const value of [entries, entries, length, offset]) out.u64(value);
    out.u32(0x07064b50);
    out.u32(0);
    out.u64(offset + length);
    out.u32(1);
  }
  out.u32(0x06054b50);
  out.u16(0);
  out.u16(0);
  for (let i = 0; i < 2; i++) out.u16(Math.min(entries, MANY_ENTRIES));
  out.u32(Math.min(length, NEEDS_64));
  out.u32(Math.min(offset, NEEDS_64));
  out.u16(0);
  return out.done();
}

/** Flags, method and time, which both headers of an entry have. */
function common(out: Writer, { isOpen, isDeflated, modified }: Header): void {
  out.u16(FLAG_UTF8 | (isOpen ? FLAG_DESCRIPTOR : 0));
  out.u16(isDeflated ? 8 : 0);
  // MS-DOS time begins in 1980, has two seconds a step and no zone: UTC, so that archives are alike everywhere.
  const time = modified.getUTCFullYear() < 1980 ? new Date(Date.UTC(1980, 0, 1)) : modified;
  out.u16((time.getUTCHours() << 11) | (time.getUTCMinutes() << 5) | (time.getUTCSeconds() >> 1));
  out.u16(((time.getUTCFullYear() - 1980) << 9) | ((time.getUTCMonth() + 1) << 5) | time.getUTCDate());
}

function extra64(out: Writer, values: readonly number[]): void {
  out.u16(1);
  out.u16(8 * values.length);
  for (const value of values) out.u64(value);
}

/** Little-endian fields, one after the other. */
class Writer {
  readonly #view: DataView;
  #at = 0;

  constructor(length: number) {
    this.#view = new DataView(new ArrayBuffer(length));
  }

  u16(value: number): void {
    this.#view.setUint16(this.#at, value, true);
    this.#at += 2;
  }

  u32(value: number): void {
    this.#view.setUint32(this.#at, value, true);
    this.#at += 4;
  }

  u64(value: number): void {
    this.#view.setBigUint64(this.#at, BigInt(value), true);
    this.#at += 8;
  }

  bytes(value: Uint8Array): void {
    new Uint8Array(this.#view.buffer).set(value, this.#at);
    this.#at += value.byteLength;
  }

  done(): Uint8Array {
    return new Uint8Array(this.#view.buffer);
  }
}
