import type { IoCall } from "../../core/array.ts";
import { badSource, GyreError } from "../../errors.ts";
import type { FileInfo, Files } from "../../files/files.ts";

const BLOCK = 64 * 1024;
/** Directories of a real file take kilobytes; a hostile one makes us read the same bytes again and again. */
const BUDGET = 256 * 1024 * 1024;
/** Blocks kept for the tables of offsets that are read later, tile by tile. */
const KEPT = 8;

/** The bytes of one file in blocks of 64 KiB: metadata that lies together costs one read. */
export class Source {
  readonly url: URL;
  readonly info: FileInfo;
  readonly littleEndian: boolean;
  readonly bigTiff: boolean;
  readonly firstDirectory: number;
  readonly #files: Files;
  readonly #blocks = new Map<number, Promise<Uint8Array>>();
  #budget = BUDGET;

  private constructor(url: URL, info: FileInfo, files: Files, header: Uint8Array) {
    this.url = url;
    this.info = info;
    this.#files = files;
    this.#blocks.set(0, Promise.resolve(header));
    const view = viewOf(header);
    this.littleEndian = header[0] === 0x49;
    this.bigTiff = view.getUint16(2, this.littleEndian) === 43;
    this.firstDirectory = this.bigTiff ? this.wide(view, 8) : view.getUint32(4, this.littleEndian);
  }

  static async open(url: URL, files: Files, call?: IoCall): Promise<Source> {
    const info = await files.head(url, call);
    if (info === undefined) throw new GyreError("NotFound", `${url} is not there`, { source: url.href });
    const match = info.etag === undefined ? {} : { ifMatch: info.etag };
    const header = await files.read(url, { offset: 0, length: BLOCK }, { ...call, ...match });
    if (header === undefined || !isTiff(header)) throw badSource(url, 0, "no TIFF header");
    if (viewOf(header).getUint16(2, header[0] === 0x49) === 43 && header.byteLength < 16) {
      throw badSource(url, 0, "the BigTIFF header is cut off");
    }
    return new Source(url, info, files, header);
  }

  /** Exactly `length` bytes at `offset`; `what` names them in the error when the file does not have them. */
  async read(offset: number, length: number, what: string, call?: IoCall): Promise<Uint8Array> {
    call?.signal?.throwIfAborted();
    if (!(Number.isSafeInteger(offset) && offset >= 0 && length >= 0 && offset + length <= this.info.size)) {
      throw badSource(this.url, offset, `${what} (${length} bytes) end behind the file of ${this.info.size} bytes`);
    }
    this.#budget -= length;
    if (this.#budget < 0) throw badSource(this.url, offset, `${what}: the directories name more than ${BUDGET} bytes`);
    const first = Math.floor(offset / BLOCK);
    const last = Math.floor((offset + length - 1) / BLOCK);
    const bytes =
      last <= first
        ? (await this.#block(first)).subarray(offset - first * BLOCK, offset - first * BLOCK + length)
        : await this.#fetch(offset, length, call);
    if (bytes.byteLength < length) throw badSource(this.url, offset, `${what} are cut off`);
    return bytes;
  }

  /** A 64-bit number as a double. Those beyond 2^53 lie behind any file, and become an error where they are used. */
  wide(view: DataView, at: number): number {
    const value = view.getBigUint64(at, this.littleEndian);
    return value > BigInt(Number.MAX_SAFE_INTEGER) ? Number.MAX_SAFE_INTEGER : Number(value);
  }

  /** Lets go of what opening has read. The budget is for opening alone. */
  release(): void {
    this.#blocks.clear();
    this.#budget = Number.POSITIVE_INFINITY;
  }

  /** Blocks are shared between callers, so that none of them may stop the reading. */
  #block(index: number): Promise<Uint8Array> {
    const known = this.#blocks.get(index);
    if (known !== undefined) return known;
    const reading = this.#fetch(index * BLOCK, BLOCK);
    this.#blocks.set(index, reading);
    reading.catch(() => this.#blocks.get(index) === reading && this.#blocks.delete(index));
    if (this.#blocks.size > KEPT) this.#blocks.delete(this.#blocks.keys().next().value as number);
    return reading;
  }

  async #fetch(offset: number, length: number, call?: IoCall): Promise<Uint8Array> {
    const match = this.info.etag === undefined ? {} : { ifMatch: this.info.etag };
    const bytes = await this.#files.read(this.url, { offset, length }, { ...call, ...match });
    if (bytes === undefined) throw badSource(this.url, offset, "the file vanished");
    return bytes;
  }
}

/** `II` or `MM`, then 42 (TIFF 6.0 section 2) or 43 with 8-byte offsets (BigTIFF). */
export function isTiff(head: Uint8Array): boolean {
  if (head.byteLength < 8) return false;
  const order = head[0]! * 256 + head[1]!;
  if (order !== 0x4949 && order !== 0x4d4d) return false;
  const view = viewOf(head);
  const version = view.getUint16(2, order === 0x4949);
  return version === 42 || (version === 43 && view.getUint16(4, order === 0x4949) === 8);
}

export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
