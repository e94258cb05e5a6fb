import { type Block, type IoCall, product, strides } from "../../core/array.ts";
import { numericAttr, textAttr } from "../../core/attrs.ts";
import { type GeoTransform, isAligned } from "../../core/crs/geotransform.ts";
import { isLonLat } from "../../core/crs.ts";
import { allocate, entriesPerElement, itemSize, type TypedArray } from "../../core/dtype.ts";
import { all, type Slice, slice } from "../../core/selection.ts";
import { GyreError } from "../../errors.ts";
import type { BandDescription, Colours, Description } from "../../write/cog/description.ts";
import type { Raster } from "../../write/cog.ts";
import type { Clipped } from "./clip.ts";
import { windowTransform } from "./window-grid.ts";

/** An image to write, and what is said of it. */
export interface Image {
  readonly raster: Raster;
  readonly description: Description;
  /** Pixels of a tile's side, so small that a row of tiles of all bands fits into memory. */
  readonly tile: number;
}

const TILES = [512, 256, 128, 64, 32, 16];
const ROW_BYTES = 128 << 20;
/** Bands beyond this have no names: nobody reads them. */
const MOST_NAMES = 1000;

/**
 * A clipped variable as an image with its north up: a band for each position along its other dimensions, in C order.
 * Throws Unsupported for cells of several sizes, and TooLarge for more bands than can be written side by side.
 */
export function imageOf(clipped: Clipped): Image {
  const { spec, xDim, yDim, source, nodata, values } = clipped;
  const given = windowTransform(clipped);
  if (given === undefined) {
    throw new GyreError(
      "Unsupported",
      `rows or columns of ${source.name} are not evenly spaced, as those of GeoTIFF are`,
      {
        subject: source.name,
      },
    );
  }
  const [width, height] = [spec.shape[xDim]!, spec.shape[yDim]!];
  const others = spec.dims.map((_, dim) => dim).filter((dim) => dim !== xDim && dim !== yDim);
  const bands = product(others.map((dim) => spec.shape[dim]!));
  const bandBytes = bands * width * itemSize(spec.dtype)!;
  const tile = TILES.find((side) => bandBytes * side <= ROW_BYTES);
  if (tile === undefined || bands > 65_535) {
    throw new GyreError(
      "TooLarge",
      `${source.name} has ${bands} bands of ${width} columns: NetCDF or Zarr takes that`,
      {
        subject: source.name,
      },
    );
  }
  const rooms = new Rooms(spec.dtype);
  const isSouthUp = isAligned(given) && given[5] > 0;
  const raster: Raster = {
    dtype: spec.dtype,
    width,
    height,
    bands,
    async rows(first, count, call?: IoCall) {
      const from = isSouthUp ? height - first - count : first;
      const selection = all(spec.shape).with(yDim, slice(from, from + count));
      const block = await clipped.read(selection, call, rooms.next(bands * width * count));
      const planes = planesOf(block, selection, xDim, yDim, others);
      return isSouthUp ? planes.map((plane) => upsideDown(plane, count)) : planes;
    },
  };
  const crs = values.grid.crs;
  const north: GeoTransform = isSouthUp ? [given[0], given[1], 0, given[3] + height * given[5], 0, -given[5]] : given;
  const description: Description = {
    crs,
    transform: isLonLat(crs) && isAligned(north) ? inFirstTurn(north, width) : north,
    ...(nodata === undefined ? {} : { nodata }),
    bandDescriptions: bandsOf(clipped, bands),
    colours: coloursOf(clipped, bands),
  };
  return { raster, description, tile };
}

/**
 * Memory for rows, used again in turns: a writer has taken the last rows when it asks for the next, and one more is read
 * ahead. New memory for each would keep the collector busier than anything else.
 */
class Rooms {
  readonly #dtype: Raster["dtype"];
  readonly #rooms: (TypedArray | undefined)[] = [undefined, undefined];
  #turn = 0;

  constructor(dtype: Raster["dtype"]) {
    this.#dtype = dtype;
  }

  next(count: number): TypedArray {
    const turn = this.#turn++ % this.#rooms.length;
    const length = count * entriesPerElement(this.#dtype);
    const known = this.#rooms[turn];
    if (known !== undefined && known.length >= length) return known.subarray(0, length);
    const made = allocate(this.#dtype, count) as TypedArray;
    this.#rooms[turn] = made;
    return made;
  }
}

/** Longitudes between -180 and 180 where the window allows it: that is where maps look for them. */
function inFirstTurn([left, ...rest]: GeoTransform, width: number): GeoTransform {
  const middle = left + (rest[0] * width) / 2;
  return [left - 360 * Math.floor((middle + 180) / 360), ...rest];
}

function planesOf(
  { dtype, data }: Block,
  selection: readonly Slice[],
  xDim: number,
  yDim: number,
  others: readonly number[],
): TypedArray[] {
  const values = data as TypedArray;
  const shape = selection.map(({ start, stop }) => stop - start);
  const steps = strides(shape);
  const entries = entriesPerElement(dtype);
  const [width, rows] = [shape[xDim]!, shape[yDim]!];
  const isPlain = xDim === shape.length - 1 && yDim === shape.length - 2;
  const size = width * rows;
  return Array.from({ length: product(others.map((dim) => shape[dim]!)) }, (_, band) => {
    if (isPlain) return values.subarray(band * size * entries, (band + 1) * size * entries);
    const plane = values.slice(0, size * entries) as Float64Array;
    let base = 0;
    for (let i = others.length - 1, rest = band; i >= 0; i--) {
      const dim = others[i]!;
      base += (rest % shape[dim]!) * steps[dim]!;
      rest = Math.floor(rest / shape[dim]!);
    }
    for (let y = 0, to = 0; y < rows; y++) {
      for (let x = 0, at = base + y * steps[yDim]!; x < width; x++, at += steps[xDim]!) {
        for (let entry = 0; entry < entries; entry++) plane[to++] = (values as Float64Array)[at * entries + entry]!;
      }
    }
    return plane;
  });
}

function upsideDown(plane: TypedArray, rows: number): TypedArray {
  const turned = plane.slice() as Float64Array;
  const length = plane.length / rows;
  for (let row = 0; row < rows; row++) {
    turned.set(plane.subarray(row * length, (row + 1) * length) as Float64Array, (rows - 1 - row) * length);
  }
  return turned;
}

function bandsOf({ source, xDim, yDim, spec }: Clipped, bands: number): BandDescription[] {
  if (bands > MOST_NAMES) return [];
  const { attrs } = source.spec;
  const unit = textAttr(attrs, "units");
  const [scale, offset] = [numericAttr(attrs, "scale_factor")?.[0], numericAttr(attrs, "add_offset")?.[0]];
  const name = textAttr(attrs, "long_name") ?? (source.name === "band_data" ? undefined : source.name);
  const names = attrs.get("long_name")?.value;
  const others = spec.dims.map((dim, i) => [dim, spec.shape[i]!] as const).filter((_, i) => i !== xDim && i !== yDim);
  return Array.from({ length: bands }, (_, band) => {
    const own = Array.isArray(names) && names.length === bands ? String(names[band]) : labelled(name, others, band);
    return {
      ...(own === undefined ? {} : { name: own }),
      ...(unit === undefined ? {} : { unit }),
      ...(scale === undefined ? {} : { scale }),
      ...(offset === undefined ? {} : { offset }),
    };
  });
}

/** `air temperature, time 3`: positions are counted from 1, as bands are. */
function labelled(
  name: string | undefined,
  others: readonly (readonly [string, number])[],
  band: number,
): string | undefined {
  const places: string[] = [];
  let rest = band;
  for (const [dim, size] of others.toReversed()) {
    if (size > 1 && dim !== "band") places.unshift(`${dim} ${(rest % size) + 1}`);
    rest = Math.floor(rest / size);
  }
  return [...(name === undefined ? [] : [name]), ...places].join(", ") || undefined;
}

/** A palette of 256 colours goes with its image. */
function coloursOf({ source }: Clipped, bands: number): Colours {
  const palette = numericAttr(source.spec.attrs, "color_table");
  return source.spec.dtype === "uint8" && bands === 1 && palette?.length === 768 ? { palette } : "grey";
}
