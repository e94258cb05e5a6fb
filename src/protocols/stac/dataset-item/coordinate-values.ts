import type { Access } from "../../../core/access.ts";
import { type Dataset, product, type Variable } from "../../../core/array.ts";
import { numericAttr, textAttr } from "../../../core/attrs.ts";
import { resolveName } from "../../../core/axes.ts";
import { isFloat, isInteger, type Values } from "../../../core/dtype.ts";
import type { Call } from "../../../core/principal.ts";
import { all, type DimSelection, type Selection, selectionShape, slice } from "../../../core/selection.ts";

/** Values of one coordinate that are read at most: what an item tells of more is found from some of them. */
const MOST_VALUES = 1 << 19;

/** Numbers of a coordinate in the meaning of its attributes; NaN where one is missing. */
export interface Numbers {
  readonly shape: readonly number[];
  readonly data: Float64Array;
}

/** Reads the coordinates of one dataset, and nothing else of it. */
export interface CoordinateReader {
  readonly dataset: Dataset;
  /** Undefined for what holds no numbers. Beyond the bound only every n-th along each dimension, and the last. */
  numbers(variable: Variable, selection?: Selection): Promise<Numbers | undefined>;
  /** The variable that holds the edges of a coordinate's cells (CF 7.1, 7.4), where it is there and fits. */
  bounds(coordinate: Variable): Variable | undefined;
}

export function createCoordinateReader(dataset: Dataset, access: Access, call: Call): CoordinateReader {
  return {
    dataset,
    async numbers(variable, selection) {
      const { dtype, shape } = variable.spec;
      const isTime = typeof dtype === "object" && dtype.kind === "datetime64";
      if (!isTime && !isFloat(dtype) && !isInteger(dtype)) return undefined;
      if (shape.includes(0)) return undefined;
      const bounded = selection ?? thinned(shape);
      const block = await access.select(dataset, variable, bounded, call);
      return { shape: selectionShape(bounded), data: unpacked(block.data, variable) };
    },
    bounds(coordinate) {
      const { attrs, shape } = coordinate.spec;
      const name = textAttr(attrs, "bounds") ?? textAttr(attrs, "climatology");
      const path = name === undefined ? undefined : resolveName(dataset, coordinate.name, name);
      const found = path === undefined ? undefined : dataset.variables.get(path);
      const fits = found?.spec.shape.length === shape.length + 1 && shape.every((n, i) => found.spec.shape[i] === n);
      return fits && found.spec.shape.at(-1)! >= 2 ? found : undefined;
    },
  };
}

/** Everything, or what stands for it: the first and the last of each dimension always. */
function thinned(shape: readonly number[]): Selection {
  if (product(shape) <= MOST_VALUES) return all(shape);
  const long = shape.filter((n) => n > 16);
  const short = product(shape) / product(long);
  const each = Math.max(2, Math.floor((MOST_VALUES / short) ** (1 / long.length)));
  return shape.map((n): DimSelection => (n > 16 && n > each ? spread(n, each) : slice(0, n)));
}

/** `count` positions from first to last. */
function spread(size: number, count: number): readonly number[] {
  if (size <= count) return Array.from({ length: size }, (_, i) => i);
  return Array.from({ length: count }, (_, i) => Math.round((i * (size - 1)) / (count - 1)));
}

/** CF 2.5.1 and 8.1 for coordinates: these may be packed, and auxiliary ones may be missing. */
function unpacked(values: Values, { spec: { attrs, dtype } }: Variable): Float64Array {
  const data = Float64Array.from(values as ArrayLike<number | bigint>, Number);
  const missing = [...(numericAttr(attrs, "_FillValue") ?? []), ...(numericAttr(attrs, "missing_value") ?? [])];
  const wanted = dtype === "float32" ? missing.map(Math.fround) : missing;
  const scale = numericAttr(attrs, "scale_factor")?.[0] ?? 1;
  const offset = numericAttr(attrs, "add_offset")?.[0] ?? 0;
  const turn = unsignedTurn(dtype, textAttr(attrs, "_Unsigned"));
  for (let i = 0; i < data.length; i++) {
    const value = data[i]!;
    const isMissing = wanted.includes(value) || Math.abs(value) > LARGEST;
    data[i] = isMissing ? Number.NaN : (value < 0 ? value + turn : value) * scale + offset;
  }
  return data;
}

/** NetCDF's default fills of floats are larger than any coordinate. */
const LARGEST = 9e36;

/** What negative numbers become bigger by where they stand for unsigned ones. */
function unsignedTurn(dtype: Variable["spec"]["dtype"], attribute: string | undefined): number {
  if (attribute?.toLowerCase() !== "true" || typeof dtype !== "string" || !dtype.startsWith("int")) return 0;
  return 2 ** Number(dtype.slice(3));
}
