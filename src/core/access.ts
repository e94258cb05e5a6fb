import type { Block, CodecSpec, Dataset, Variable } from "./array.ts";
import type { Call } from "./principal.ts";
import type { Selection } from "./selection.ts";
import type { View } from "./view.ts";

/** Stored bytes of a chunk as they go out on the raw API. */
export interface RawChunk {
  /** Bytes that a client decodes with the variable's codecs. */
  readonly bytes: Uint8Array;
  /** `raw`: exactly the bytes of the source; `recoded`: decoded and encoded again (cubes of unequal members). */
  readonly source: "raw" | "recoded";
  /** Entity tag of the file that the bytes are of, where it has one. */
  readonly etag?: string;
  /** What `Access.kept` finds it by, and the address of its file. */
  readonly kept?: { readonly key: string; readonly file: string };
  /**
   * Gives the memory of `bytes` back, once and when nothing reads them any more; without it they are left to the
   * collector.
   */
  release?(): void;
}

/** An opened dataset with what the registry knows of it. */
export interface Opened {
  /** Canonical id, also where an alias was asked for. */
  readonly id: string;
  readonly dataset: Dataset;
  /** Address of the source, for people; never used by clients. */
  readonly source: string;
  /** The source lies on tape: faults answer with a long Retry-After. */
  readonly tape: boolean;
  /** When the source last changed, where its store says so. */
  readonly modified?: Date;
}

/** A file that a dataset is made of. */
export interface SourceFile {
  /** The dataset that it is by itself: the very same for a dataset of one file. */
  readonly id: string;
  /** Its address, for people; never used by clients. */
  readonly source: string;
  /** Bytes. */
  readonly size?: number;
}

export interface ListOptions {
  /** Only ids that begin so. */
  readonly prefix?: string;
}

/** All that a protocol may know of the rest of the node. `open` and `list` decide what a principal sees. */
export interface Access {
  /** Canonical ids in code-point order, without those of retracted datasets. */
  list(call: Call, options?: ListOptions): AsyncIterable<string>;
  /** Undefined: no such dataset for this principal. Throws Gone for a retracted one, BadSource for a broken one. */
  open(id: string, call: Call): Promise<Opened | undefined>;
  /** What `open` would answer, where that is known without asking anybody; undefined says nothing. */
  current?(id: string, call: Call): Opened | undefined;
  /** The files that a dataset is made of, as far as they are datasets of their own and no folders. */
  files?(id: string, call: Call): readonly SourceFile[];
  /** The id of the STAC item that describes a dataset, as far as that is known without opening it. */
  item?(id: string, call: Call): string | undefined;
  /** A chunk that `raw` answered, found by its `kept`, as long as it is in memory. */
  kept?(key: string): RawChunk | undefined;
  /** Stored bytes, whole chunks of `spec.chunks` where the codecs need that. Undefined: never written. */
  raw(variable: Variable, chunk: readonly number[], call: Call): Promise<RawChunk | undefined>;
  /** The first two stored bytes of a chunk: enough to make a tape archive stage its file. Undefined: never written. */
  stage(variable: Variable, chunk: readonly number[], call: Call): Promise<Uint8Array | undefined>;
  /** One decoded chunk, cut to the array's extent; missing chunks come as fill. */
  chunk(dataset: Dataset, variable: Variable, chunk: readonly number[], call: Call): Promise<Block>;
  /** Decoded values of an orthogonal selection, bounded by the node's `limits.selection`. Throws TooLarge beyond it. */
  select(dataset: Dataset, variable: Variable, selection: Selection, call: Call): Promise<Block>;
  /** The same in C order piece by piece, in constant memory: blocks are slabs along the slowest dimension. */
  stream(dataset: Dataset, variable: Variable, selection: Selection, call: Call): AsyncIterable<Block>;
  /** One chunk decoded, grown to its whole shape with fill, and encoded with another codec chain. */
  recode(
    dataset: Dataset,
    variable: Variable,
    chunk: readonly number[],
    codecs: readonly CodecSpec[],
    call: Call,
  ): Promise<RawChunk>;
  /** The dataset as a view shows it; the same object as long as it is in use. Throws BadRequest for what it has not. */
  view(dataset: Dataset, view: View, call: Call): Promise<Dataset>;
  /** Encodes a block with a codec chain, as `spec.codecs` names it. */
  encode(block: Block, codecs: readonly CodecSpec[], call: Call): Promise<Uint8Array>;
}
