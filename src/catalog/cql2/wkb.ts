import type { Geometry } from "../../core/stac.ts";

const CODES = {
  Point: 1,
  LineString: 2,
  Polygon: 3,
  MultiPoint: 4,
  MultiLineString: 5,
  MultiPolygon: 6,
  GeometryCollection: 7,
} as const;

type Position = readonly number[];

/** Well-Known Binary (OGC 06-103r4, 8) of a geometry without its heights, which no spatial predicate looks at. */
export function writeWkb(geometry: Geometry): Uint8Array {
  const bytes = new Uint8Array(sizeOf(geometry));
  new Writer(bytes).geometry(geometry);
  return bytes;
}

function sizeOf(geometry: Geometry): number {
  switch (geometry.type) {
    case "Point":
      return 21;
    case "LineString":
      return 9 + 16 * geometry.coordinates.length;
    case "Polygon":
      return 9 + geometry.coordinates.reduce((sum, ring) => sum + 4 + 16 * ring.length, 0);
    default:
      return 9 + partsOf(geometry).reduce((sum, part) => sum + sizeOf(part), 0);
  }
}

function partsOf(geometry: Geometry): readonly Geometry[] {
  switch (geometry.type) {
    case "MultiPoint":
      return geometry.coordinates.map((coordinates) => ({ type: "Point", coordinates }));
    case "MultiLineString":
      return geometry.coordinates.map((coordinates) => ({ type: "LineString", coordinates }));
    case "MultiPolygon":
      return geometry.coordinates.map((coordinates) => ({ type: "Polygon", coordinates }));
    case "GeometryCollection":
      return geometry.geometries;
    default:
      return [];
  }
}

class Writer {
  readonly #view: DataView;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  geometry(geometry: Geometry): void {
    this.#view.setUint8(this.#at, 1);
    this.#at += 1;
    this.#count(CODES[geometry.type]);
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

  #position(position: Position): void {
    this.#view.setFloat64(this.#at, position[0]!, true);
    this.#view.setFloat64(this.#at + 8, position[1]!, true);
    this.#at += 16;
  }

  #count(count: number): void {
    this.#view.setUint32(this.#at, count, true);
    this.#at += 4;
  }
}
