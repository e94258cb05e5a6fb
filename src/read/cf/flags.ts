import type { Attrs } from "../../core/array.ts";
import { numericAttr, textAttr } from "../../core/attrs.ts";

/** One meaning of a flag variable (CF 3.5): it holds where `value & mask` equals `value`'s bits. */
export interface Flag {
  readonly meaning: string;
  /** All bits for a list of exclusive values. */
  readonly mask: number | undefined;
  readonly value: number;
}

/** The flags that `flag_meanings` with `flag_values`, `flag_masks` or both define; undefined for other variables. */
export function flagsOf(attrs: Attrs): readonly Flag[] | undefined {
  const meanings = textAttr(attrs, "flag_meanings")?.trim().split(/\s+/);
  const values = numericAttr(attrs, "flag_values");
  const masks = numericAttr(attrs, "flag_masks");
  if (meanings === undefined || (values === undefined && masks === undefined)) return undefined;
  const count = Math.min(meanings.length, values?.length ?? Infinity, masks?.length ?? Infinity);
  // Masks alone are single bits that are set or not; with values they cut out a field of bits.
  return meanings
    .slice(0, count)
    .map((meaning, i) => ({ meaning, mask: masks?.[i], value: values?.[i] ?? (masks as number[])[i]! }));
}

/** The meanings that hold for one stored value, in the order of their definition. */
export function flagMeanings(flags: readonly Flag[], value: number): string[] {
  return flags
    .filter((flag) =>
      flag.mask === undefined ? value === flag.value : (value & flag.mask) === (flag.value & flag.mask),
    )
    .map((flag) => flag.meaning);
}
