import { type ArraySpec, type Block, type IoCall, product, strides } from "../../core/array.ts";
import { entriesPerElement, type TypedArray, type Values } from "../../core/dtype.ts";
import { type DimSelection, isSlice, type Selection, type Slice, slice } from "../../core/selection.ts";
import { PolygonMask } from "../../render/mask.ts";
import { meetsCells, type Spans } from "../../render/spans.ts";
import type { GridValues, IsWanted } from "./grid-values.ts";
import { fillRun, type Nodata } from "./nodata.ts";
import { columnsOf, type RasterWindow } from "./window.ts";

export interface MaskChoice {
  readonly mode: "envelope" | "polygon";
  readonly allTouched?: boolean;
}

/** What is left of a variable: a window of its grid, with nothing outside of the boundary where that was asked for. */
export interface ClippedVariable {
  readonly name: string;
  /** Of the window; `fill` is the value outside. */
  readonly spec: ArraySpec;
  readonly xDim: number;
  readonly yDim: number;
  /** Undefined where the whole window is kept. */
  readonly mask: PolygonMask | undefined;
  /** Slices with a step of 1, within the window. `into` is memory for so many values, which may be used for them. */
  read(selection: readonly Slice[], call?: IoCall, into?: Values): Promise<Block>;
}

/** Cuts a window out of values on a grid. */
export function clippedVariable(
  name: string,
  values: GridValues,
  window: RasterWindow,
  choice: MaskChoice,
  nodata: Nodata,
): ClippedVariable {
  const { spec, grid } = values;
  const { xDim, yDim } = grid;
  const shape = spec.shape.with(xDim, window.width).with(yDim, window.height);
  const { allTouched = false } = choice;
  const mask = choice.mode === "polygon" ? new PolygonMask(window.rings, window, { allTouched }) : undefined;
  const columns = columnsOf(window, grid.width);

  function sourceSelection(selection: readonly Slice[]): Selection {
    return selection.map((own, dim): DimSelection => {
      if (dim === yDim) return slice(own.start + window.row, own.stop + window.row);
      if (dim !== xDim) return own;
      return isSlice(columns)
        ? slice(own.start + columns.start, own.stop + columns.start)
        : (columns as readonly number[]).slice(own.start, own.stop);
    });
  }

  return {
    name,
    spec: { ...spec, shape, chunks: spec.chunks.map((n, i) => Math.max(1, Math.min(n, shape[i]!))) },
    xDim,
    yDim,
    mask,
    async read(selection, call, into) {
      const rows = selection[yDim]!;
      const spans = mask?.spans(rows.start, rows.stop - rows.start);
      const block = await values.read(sourceSelection(selection), wanted(spans, window, grid.width), call, into);
      if (spans === undefined) return block;
      const wide = { ...block, shape: selection.map(({ start, stop }) => stop - start) };
      blankOutside(wide, { xDim, yDim, firstColumn: selection[xDim]!.start }, spans, nodata);
      return wide;
    },
  };
}

/** A chunk of the grid is wanted where the window, and in it the boundary, meets it: on both sides of a seam. */
export function wanted(spans: Spans | undefined, window: RasterWindow, width: number): IsWanted {
  const { first, count } = spans ?? { first: 0, count: window.height };
  return (row, column, rows, columns) => {
    const from = Math.max(row - window.row, first);
    const to = Math.min(row - window.row + rows, first + count);
    if (from >= to) return false;
    return [-width, 0, width].some((turn) => {
      const start = column - window.column + turn;
      if (start >= window.width || start + columns <= 0) return false;
      return spans === undefined || meetsCells(spans, from, to, start, start + columns);
    });
  };
}

/** Writes `nodata` to all cells of a block that lie in no span. */
function blankOutside(
  { dtype, shape, data }: Block,
  { xDim, yDim, firstColumn }: { readonly xDim: number; readonly yDim: number; readonly firstColumn: number },
  spans: Spans,
  nodata: Nodata,
): void {
  const steps = strides(shape);
  const others = shape.map((n, dim) => (dim === xDim || dim === yDim ? 1 : n));
  const [stepX, width] = [steps[xDim]!, shape[xDim]!];
  const entries = entriesPerElement(dtype);
  const values = data as TypedArray;
  const blank = (at: number, from: number, to: number): void => {
    if (stepX === 1) fillRun(values, at + from, at + to, nodata, entries);
    else for (let x = from; x < to; x++) fillRun(values, at + x * stepX, at + x * stepX + 1, nodata, entries);
  };
  for (let other = 0; other < product(others); other++) {
    const base = offsetOf(other, others, steps);
    for (let row = 0; row < spans.count; row++) {
      const at = base + row * steps[yDim]!;
      let next = 0;
      for (let i = spans.offsets[row]!; i < spans.offsets[row + 1]!; i += 2) {
        const start = Math.min(Math.max(spans.columns[i]! - firstColumn, 0), width);
        if (start > next) blank(at, next, start);
        next = Math.max(next, Math.min(spans.columns[i + 1]! - firstColumn, width));
      }
      if (next < width) blank(at, next, width);
    }
  }
}

/** Where the `index`-th combination of positions begins. */
function offsetOf(index: number, counts: readonly number[], steps: readonly number[]): number {
  let offset = 0;
  let rest = index;
  for (let dim = counts.length - 1; dim >= 0; dim--) {
    offset += (rest % counts[dim]!) * steps[dim]!;
    rest = Math.floor(rest / counts[dim]!);
  }
  return offset;
}
