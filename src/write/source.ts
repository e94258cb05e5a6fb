import type { ArraySpec, Block, CodecSpec, Group, IoCall } from "../core/array.ts";
import type { Values } from "../core/dtype.ts";

/** A variable to write: its description, and its values when they are asked for. */
export interface SourceVariable {
  /** Path, as in a `Dataset`. */
  readonly name: string;
  readonly spec: ArraySpec;
  /**
   * All values in C order, in blocks of any size whose values follow each other. Must answer the same when it is
   * called again: a writer that needs sizes first and cannot keep the values asks twice.
   */
  blocks(call?: IoCall): AsyncIterable<Block>;
}

/** What a writer writes; the attributes and dimensions of the root are its own. */
export interface Source extends Group {
  readonly groups: ReadonlyMap<string, Group>;
  readonly variables: ReadonlyMap<string, SourceVariable>;
}

/** Encodes chunks; `codecs/pool.ts` makes one. */
export interface Encoder {
  encode(
    codecs: readonly CodecSpec[],
    meta: { readonly dtype: ArraySpec["dtype"]; readonly shape: readonly number[] },
    values: Values,
    shape?: readonly number[],
    call?: IoCall,
  ): Promise<Uint8Array>;
}

/** A variable whose values are at hand. */
export function inMemory(name: string, spec: ArraySpec, data: Values): SourceVariable {
  return {
    name,
    spec,
    async *blocks() {
      yield { dtype: spec.dtype, shape: spec.shape, data };
    },
  };
}
