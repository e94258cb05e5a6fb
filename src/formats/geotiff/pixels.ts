import {
  type ArraySpec,
  type Attrs,
  type ChunkRef,
  type IoCall,
  inGrid,
  product,
  type Scalar,
  type Variable,
  virtualChunks,
} from "../../core/array.ts";
import { itemSize } from "../../core/dtype.ts";
import { tiffCodecs } from "../../core/tiff/codecs.ts";
import { Compression, Photometric, Tag } from "../../core/tiff/tags.ts";
import { badSource } from "../../errors.ts";
import type { Image } from "./image.ts";
import type { Source } from "./source.ts";
import { openTable, type Table } from "./table.ts";

/** Names of the dimensions of an image. */
export interface PixelDims {
  readonly y: string;
  readonly x: string;
  readonly band: string;
}

/**
 * The pixels of an image as a variable whose chunks are its tiles or strips, byte for byte: `(y, x)` for one sample,
 * `(y, x, band)` where samples lie side by side, `(band, y, x)` where each has a plane of its own.
 */
export async function openPixels(
  source: Source,
  image: Image,
  naming: { readonly name: string; readonly dims: PixelDims },
  { attrs, fill }: { readonly attrs: Attrs; readonly fill: Scalar | null },
  call?: IoCall,
): Promise<Variable> {
  const rows = cutRows(image);
  const { y, x, band } = naming.dims;
  const order = <T>(ofY: T, ofX: T, ofBand: T, plane: T): T[] => {
    if (image.samples === 1) return [ofY, ofX];
    return image.planar ? [plane, ofY, ofX] : [ofY, ofX, ofBand];
  };
  const chunks = order(rows, image.blockWidth, image.samples, 1);
  const spec: ArraySpec = {
    dtype: image.dtype,
    dims: order(y, x, band, band),
    shape: order(image.height, image.width, image.samples, image.samples),
    chunks,
    codecs: tiffCodecs(image.encoding, chunks),
    fill,
    attrs,
  };
  const locate = await locator(source, image, rows, call);
  return {
    name: naming.name,
    spec,
    async locate(chunk, later) {
      if (!inGrid(spec, chunk)) return undefined;
      const [plane, row, column] = image.planar ? (chunk as [number, number, number]) : [0, chunk[0]!, chunk[1]!];
      const ref = await locate(plane, row, column, later);
      const shortRows = image.tiled ? rows : Math.min(rows, rowsIn(image, rows, row));
      if (ref === undefined || shortRows === rows) return ref;
      return { ...ref, shape: order(shortRows, image.blockWidth, image.samples, 1) };
    },
  };
}

/** Bytes of a pixel row of one block when it is stored plainly; undefined when rows cannot be found by counting. */
function plainRowBytes(image: Image): number | undefined {
  const { compression, bits, interleaved, subsampling, photometric } = image.encoding;
  const isSubsampled = photometric === Photometric.YCbCr && product(subsampling) !== 1;
  if (compression !== Compression.None || isSubsampled) return undefined;
  return Math.ceil((image.blockWidth * interleaved * bits) / 8);
}

/** Rows of a chunk: those of the tile or strip, or a part of a long uncompressed strip. */
function cutRows(image: Image): number {
  const rowBytes = plainRowBytes(image);
  if (image.tiled || rowBytes === undefined || itemSize(image.dtype) === undefined) return image.blockHeight;
  const rows = virtualChunks([image.blockHeight, rowBytes], 1)[0]!;
  return image.down === 1 || image.blockHeight % rows === 0 ? rows : image.blockHeight;
}

function rowsIn(image: Image, rows: number, row: number): number {
  return image.height - row * rows;
}

type Locate = (plane: number, row: number, column: number, call?: IoCall) => Promise<ChunkRef | undefined>;

async function locator(source: Source, image: Image, rows: number, call?: IoCall): Promise<Locate> {
  const offsets = await table(source, image, image.tiled ? Tag.TileOffsets : Tag.StripOffsets, call);
  if (offsets === undefined) throw badSource(source.url, image.directory.offset, "no offsets of strips or tiles");
  const counts = await table(source, image, image.tiled ? Tag.TileByteCounts : Tag.StripByteCounts, call);
  const rowBytes = plainRowBytes(image);
  const { url, info } = source;
  const etag = info.etag === undefined ? {} : { etag: info.etag };
  const pieces = Math.ceil(image.blockHeight / rows);

  return async (plane, row, column, later) => {
    const block = (plane * image.down + Math.floor(row / pieces)) * image.across + column;
    const offset = await offsets(block, later);
    const stored = counts === undefined ? undefined : await counts(block, later);
    // GDAL's sparse files: a block that was never written has neither place nor length.
    if (offset === 0 || stored === 0) return undefined;
    if (rowBytes !== undefined) {
      const before = (row % pieces) * rows * rowBytes;
      const length = rowBytes * (image.tiled ? rows : Math.min(rows, rowsIn(image, rows, row)));
      if (stored !== undefined && stored < before + length) {
        throw badSource(url, offset, `a tile or strip of ${stored} bytes that needs ${before + length}`);
      }
      return checked({ offset: offset + before, length });
    }
    if (stored === undefined && image.blocks > 1) {
      throw badSource(url, image.directory.offset, "compressed strips without byte counts");
    }
    return checked({ offset, length: stored ?? Math.max(0, info.size - offset) });
  };

  function checked({ offset, length }: { readonly offset: number; readonly length: number }): ChunkRef {
    if (offset + length > info.size) {
      throw badSource(url, offset, `a tile or strip of ${length} bytes ends behind the file of ${info.size} bytes`);
    }
    return { url, offset, length, ...etag };
  }
}

async function table(
  source: Source,
  image: Image,
  tag: (typeof Tag)["TileOffsets" | "TileByteCounts" | "StripOffsets" | "StripByteCounts"],
  call?: IoCall,
): Promise<Table | undefined> {
  // Tiles under the tags of strips are an old mistake that libtiff reads as well.
  const other = tag === Tag.TileOffsets ? Tag.StripOffsets : Tag.StripByteCounts;
  const field = image.directory.fields.get(tag) ?? (image.tiled ? image.directory.fields.get(other) : undefined);
  return field === undefined ? undefined : openTable(source, field, image.blocks, call);
}
