import { GyreError } from "../../errors.ts";

/** Where published JSON Schemas are kept, by the URLs that documents name them by. */
export interface SchemaStore {
  read(url: string): Promise<Uint8Array | undefined>;
  write(url: string, bytes: Uint8Array): Promise<void>;
  /** The URLs, in order. */
  list(): Promise<readonly string[]>;
}

/** What a store needs of a folder or bucket: the part of `Files` that this layer may know. */
export interface SchemaFiles {
  read(url: URL): Promise<Uint8Array | undefined>;
  write?(url: URL, body: Uint8Array): Promise<unknown>;
  list?(prefix: URL): AsyncIterable<{ readonly url: URL }>;
}

/** Longer URLs make file names that some systems refuse. */
const MAX_URL = 180;

/** `https://x/schema.json#` and without the `#` are one schema. */
export function schemaUrl(url: string): string {
  return url.endsWith("#") ? url.slice(0, -1) : url;
}

export class MemorySchemas implements SchemaStore {
  readonly #schemas = new Map<string, Uint8Array>();

  async read(url: string): Promise<Uint8Array | undefined> {
    return this.#schemas.get(schemaUrl(url));
  }

  async write(url: string, bytes: Uint8Array): Promise<void> {
    this.#schemas.set(schemaUrl(url), bytes);
  }

  async list(): Promise<readonly string[]> {
    return [...this.#schemas.keys()].sort();
  }
}

/** Schemas as files of a folder (its URL ends in `/`), named by their percent-encoded URLs. */
export class FileSchemas implements SchemaStore {
  readonly #files: SchemaFiles;
  readonly #folder: URL;

  constructor(files: SchemaFiles, folder: URL) {
    this.#files = files;
    this.#folder = folder;
  }

  async read(url: string): Promise<Uint8Array | undefined> {
    const file = this.#fileOf(url);
    return file === undefined ? undefined : this.#files.read(file);
  }

  async write(url: string, bytes: Uint8Array): Promise<void> {
    const file = this.#fileOf(url);
    if (file === undefined || this.#files.write === undefined)
      throw new GyreError("BadRequest", `${url.slice(0, 200)} cannot be stored here`, { source: this.#folder.href });
    await this.#files.write(file, bytes);
  }

  async list(): Promise<readonly string[]> {
    if (this.#files.list === undefined) return [];
    const found: string[] = [];
    for await (const { url } of this.#files.list(this.#folder)) {
      const name = url.pathname.slice(url.pathname.lastIndexOf("/") + 1);
      if (name.endsWith(".json")) found.push(decodeURIComponent(decodeURIComponent(name.slice(0, -".json".length))));
    }
    return found.sort();
  }

  /** Encoded twice: once for the file's name, once for the URL of that file. */
  #fileOf(url: string): URL | undefined {
    const name = encodeURIComponent(schemaUrl(url));
    return name.length > MAX_URL ? undefined : new URL(`${encodeURIComponent(name)}.json`, this.#folder);
  }
}
