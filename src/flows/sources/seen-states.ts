import { z } from "zod";
import type { IoCall } from "../../core/array.ts";
import { badSource } from "../../errors.ts";
import type { FileInfo, Files } from "../../files/files.ts";
import type { Clock } from "../../files/transport.ts";
import { keyOf } from "./wanted.ts";

export interface SeenStatesOptions {
  readonly files: Files;
  readonly root: URL;
  /** How long a state is believed, in milliseconds. */
  readonly maxAgeMs: number;
  readonly clock: Clock;
}

const MOST_NOTE = 16_384;
const note = z.object({
  url: z.string(),
  checked: z.number(),
  size: z.int().min(0),
  etag: z.string().optional(),
  modified: z.coerce.date().optional(),
});

/**
 * What was last found out about sources. All workers believe the same for the same time: a job that one of them begins is
 * made by another, who must not see another state of its source.
 */
export class SeenStates {
  readonly #options: SeenStatesOptions;

  constructor(options: SeenStatesOptions) {
    this.#options = options;
  }

  /** Throws BadSource when the file is not there. */
  async get(url: URL, files: Files, call: IoCall): Promise<FileInfo> {
    const { clock, maxAgeMs } = this.#options;
    const seen = await this.#read(url, call);
    if (seen !== undefined && Math.abs(clock.now() - seen.checked) < maxAgeMs) return infoOf(seen);
    return this.look(url, files, call);
  }

  /** Asks the source itself. */
  async look(url: URL, files: Files, call: IoCall): Promise<FileInfo> {
    const info = await files.head(url, call);
    if (info === undefined) throw badSource(url, undefined, "is not there");
    const text = JSON.stringify({ ...info, url: url.href, checked: this.#options.clock.now() });
    await this.#options.files.write?.(this.#place(url), new TextEncoder().encode(text), { isCache: true });
    return info;
  }

  async forget(url: URL): Promise<void> {
    await this.#options.files.delete?.(this.#place(url));
  }

  async #read(url: URL, call: IoCall): Promise<z.output<typeof note> | undefined> {
    const bytes = await this.#options.files.read(this.#place(url), { offset: 0, length: MOST_NOTE }, call);
    if (bytes === undefined) return undefined;
    try {
      const found = note.safeParse(JSON.parse(new TextDecoder().decode(bytes))).data;
      return found?.url === url.href ? found : undefined;
    } catch {
      return undefined;
    }
  }

  #place(url: URL): URL {
    return new URL(`seen/${keyOf(url.href)}.json`, this.#options.root);
  }
}

function infoOf({ size, etag, modified }: z.output<typeof note>): FileInfo {
  return { size, ...(etag !== undefined && { etag }), ...(modified !== undefined && { modified }) };
}
