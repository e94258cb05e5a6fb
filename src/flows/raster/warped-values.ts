import { type Block, type IoCall, product, strides } from "../../core/array.ts";
import { allocate, isComplex, isFloat, storageType, type TypedArray } from "../../core/dtype.ts";
import { isSlice, type Selection, type Slice, slice } from "../../core/selection.ts";
import { GyreError } from "../../errors.ts";
import type { Cells, Resampling } from "../../render/resample.ts";
import { type PixelBlock, type Places, placesExtent, placesOf, resampled } from "../../render/warp.ts";
import type { RasterGrid } from "./grid.ts";
import type { GridValues } from "./grid-values.ts";
import type { Nodata } from "./nodata.ts";
import type { WarpedGrid } from "./warped-grid.ts";
import { columnsOf } from "./window.ts";

/** Pixels on a side of what is computed at once. */
const BLOCK = 256;
/** Cells of the source that one block may need; where more are, it is cut into smaller ones. */
const MOST_CELLS = 1 << 24;
/** Cells around a place that are looked at in any case. */
const MARGIN = 3;

/** Values on another grid, computed block by block as they are asked for. Throws Unsupported for types without means. */
export function warpedValues(
  source: GridValues,
  { grid, toSource, shrinking }: WarpedGrid,
  resampling: Resampling,
  nodata: Nodata,
): GridValues {
  const { spec } = source;
  const { xDim, yDim } = grid;
  const stored = storageType(spec.dtype);
  if (stored === undefined || isComplex(stored) || stored === "int64" || stored === "uint64") {
    throw new GyreError("Unsupported", `values of ${stored ?? "this type"} are not reprojected`, { subject: "crs" });
  }
  return {
    grid,
    spec: {
      ...spec,
      shape: spec.shape.with(xDim, grid.width).with(yDim, grid.height),
      chunks: spec.chunks.map((n, dim) => (dim === xDim || dim === yDim ? BLOCK : n)),
    },
    async read(selection, isWanted, call) {
      const slices = selection.map(asSlice);
      const shape = slices.map(({ start, stop }) => stop - start);
      const data = allocate(spec.dtype, product(shape)) as Float64Array;
      data.fill(Number(nodata));
      const steps = strides(shape);
      const [rows, columns] = [slices[yDim]!, slices[xDim]!];
      const work = blocksOf(rows, columns);
      while (work.length > 0) {
        const block = work.pop()!;
        if (!isWanted(block.row, block.column, block.height, block.width)) continue;
        const places = placesOf(block, toSource);
        const needed = sourceWindow(places, source.grid);
        if (needed === undefined) continue;
        if (needed.width * needed.height > MOST_CELLS && block.width * block.height > 1) {
          work.push(...halves(block));
          continue;
        }
        for (const planeAt of planesOf(slices, xDim, yDim)) {
          call?.signal?.throwIfAborted();
          const cells = await sourceCells(source, planeAt, needed, nodata, call);
          const values = resampled(cells, [needed.column, needed.row], places, resampling, shrinking);
          let first = (block.row - rows.start) * steps[yDim]! + (block.column - columns.start) * steps[xDim]!;
          planeAt.forEach((at, dim) => {
            if (dim !== xDim && dim !== yDim) first += (at - slices[dim]!.start) * steps[dim]!;
          });
          put(values, places, data, { first, down: steps[yDim]!, across: steps[xDim]! }, isFloat(stored));
        }
      }
      return { dtype: spec.dtype, shape, data };
    },
  };
}

function asSlice(selection: Selection[number]): Slice {
  if (typeof selection === "number" || !isSlice(selection)) {
    throw new GyreError("BadRequest", "values in another CRS are read by slices");
  }
  return selection;
}

function blocksOf(rows: Slice, columns: Slice): PixelBlock[] {
  const blocks: PixelBlock[] = [];
  for (let row = rows.start; row < rows.stop; row += BLOCK) {
    for (let column = columns.start; column < columns.stop; column += BLOCK) {
      const [width, height] = [Math.min(BLOCK, columns.stop - column), Math.min(BLOCK, rows.stop - row)];
      blocks.push({ row, column, width, height });
    }
  }
  return blocks;
}

function halves(block: PixelBlock): PixelBlock[] {
  const { row, column, width, height } = block;
  if (width >= height) {
    const half = width >> 1;
    return [
      { ...block, width: half },
      { ...block, column: column + half, width: width - half },
    ];
  }
  const half = height >> 1;
  return [
    { ...block, height: half },
    { ...block, row: row + half, height: height - half },
  ];
}

/** The cells of the source that a block looks at; undefined where there are none. */
function sourceWindow(places: Places, { width, height, isRound }: RasterGrid): PixelBlock | undefined {
  const extent = placesExtent(places);
  if (extent === undefined) return undefined;
  const [left, top, right, bottom] = extent;
  const reach = (length: number, count: number): number => MARGIN + 2 * Math.ceil(length / count);
  const [across, down] = [reach(right - left, places.width), reach(bottom - top, places.height)];
  const within = (n: number, size: number): number => Math.min(Math.max(n, 0), size);
  const row = within(Math.floor(top) - down, height);
  const rows = within(Math.ceil(bottom) + down, height) - row;
  const [from, to] = [Math.floor(left) - across, Math.ceil(right) + across];
  const column = isRound ? from : within(from, width);
  const columns = isRound ? to - from : within(to, width) - column;
  return rows > 0 && columns > 0 ? { column, row, width: columns, height: rows } : undefined;
}

/** Positions along all dimensions, with 0 for columns and rows. */
function* planesOf(slices: readonly Slice[], xDim: number, yDim: number): Generator<readonly number[]> {
  const at = slices.map(({ start }, dim) => (dim === xDim || dim === yDim ? 0 : start));
  for (;;) {
    yield at;
    let dim = slices.length - 1;
    for (; dim >= 0; dim--) {
      if (dim === xDim || dim === yDim) continue;
      if (++at[dim]! < slices[dim]!.stop) break;
      at[dim] = slices[dim]!.start;
    }
    if (dim < 0) return;
  }
}

async function sourceCells(
  { grid, read }: GridValues,
  planeAt: readonly number[],
  needed: PixelBlock,
  nodata: Nodata,
  call?: IoCall,
): Promise<Cells> {
  const { width, height } = needed;
  const selection = planeAt.map((at, dim) => {
    if (dim === grid.yDim) return slice(needed.row, needed.row + height);
    return dim === grid.xDim ? columnsOf(needed, grid.width) : at;
  });
  const block = await read(selection, () => true, call);
  return { values: rowsFirst(block, grid.xDim < grid.yDim), width, height, nodata: Number(nodata) };
}

/** A plane row by row, also where its columns come first. */
function rowsFirst({ shape, data }: Block, isTurned: boolean): Cells["values"] {
  const values = data as Exclude<TypedArray, BigInt64Array | BigUint64Array>;
  if (!isTurned) return values;
  const [columns, rows] = shape as [number, number];
  const turned = values.slice();
  for (let x = 0; x < columns; x++) for (let y = 0; y < rows; y++) turned[y * columns + x] = values[x * rows + y]!;
  return turned;
}

/** Writes what has a value; integers are rounded half up and held within their type. */
function put(
  values: Float64Array,
  { width, height }: Places,
  data: Float64Array,
  at: { readonly first: number; readonly down: number; readonly across: number },
  isReal: boolean,
): void {
  const [low, high] = isReal ? [-Infinity, Infinity] : limitsOf(data);
  for (let j = 0, i = 0; j < height; j++) {
    for (let to = at.first + j * at.down, k = 0; k < width; k++, i++, to += at.across) {
      const value = values[i]!;
      if (Number.isNaN(value)) continue;
      data[to] = isReal ? value : Math.min(Math.max(Math.floor(value + 0.5), low), high);
    }
  }
}

function limitsOf(data: TypedArray): [number, number] {
  const bits = data.BYTES_PER_ELEMENT * 8;
  const isSigned = data instanceof Int8Array || data instanceof Int16Array || data instanceof Int32Array;
  return isSigned ? [-(2 ** (bits - 1)), 2 ** (bits - 1) - 1] : [0, 2 ** bits - 1];
}
