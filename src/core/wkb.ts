import { hasHeights, type Position, partsOf } from "./geometry.ts";
import type { Geometry } from "./stac.ts";

/** Codes of Well-Known Binary (OGC 06-103r4, 8.2.8); with heights they are 1,000 more. */
export const WKB_CODES = {
  Point: 1,
  LineString: 2,
  Polygon: 3,
  MultiPoint: 4,
  MultiLineString: 5,
  MultiPolygon: 6,
  GeometryCollection: 7,
} as const;

export interface WkbOptions {
  /** Heights are written where the geometry has them. */
  readonly heights?: boolean;
}

/** Well-Known Binary (OGC 06-103r4, 8) of a geometry, little-endian. */
export function writeWkb(geometry: Geometry, { heights = false }: WkbOptions = {}): Uint8Array {
  const dimensions = heights && hasHeights(geometry) ? 3 : 2;
  const bytes = new Uint8Array(sizeOf(geometry, 8 * dimensions));
  new Writer(bytes, dimensions).geometry(geometry);
  return bytes;
}

function sizeOf(geometry: Geometry, position: number): number {
  switch (geometry.type) {
    case "Point":
      return 5 + position;
    case "LineString":
      return 9 + position * geometry.coordinates.length;
    case "Polygon":
      return 9 + geometry.coordinates.reduce((sum, ring) => sum + 4 + position * ring.length, 0);
    default:
      return 9 + partsOf(geometry).reduce((sum, part) => sum + sizeOf(part, position), 0);
  }
}

class Writer {
  readonly #view: DataView;
  readonly #dimensions: 2 | 3;
  #at = 0;

  constructor(bytes: Uint8Array, dimensions: 2 | 3) {
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#dimensions = dimensions;
  }

  geometry(geometry: Geometry): void {
    this.#view.setUint8(this.#at, 1);
    this.#at += 1;
    this.#count(WKB_CODES[geometry.type] + (this.#dimensions === 3 ? 1000 : 0));
    if (geometry.type === "Point") this.#position(geometry.coordinates);
    else if (geometry.type === "LineString") this.#positions(geometry.coordinates);
    else if (geometry.type === "Polygon") {
      this.#count(geometry.coordinates.length);
      for (const ring of geometry.coordinates) this.#positions(ring);
    } else {
      const parts = partsOf(geometry);
      this.#count(parts.length);
      for (const part of parts) this.geometry(part);
    }
  }

  #positions(positions: readonly Position[]): void {
    this.#count(positions.length);
    for (const position of positions) this.#position(position);
  }

  /** An empty point has no numbers, and is written as such of which none is one. */
  #position(position: Position): void {
    for (let i = 0; i < this.#dimensions; i++) {
      this.#view.setFloat64(this.#at, position[i] ?? Number.NaN, true);
      this.#at += 8;
    }
  }

  #count(count: number): void {
    this.#view.setUint32(this.#at, count, true);
    this.#at += 4;
  }
}
