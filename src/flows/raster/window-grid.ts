import type { GeoTransform } from "../../core/crs/geotransform.ts";
import { type CellAxis, cutAxis } from "./axis.ts";
import type { Clipped } from "./clip.ts";

/** The geotransform of a window; undefined where cells have several sizes. */
export function windowTransform({ values, window }: Pick<Clipped, "values" | "window">): GeoTransform | undefined {
  const { transform } = values.grid;
  if (transform === undefined) return undefined;
  const [left, a, b, top, d, e] = transform;
  const { column, row } = window;
  return [left + column * a + row * b, a, b, top + column * d + row * e, d, e];
}

/** The cells of a window along both axes; undefined where it lies askew. Across a seam longitudes go on. */
export function windowAxes({
  values,
  window,
}: Pick<Clipped, "values" | "window">): { readonly x: CellAxis; readonly y: CellAxis } | undefined {
  const { axes, width } = values.grid;
  if (axes === undefined) return undefined;
  const { column, row } = window;
  const y = cutAxis(axes.y, row, row + window.height);
  if (!isAcrossSeam({ values, window })) return { x: cutAxis(axes.x, column, column + window.width), y };
  const turn = axes.x.edges.at(-1)! > axes.x.edges[0]! ? 360 : -360;
  const at = (from: Float64Array, i: number): number =>
    from[((i % width) + width) % width]! + Math.floor(i / width) * turn;
  const centres = Float64Array.from({ length: window.width }, (_, i) => at(axes.x.centres, column + i));
  const edges = Float64Array.from({ length: window.width + 1 }, (_, i) => at(axes.x.edges, column + i));
  const { regular } = axes.x;
  return {
    x: { centres, edges, regular: regular && { first: regular.first + column * regular.step, step: regular.step } },
    y,
  };
}

/** The window takes columns from both ends of a grid that goes around the Earth. */
export function isAcrossSeam({ values, window }: Pick<Clipped, "values" | "window">): boolean {
  return window.column < 0 || window.column + window.width > values.grid.width;
}

/** The values are not the source's own, but computed on another grid. */
export function isWarped({ values, source }: Pick<Clipped, "values" | "source">): boolean {
  return values.spec.shape !== source.spec.shape;
}
