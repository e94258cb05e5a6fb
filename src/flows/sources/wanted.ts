import { createHash, type Hash } from "node:crypto";
import { badSource } from "../../errors.ts";

/** A file that a processor needs, and what is known of it beforehand. */
export interface Wanted {
  readonly url: URL;
  /** `sha256:...`, `sha1:...` or `md5:...`. */
  readonly checksum?: string;
  /** Bytes. */
  readonly size?: number;
}

/** Hashes of a file while it goes by: the one that is kept of every file, and the one that was promised. */
export class Checksums {
  readonly #sha256 = createHash("sha256");
  readonly #promised: { readonly text: string; readonly algorithm: string; readonly hash: Hash } | undefined;

  constructor(checksum?: string) {
    const algorithm = checksum?.slice(0, checksum.indexOf(":"));
    if (checksum !== undefined && algorithm !== undefined) {
      this.#promised = { text: checksum, algorithm, hash: createHash(algorithm) };
    }
  }

  update(part: Uint8Array): void {
    this.#sha256.update(part);
    this.#promised?.hash.update(part);
  }

  /** `sha256:...` of all that went by. Throws BadSource when it is not what was promised. */
  finish(source: URL | string): string {
    if (this.#promised !== undefined) {
      const { text, algorithm, hash } = this.#promised;
      const found = `${algorithm}:${hash.digest("hex")}`;
      if (found !== text) throw badSource(source, undefined, `has the checksum ${found}, not ${text}`);
    }
    return `sha256:${this.#sha256.digest("hex")}`;
  }
}

/** A short name for texts, safe as the name of a file. */
export function keyOf(...texts: readonly string[]): string {
  return createHash("sha256").update(JSON.stringify(texts)).digest("hex").slice(0, 32);
}
