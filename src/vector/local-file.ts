import { type FileHandle, open } from "node:fs/promises";
import { basename } from "node:path";
import { badSource, GyreError } from "../errors.ts";

/** A file on this machine, read by ranges that are checked against its size. */
export class LocalFile implements AsyncDisposable {
  readonly path: string;
  readonly size: number;
  readonly #handle: FileHandle;

  private constructor(path: string, size: number, handle: FileHandle) {
    this.path = path;
    this.size = size;
    this.#handle = handle;
  }

  static async open(path: string): Promise<LocalFile> {
    const handle = await open(path).catch((cause: NodeJS.ErrnoException) => {
      if (cause.code !== "ENOENT") throw cause;
      throw new GyreError("NotFound", `${basename(path)} is not there`, { cause });
    });
    const info = await handle.stat();
    if (info.isFile()) return new LocalFile(path, info.size, handle);
    await handle.close();
    throw new GyreError("Unsupported", `${basename(path)} is no file`);
  }

  /** What errors call it: no one need know where sources are kept. */
  get name(): string {
    return basename(this.path);
  }

  /** Exactly so many bytes, in memory of their own. */
  async read(offset: number, length: number): Promise<Uint8Array<ArrayBuffer>> {
    if (!(offset >= 0 && length >= 0 && offset + length <= this.size))
      throw badSource(this.name, offset, `${length} bytes are not there: cut off`);
    const bytes = new Uint8Array(length);
    for (let done = 0; done < length; ) {
      const { bytesRead } = await this.#handle.read(bytes, done, length - done, offset + done);
      if (bytesRead === 0) throw badSource(this.name, offset, "the file became shorter while it was read");
      done += bytesRead;
    }
    return bytes;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#handle.close();
  }
}

/** Reads a file in order in large pieces, and lends views of them until the next read. */
export class SequentialReader {
  readonly #file: LocalFile;
  readonly #piece: number;
  #bytes: Uint8Array<ArrayBuffer> = new Uint8Array(0);
  /** Where `#bytes` begins. */
  #start = 0;

  constructor(file: LocalFile, piece = 1 << 20) {
    this.#file = file;
    this.#piece = piece;
  }

  async read(offset: number, length: number): Promise<Uint8Array<ArrayBuffer>> {
    const at = offset - this.#start;
    if (at < 0 || at + length > this.#bytes.length) {
      const most = Math.max(length, Math.min(this.#piece, this.#file.size - offset));
      this.#bytes = await this.#file.read(offset, most);
      this.#start = offset;
      return this.#bytes.subarray(0, length);
    }
    return this.#bytes.subarray(at, at + length);
  }
}
