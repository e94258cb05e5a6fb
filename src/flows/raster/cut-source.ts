import {
  type ArraySpec,
  type Block,
  type CodecSpec,
  type Dataset,
  type Dimension,
  type IoCall,
  product,
  type Variable,
} from "../../core/array.ts";
import { dimensionPath, referencesOf, scopesOf } from "../../core/axes.ts";
import { itemSize } from "../../core/dtype.ts";
import { all, type DimSelection, isSlice, type Slice, selectionCount, slice } from "../../core/selection.ts";
import { GyreError } from "../../errors.ts";
import { pieces } from "../../read/stream.ts";
import type { Source, SourceVariable } from "../../write/source.ts";
import type { Clipped, ClippedDataset } from "./clip.ts";
import { gridCoordinates, mappingName, PLAIN, text } from "./grid-coordinates.ts";
import { columnsOf } from "./window.ts";
import { isAcrossSeam, isWarped } from "./window-grid.ts";

/** Bytes of values that are read at once. */
const BLOCK_BYTES = 32 << 20;
/** Chunks smaller than this are joined. */
const LEAST_CHUNK = 256 << 10;
/** Writers hold a row of chunks, all along the other dimensions. */
const MOST_ROW = 2 ** 30;

/** How chunks of a variable are compressed. */
export type Compress = (spec: ArraySpec) => readonly CodecSpec[];

/** What is left of a dimension: some of its cells, or those of another grid. */
interface Cut {
  readonly size: number;
  readonly selection: DimSelection | undefined;
}

/**
 * What was clipped as a source for the writers of NetCDF and Zarr: with all attributes, its grid mapping, and the
 * variables that it names cut alike. Throws TooLarge for what these writers would have to hold in memory.
 */
export function cutSource(clipped: ClippedDataset, compress: Compress): Source {
  const { dataset, variables } = clipped;
  const cuts = cutsOf(dataset, variables);
  const out = new Map<string, SourceVariable>();
  for (const variable of variables) {
    out.set(variable.name, gridVariable(variable, compress));
    for (const coordinate of gridCoordinates(dataset, variable)) out.set(coordinate.name, coordinate);
  }
  // Grows while it is walked: coordinates name their bounds.
  const queue = variables.flatMap(({ source }) => referencesOf(dataset, source));
  for (const name of queue) {
    const variable = dataset.variables.get(name)!;
    const cut = out.has(name) ? undefined : cutVariable(clipped, variable, cuts);
    if (cut === undefined) continue;
    out.set(name, cut);
    queue.push(...referencesOf(dataset, variable));
  }
  const used = new Set([...out.keys()].flatMap(scopesOf));
  const resized = (prefix: string, dimensions: ReadonlyMap<string, Dimension>): Map<string, Dimension> =>
    new Map([...dimensions].map(([name, dimension]) => [name, resizedDimension(dimension, cuts.get(prefix + name))]));
  return {
    attrs: dataset.attrs.has("Conventions") ? dataset.attrs : new Map(dataset.attrs).set("Conventions", text("CF-1.8")),
    dimensions: resized("", dataset.dimensions),
    groups: new Map(
      [...dataset.groups]
        .filter(([path]) => used.has(path))
        .map(([path, group]) => [path, { ...group, dimensions: resized(`${path}/`, group.dimensions) }]),
    ),
    variables: out,
  };
}

function resizedDimension(dimension: Dimension, cut: Cut | undefined): Dimension {
  return cut === undefined ? dimension : { size: cut.size, unlimited: false };
}

/** By the paths of dimensions. */
function cutsOf(dataset: Dataset, variables: readonly Clipped[]): Map<string, Cut> {
  const cuts = new Map<string, Cut>();
  for (const clipped of variables) {
    const { source, xDim, yDim, window, values } = clipped;
    const path = (dim: number): string => dimensionPath(dataset, source.name, source.spec.dims[dim]!);
    const isCut = !isWarped(clipped);
    // What else lies along longitudes that go on across a seam is not moved with them.
    const columns = isCut && !isAcrossSeam(clipped) ? columnsOf(window, values.grid.width) : undefined;
    const rows = isCut ? slice(window.row, window.row + window.height) : undefined;
    cuts.set(path(xDim), { size: window.width, selection: columns });
    cuts.set(path(yDim), { size: window.height, selection: rows });
  }
  return cuts;
}

function gridVariable(clipped: Clipped, compress: Compress): SourceVariable {
  const { nodata, source } = clipped;
  const attrs = new Map(clipped.spec.attrs);
  if (nodata !== undefined && !attrs.has("_FillValue") && !attrs.has("missing_value")) {
    attrs.set("_FillValue", { dtype: clipped.spec.dtype, value: nodata });
  }
  if (isWarped(clipped)) {
    const path = mappingName(clipped);
    attrs.set("grid_mapping", text(path.slice(path.lastIndexOf("/") + 1)));
    attrs.delete("coordinates");
  }
  const spec = { ...clipped.spec, attrs, fill: nodata ?? clipped.spec.fill };
  return streamed(source.name, arranged(source.name, spec, compress), (selection, call) =>
    clipped.read(selection, call),
  );
}

/** Undefined for what lies along cells that are no more. */
function cutVariable(
  { dataset, read }: ClippedDataset,
  variable: Variable,
  cuts: ReadonlyMap<string, Cut>,
): SourceVariable | undefined {
  const { name, spec } = variable;
  const own = spec.dims.map((dim) => cuts.get(dimensionPath(dataset, name, dim)));
  if (own.some((cut) => cut !== undefined && cut.selection === undefined)) return undefined;
  const selections = all(spec.shape).map((whole, dim) => own[dim]?.selection ?? whole);
  const shape = selections.map(selectionCount);
  const codecs = spec.dtype === "string" ? [{ name: "vlen-utf8" }] : PLAIN;
  const cut = { ...spec, shape, chunks: shape.map((n) => Math.max(n, 1)), codecs };
  return streamed(name, cut, (selection, call) =>
    read(
      variable,
      selections.map((s, dim) => within(s, selection[dim]!)),
      call,
    ),
  );
}

function within(outer: DimSelection, { start, stop }: Slice): DimSelection {
  if (typeof outer === "number") return outer;
  return isSlice(outer) ? slice(outer.start + start, outer.start + stop) : outer.slice(start, stop);
}

function streamed(
  name: string,
  spec: ArraySpec,
  read: (selection: readonly Slice[], call?: IoCall) => Promise<Block>,
): SourceVariable {
  return {
    name,
    spec,
    async *blocks(call) {
      for (const piece of pieces({ name, spec, locate: async () => undefined }, all(spec.shape), BLOCK_BYTES)) {
        call?.signal?.throwIfAborted();
        yield await read(piece as readonly Slice[], call);
      }
    },
  };
}

/** Chunks as the source has them, but none smaller than is worth a chunk, and rows of them that fit into memory. */
function arranged(name: string, spec: ArraySpec, compress: Compress): ArraySpec {
  const { shape } = spec;
  const chunks = [...spec.chunks];
  const size = itemSize(spec.dtype) ?? 1;
  for (let dim = shape.length - 1; dim >= 0; dim--) {
    while (chunks[dim]! < shape[dim]! && product(chunks) * size < LEAST_CHUNK) {
      chunks[dim] = Math.min(shape[dim]!, chunks[dim]! * 2);
    }
  }
  const rowBytes = product(shape.slice(1)) * size;
  if (rowBytes > MOST_ROW) {
    throw new GyreError(
      "TooLarge",
      `${name} has ${rowBytes} bytes in each of its ${shape[0]} parts along ${spec.dims[0]}: GeoTIFF takes that`,
      { subject: name },
    );
  }
  chunks[0] = Math.max(1, Math.min(chunks[0]!, Math.floor(MOST_ROW / rowBytes)));
  const arrangement = { ...spec, chunks };
  return { ...arrangement, codecs: compress(arrangement) };
}
