import type { CodecRegistry } from "../codecs/codec.ts";
import type { Dataset, IoCall } from "../core/array.ts";
import type { Files } from "../files/files.ts";

/** What can be known of a source without asking it more: its address and its first bytes, or a folder's entries. */
export interface Hint {
  readonly url: URL;
  /** First bytes of a file, 65,536 when there are so many; empty for a folder (`url` ends in `/`). */
  readonly head: Uint8Array;
  /** Names in the folder that matter for recognition (`zarr.json`, `.zgroup`, ...); folders end in `/`. */
  readonly entries?: ReadonlySet<string>;
  readonly mediaType?: string;
}

/** What a format may use. Formats find bytes and describe them; they decode only what their own metadata needs. */
export interface FormatContext {
  readonly files: Files;
  /** The file's first bytes, where they have been read to recognise it; held to the same state as `files`. */
  readonly head?: Uint8Array;
  readonly codecs: CodecRegistry;
  /** Opens another source (external links, virtual datasets, members), inside the allowed prefixes only. */
  open(url: URL, call?: IoCall): Promise<Dataset>;
}

export interface Format {
  readonly name: string;
  /** One line for `docs/support.md`. */
  readonly summary: string;
  /** Usual suffixes, for people and for the order of sniffing; recognition is by content. */
  readonly suffixes: readonly string[];
  /** Without any I/O. */
  sniff(hint: Hint): boolean;
  /** Reads the metadata only, by ranges. Throws BadSource naming file, offset and reason. */
  open(url: URL, context: FormatContext, call?: IoCall): Promise<Dataset>;
}
