import type { ArraySpec, Attrs, Block } from "../core/array.ts";
import { allocate, asBytes, asValues, isFloat, type TypedArray } from "../core/dtype.ts";
import { type CfOptions, type CfRules, cfRules, MASKING, PACKING } from "./cf/rules.ts";
import { decodeText, isText, joinsCharacters } from "./cf/text.ts";

export type { CfOptions } from "./cf/rules.ts";

/** A block in the meaning of its attributes. */
export interface DecodedBlock extends Block {
  /** 1 where an integer is missing; absent when none is. Floats say it with NaN. */
  readonly mask?: Uint8Array;
}

/**
 * Applies CF's packing and missing data (sections 2.5 and 8.1) to stored values of any selection of a variable:
 * - packed values become floats, of the type that xarray chooses; missing ones NaN;
 * - unpacked floats keep their type; missing ones NaN;
 * - unpacked integers stay integers, with a mask, and keep the attributes that say what is missing;
 * - characters become strings; the length of the strings, where it is a dimension, must be whole in the block.
 */
export function decodeCf(
  block: Block,
  spec: Pick<ArraySpec, "dtype" | "attrs" | "fill">,
  options: CfOptions = {},
): DecodedBlock {
  if (isText(spec.dtype)) return decodeText(block, spec.attrs);
  const rules = cfRules(spec, options);
  if (rules === undefined) return block;
  const { shape } = block;
  const stored = asValues(rules.stored, asBytes(block.data as TypedArray));
  const mask = missingMask(stored, rules);
  if (!isFloat(rules.target)) {
    return { dtype: rules.target, shape, data: stored, ...(mask === undefined ? {} : { mask }) };
  }
  return { dtype: rules.target, shape, data: unpack(stored, mask, rules) };
}

/** The description that fits `decodeCf`'s blocks. */
export function decodedSpec(spec: ArraySpec, options: CfOptions = {}): ArraySpec {
  if (isText(spec.dtype)) {
    const rank = spec.dims.length - (joinsCharacters(spec.dtype) && spec.dims.length > 0 ? 1 : 0);
    return {
      ...spec,
      dtype: "string",
      dims: spec.dims.slice(0, rank),
      shape: spec.shape.slice(0, rank),
      chunks: spec.chunks.slice(0, rank),
      codecs: [{ name: "vlen-utf8" }],
      fill: "",
      attrs: without(spec.attrs, ["_Encoding", "_FillValue"]),
    };
  }
  const rules = cfRules(spec, options);
  if (rules === undefined) return spec;
  const codecs = [{ name: "bytes", configuration: { endian: "little" } }];
  if (!isFloat(rules.target)) {
    return { ...spec, dtype: rules.target, codecs, attrs: without(spec.attrs, PACKING) };
  }
  const attrs = without(spec.attrs, [...PACKING, ...MASKING]);
  return { ...spec, dtype: rules.target, codecs, fill: Number.NaN, attrs };
}

function without(attrs: Attrs, names: readonly string[]): Attrs {
  return new Map([...attrs].filter(([name]) => !names.includes(name)));
}

function missingMask(values: TypedArray, { missing, min, max }: CfRules): Uint8Array | undefined {
  const count = values.length;
  const mask = new Uint8Array(count);
  let found = 0;
  for (const value of missing) {
    for (let i = 0; i < count; i++) {
      if (values[i] === value) {
        mask[i] = 1;
        found = 1;
      }
    }
  }
  if (min !== undefined || max !== undefined) {
    const low = min ?? Number.NEGATIVE_INFINITY;
    const high = max ?? Number.POSITIVE_INFINITY;
    for (let i = 0; i < count; i++) {
      if (values[i]! < low || values[i]! > high) {
        mask[i] = 1;
        found = 1;
      }
    }
  }
  return found === 1 ? mask : undefined;
}

function unpack(stored: TypedArray, mask: Uint8Array | undefined, rules: CfRules): TypedArray {
  const { scale, offset, target } = rules;
  const count = stored.length;
  const out = allocate(target, count) as Float64Array;
  if (stored instanceof BigInt64Array || stored instanceof BigUint64Array) {
    for (let i = 0; i < count; i++) out[i] = Number(stored[i]);
  } else {
    out.set(stored as Float64Array);
  }
  // In two steps, each rounded to the type of `out`: the last bit is then that of xarray.
  if (scale !== undefined) for (let i = 0; i < count; i++) out[i] = out[i]! * scale;
  if (offset !== undefined) for (let i = 0; i < count; i++) out[i] = out[i]! + offset;
  if (mask !== undefined) for (let i = 0; i < count; i++) if (mask[i] === 1) out[i] = Number.NaN;
  return out;
}
