import { type FileHandle, open } from "node:fs/promises";

const PIECE = 1 << 18;

/** Text or bytes into a new file, in large pieces. */
export class ByteOutput implements AsyncDisposable {
  readonly #handle: FileHandle;
  #pending: Uint8Array[] = [];
  #length = 0;
  #bytes = 0;

  private constructor(handle: FileHandle) {
    this.#handle = handle;
  }

  static async create(path: string): Promise<ByteOutput> {
    return new ByteOutput(await open(path, "w"));
  }

  /** The bytes are kept until they are written: they are not to be changed. */
  async write(part: string | Uint8Array): Promise<void> {
    const bytes = typeof part === "string" ? Buffer.from(part) : part;
    this.#pending.push(bytes);
    this.#length += bytes.length;
    if (this.#length >= PIECE) await this.#flush();
  }

  /** All is written; how many bytes the file has. */
  async end(): Promise<number> {
    await this.#flush();
    return this.#bytes;
  }

  async #flush(): Promise<void> {
    const bytes = Buffer.concat(this.#pending);
    [this.#pending, this.#length] = [[], 0];
    for (let done = 0; done < bytes.length; ) {
      const { bytesWritten } = await this.#handle.write(bytes, done, bytes.length - done);
      done += bytesWritten;
    }
    this.#bytes += bytes.length;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#handle.close();
  }
}
