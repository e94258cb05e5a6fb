import { GyreError } from "../errors.ts";
import type { Position } from "./geometry.ts";
import type { Geometry } from "./stac.ts";
import { WKB_CODES } from "./wkb.ts";

/** Geometries in geometries. */
const MOST_DEPTH = 16;

const TYPES = new Map(Object.entries(WKB_CODES).map(([type, code]) => [code, type as Geometry["type"]]));
/** Of ISO/IEC 13249-3 and OGC 06-103r4: what no GeoJSON geometry can be. */
const OTHERS: ReadonlyMap<number, string> = new Map([
  [8, "CircularString"],
  [9, "CompoundCurve"],
  [10, "CurvePolygon"],
  [11, "MultiCurve"],
  [12, "MultiSurface"],
  [13, "Curve"],
  [14, "Surface"],
  [15, "PolyhedralSurface"],
  [16, "TIN"],
  [17, "Triangle"],
]);
const MEMBERS: Readonly<Record<string, Geometry["type"]>> = {
  MultiPoint: "Point",
  MultiLineString: "LineString",
  MultiPolygon: "Polygon",
};

/**
 * A geometry out of Well-Known Binary: of OGC, of ISO (codes from 1,000) or extended as PostGIS writes it. Heights are
 * kept, measures are not. Throws BadSource for what is cut off or has a count that cannot be, Unsupported for curves.
 */
export function readWkb(bytes: Uint8Array): Geometry {
  return new Reader(bytes).geometry(0);
}

interface Head {
  readonly type: Geometry["type"];
  readonly isLittle: boolean;
  readonly hasZ: boolean;
  /** Of numbers in a position. */
  readonly width: number;
}

class Reader {
  readonly #view: DataView;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  geometry(depth: number): Geometry {
    if (depth > MOST_DEPTH) throw broken(`geometries ${depth} deep`);
    return this.#body(this.#head(), depth);
  }

  #body(head: Head, depth: number): Geometry {
    switch (head.type) {
      case "Point":
        return { type: "Point", coordinates: this.#position(head, true) };
      case "LineString":
        return { type: "LineString", coordinates: this.#positions(head) };
      case "Polygon":
        return { type: "Polygon", coordinates: this.#list(head, 4, () => this.#positions(head)) };
      case "GeometryCollection":
        return { type: head.type, geometries: this.#list(head, 5, () => this.geometry(depth + 1)) };
      default: {
        const parts = this.#list(head, 9, () => this.#part(MEMBERS[head.type]!));
        return { type: head.type, coordinates: parts } as Geometry;
      }
    }
  }

  #part(type: Geometry["type"]): unknown {
    const head = this.#head();
    if (head.type !== type) throw broken(`a ${head.type} where a ${type} belongs`);
    const part = this.#body(head, MOST_DEPTH);
    return "coordinates" in part ? part.coordinates : undefined;
  }

  #head(): Head {
    this.#need(5);
    const order = this.#view.getUint8(this.#at);
    if (order > 1) throw broken(`byte order ${order}`);
    const isLittle = order === 1;
    const raw = this.#view.getUint32(this.#at + 1, isLittle);
    this.#at += 5;
    // PostGIS marks dimensions in the uppermost bits, and may put the number of a reference system after the code.
    if ((raw & 0x2000_0000) !== 0) {
      this.#need(4);
      this.#at += 4;
    }
    const code = raw & 0x0fff_ffff;
    const dimensions = Math.floor(code / 1000);
    if (dimensions > 3) throw broken(`geometry code ${raw}`);
    const hasZ = (raw & 0x8000_0000) !== 0 || dimensions === 1 || dimensions === 3;
    const hasM = (raw & 0x4000_0000) !== 0 || dimensions >= 2;
    const type = TYPES.get((code % 1000) as 1);
    if (type !== undefined) return { type, isLittle, hasZ, width: 2 + Number(hasZ) + Number(hasM) };
    const other = OTHERS.get(code % 1000);
    if (other === undefined) throw broken(`geometry code ${raw}`);
    throw new GyreError("Unsupported", `a geometry is a ${other}: curves and surfaces are not read`, {
      subject: other,
    });
  }

  /** A count is believed as far as so many members of at least `size` bytes are there. */
  #list<T>({ isLittle }: Head, size: number, read: () => T): T[] {
    this.#need(4);
    const count = this.#view.getUint32(this.#at, isLittle);
    this.#at += 4;
    this.#need(count * size);
    return Array.from({ length: count }, read);
  }

  #positions(head: Head): Position[] {
    return this.#list(head, 8 * head.width, () => this.#position(head));
  }

  /** An empty point is written as one of which no number is one. */
  #position({ isLittle, hasZ, width }: Head, mayBeEmpty = false): Position {
    this.#need(8 * width);
    const at = this.#at;
    this.#at += 8 * width;
    const x = this.#view.getFloat64(at, isLittle);
    const y = this.#view.getFloat64(at + 8, isLittle);
    if (mayBeEmpty && Number.isNaN(x) && Number.isNaN(y)) return [];
    if (!Number.isFinite(x) || !Number.isFinite(y)) throw broken("a position that is not finite");
    return hasZ ? [x, y, this.#view.getFloat64(at + 16, isLittle)] : [x, y];
  }

  #need(bytes: number): void {
    if (this.#at + bytes > this.#view.byteLength) throw broken("a geometry is cut off");
  }
}

function broken(reason: string): GyreError {
  return new GyreError("BadSource", reason);
}
