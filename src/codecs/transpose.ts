import { product, strides } from "../core/array.ts";
import type { Values } from "../core/dtype.ts";
import { entriesPerElement } from "../core/dtype.ts";
import type { CodecEntry } from "./codec.ts";
import type { Configuration } from "./configuration.ts";
import { integersOption } from "./configuration.ts";
import { corrupt } from "./failure.ts";

/** Zarr v3 `transpose`: axis `i` of the stored chunk is axis `order[i]` of the array. `F` reverses all axes. */
export const transpose: CodecEntry = {
  name: "transpose",
  kind: "array-array",
  summary: "axes in another order (Fortran order too)",
  encodes: true,
  create(configuration, { dtype, shape }) {
    const order = axes(configuration, shape.length);
    const inverse = order.map((_, axis) => order.indexOf(axis));
    const stored = order.map((axis) => shape[axis]!);
    const width = entriesPerElement(dtype);
    return {
      kind: "array-array",
      encoded: { dtype, shape: stored },
      encode: ({ data }) => ({ dtype, shape: stored, data: reorder(data, shape, order, width) }),
      decode: ({ data }) => ({ dtype, shape, data: reorder(data, stored, inverse, width) }),
    };
  },
};

function axes(configuration: Configuration, rank: number): number[] {
  const natural = Array.from({ length: rank }, (_, axis) => axis);
  if (configuration.order === "C") return natural;
  if (configuration.order === "F") return natural.reverse();
  const order = integersOption("transpose", configuration, "order", 1024);
  if (order.length !== rank || !natural.every((axis) => order.includes(axis))) {
    throw corrupt("transpose", `order [${order}] is not a permutation of ${rank} axes`);
  }
  return order;
}

/** Values of `shape` with axis `i` of the result being axis `order[i]`; `width` entries of the container per element. */
function reorder(values: Values, shape: readonly number[], order: readonly number[], width: number): Values {
  if (order.every((axis, i) => axis === i) || values.length === 0) return values;
  const from = strides(shape);
  const sizes = order.map((axis) => shape[axis]!);
  const steps = order.map((axis) => from[axis]! * width);
  const last = sizes.length - 1;
  const row = sizes[last]!;
  const step = steps[last]!;
  const rows = product(sizes) / row;
  const out = values.slice();
  const index = new Array<number>(last).fill(0);
  let source = 0;
  let at = 0;
  for (let r = 0; r < rows; r++) {
    if (width === 1) for (let i = 0, s = source; i < row; i++, s += step) out[at++] = values[s]!;
    else {
      for (let i = 0, s = source; i < row; i++, s += step) {
        for (let w = 0; w < width; w++) out[at++] = values[s + w]!;
      }
    }
    for (let axis = last - 1; axis >= 0; axis--) {
      source += steps[axis]!;
      if (++index[axis]! < sizes[axis]!) break;
      source -= steps[axis]! * sizes[axis]!;
      index[axis] = 0;
    }
  }
  return out;
}
