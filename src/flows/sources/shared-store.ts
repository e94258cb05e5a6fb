import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { Readable } from "node:stream";
import type { IoCall } from "../../core/array.ts";
import type { FileInfo, Files } from "../../files/files.ts";
import { type Kept, keptSchema } from "./local-cache.ts";

const NOTE = ".json";
const MOST_NOTE = 4096;

/** Fetched files in an object store, where workers of other machines take them from; of each source one state. */
export class SharedStore {
  readonly #files: Files;
  readonly #root: URL;

  constructor(files: Files, root: URL) {
    this.#files = files;
    this.#root = root;
  }

  /** A file is there when its note is, which comes last. */
  async find(key: string, call: IoCall): Promise<{ url: URL; info: FileInfo; kept: Kept } | undefined> {
    const text = await this.#files.read(this.#url(key, NOTE), { offset: 0, length: MOST_NOTE }, call);
    if (text === undefined) return undefined;
    const kept = keptSchema.safeParse(parsed(new TextDecoder().decode(text))).data;
    const url = this.#url(key);
    const info = await this.#files.head(url, call);
    return kept === undefined || info?.size !== kept.bytes ? undefined : { url, info, kept };
  }

  /** Adds the file that lies at `path`, and removes other states of its source. */
  async add(key: string, path: string, digest: string, call: IoCall): Promise<void> {
    const { size } = await stat(path);
    const body = Readable.toWeb(createReadStream(path)) as ReadableStream<Uint8Array>;
    await this.#files.write?.(this.#url(key), body, signalOf(call));
    const note = new TextEncoder().encode(JSON.stringify({ digest, bytes: size } satisfies Kept));
    await this.#files.write?.(this.#url(key, NOTE), note, { ...signalOf(call), contentType: "application/json" });
    const own = new Set([this.#url(key).href, this.#url(key, NOTE).href]);
    for await (const { url } of this.#files.list?.(new URL("./", this.#url(key)), call) ?? []) {
      if (!own.has(url.href)) await this.#files.delete?.(url, call);
    }
  }

  async remove(key: string, call: IoCall): Promise<void> {
    await this.#files.delete?.(this.#url(key, NOTE), call);
    await this.#files.delete?.(this.#url(key), call);
  }

  /** `source-state` lies at `source/state`. */
  #url(key: string, suffix = ""): URL {
    return new URL(`${key.replace("-", "/")}${suffix}`, this.#root);
  }
}

function signalOf({ signal }: IoCall): IoCall {
  return signal === undefined ? {} : { signal };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
