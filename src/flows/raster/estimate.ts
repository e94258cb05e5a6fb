import { chunkExtent, chunkGrid, type IoCall, product } from "../../core/array.ts";
import { itemSize } from "../../core/dtype.ts";
import { type Spans, spanArea } from "../../render/spans.ts";
import type { Estimate } from "../flow.ts";
import type { Clipped, ClippedDataset } from "./clip.ts";
import { wanted } from "./clipped-variable.ts";
import { isWarped } from "./window-grid.ts";

/** Chunks whose stored size is asked for; the rest are taken to be alike. */
const SAMPLES = 32;
const ROWS = 1024;

/** Bytes of the chunks that meet the boundary, and of the cells inside, compressed as well as the source is. */
export async function estimateOf({ variables }: ClippedDataset, call?: IoCall): Promise<Estimate> {
  let [readBytes, writeBytes] = [0, 0];
  for (const clipped of variables) {
    const { source, spec, xDim, yDim } = clipped;
    const size = itemSize(spec.dtype) ?? 1;
    const cells = cellsInside(clipped);
    const chunks = chunksInside(clipped);
    const chunkBytes = product(source.spec.chunks) * size;
    const ratio = await compressionOf(clipped, chunkBytes, call);
    const positions = product(spec.shape.with(xDim, 1).with(yDim, 1));
    const layers = Math.ceil(positions / product(source.spec.chunks.with(xDim, 1).with(yDim, 1)));
    readBytes += Math.round(chunks * layers * chunkBytes * ratio);
    writeBytes += Math.round(cells * positions * size * ratio);
  }
  return { readBytes, writeBytes };
}

function* bandsOf({ mask }: Clipped): Generator<Spans> {
  for (let row = 0; mask !== undefined && row < mask.height; row += ROWS) {
    yield mask.spans(row, Math.min(ROWS, mask.height - row));
  }
}

function cellsInside(clipped: Clipped): number {
  if (clipped.mask === undefined) return clipped.window.width * clipped.window.height;
  let cells = 0;
  for (const spans of bandsOf(clipped)) cells += spanArea(spans);
  return cells;
}

/** Chunks of columns and rows that are read. */
function chunksInside(clipped: Clipped): number {
  const { source, values, window, xDim, yDim } = clipped;
  const [rows, columns] = [source.spec.chunks[yDim]!, source.spec.chunks[xDim]!];
  // In another CRS only the number of cells tells.
  if (isWarped(clipped)) return Math.ceil(cellsInside(clipped) / (rows * columns)) + 1;
  const found = new Set<string>();
  const grid = chunkGrid(source.spec);
  const from = Math.floor(window.row / rows);
  const to = Math.min(Math.ceil((window.row + window.height) / rows), grid[yDim]!);
  const bands = clipped.mask === undefined ? [undefined] : bandsOf(clipped);
  for (const spans of bands) {
    const isWanted = wanted(spans, window, values.grid.width);
    const first = spans === undefined ? from : Math.floor((window.row + spans.first) / rows);
    const last = spans === undefined ? to : Math.min(to, Math.ceil((window.row + spans.first + spans.count) / rows));
    for (let j = first; j < last; j++) {
      for (let i = 0; i < grid[xDim]!; i++) {
        const extent = chunkExtent(
          source.spec,
          source.spec.chunks.map((_, dim) => (dim === yDim ? j : dim === xDim ? i : 0)),
        );
        if (isWanted(j * rows, i * columns, extent[yDim]!, extent[xDim]!)) found.add(`${j} ${i}`);
      }
    }
  }
  return found.size;
}

/** Stored bytes of one byte of values. */
async function compressionOf(
  { source, window, xDim, yDim }: Clipped,
  chunkBytes: number,
  call?: IoCall,
): Promise<number> {
  const { spec } = source;
  const grid = chunkGrid(spec);
  let [stored, count] = [0, 0];
  for (let i = 0; i < SAMPLES; i++) {
    const row = Math.floor((window.row + ((i + 0.5) / SAMPLES) * window.height) / spec.chunks[yDim]!);
    const columns = (window.column + (((i * 7) % SAMPLES) / SAMPLES) * window.width) / spec.chunks[xDim]!;
    const column = ((Math.floor(columns) % grid[xDim]!) + grid[xDim]!) % grid[xDim]!;
    const chunk = grid.map((_, dim) => (dim === yDim ? Math.min(row, grid[yDim]! - 1) : dim === xDim ? column : 0));
    const place = await source.locate(chunk, call);
    if (place === undefined) continue;
    stored += "inline" in place ? place.inline.byteLength : place.length;
    count++;
  }
  return count === 0 ? 1 : Math.min(stored / count / chunkBytes, 1);
}
