import type { Opened, RawChunk } from "../core/access.ts";

/** The answer to a chunk's address: what `Access.kept` finds its bytes by, and the headers as they are written. */
export interface Prepared {
  readonly kept: string;
  readonly headers: readonly string[];
}

interface Entry extends Prepared {
  readonly version: string;
  /** What the dataset was open as, where its version does not say that the chunk's file is what it was. */
  readonly opened: WeakRef<Opened> | undefined;
}

const MOST = 16_384;

/** Answers of 200 that were given lately: the next one to the same address is written as it is. */
export class PreparedAnswers {
  readonly #entries = new Map<string, Entry>();

  find(url: string, opened: Opened): Prepared | undefined {
    const known = this.#entries.get(url);
    if (known === undefined || known.version !== opened.dataset.version) return undefined;
    return known.opened === undefined || known.opened.deref() === opened ? known : undefined;
  }

  add(url: string, opened: Opened, kept: NonNullable<RawChunk["kept"]>, headers: readonly string[]): void {
    // A dataset is opened as what its own file is; what else it refers to may change meanwhile.
    const isOwn = kept.file === opened.source;
    const { version } = opened.dataset;
    this.#entries.delete(url);
    this.#entries.set(url, { kept: kept.key, headers, version, opened: isOwn ? undefined : new WeakRef(opened) });
    if (this.#entries.size > MOST) this.#entries.delete(this.#entries.keys().next().value as string);
  }
}
