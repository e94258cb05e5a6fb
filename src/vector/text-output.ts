import { type FileHandle, open } from "node:fs/promises";

const PIECE = 1 << 18;

/** Text, or bytes, into a new file in large pieces. */
export class TextOutput implements AsyncDisposable {
  readonly #handle: FileHandle;
  #pending: string[] = [];
  #length = 0;
  #bytes = 0;

  private constructor(handle: FileHandle) {
    this.#handle = handle;
  }

  static async create(path: string): Promise<TextOutput> {
    return new TextOutput(await open(path, "w"));
  }

  async write(text: string): Promise<void> {
    this.#pending.push(text);
    this.#length += text.length;
    if (this.#length >= PIECE) await this.#flush();
  }

  /** All is written; how many bytes the file has. */
  async end(): Promise<number> {
    await this.#flush();
    return this.#bytes;
  }

  async #flush(): Promise<void> {
    const bytes = Buffer.from(this.#pending.join(""));
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
