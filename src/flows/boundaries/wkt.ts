import type { GyreError } from "../../errors.ts";
import { invalid } from "./rings.ts";

const TOKEN = /\s*(?:([A-Za-z]+)|([(),])|([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?))/y;
const DIMENSION = /^(Z|M|ZM)$/i;
/** Of WGS 84 with longitude first, as PostGIS writes it before the text. */
const SRID = /^\s*SRID\s*=\s*(\d+)\s*;/i;
const DEEPEST = 4;

/**
 * POLYGON, MULTIPOLYGON or a GEOMETRYCOLLECTION of these in Well-Known Text (OGC 06-103r4, 7) as GeoJSON; coordinates
 * are not checked yet. Throws Invalid with the place in the text.
 */
export function readPolygonWkt(text: string): object {
  const srid = SRID.exec(text);
  if (srid !== null && srid[1] !== "4326")
    throw invalid("", `SRID ${srid[1]}: a polygon is in degrees of WGS 84 (4326)`);
  return new Reader(text, srid?.[0].length ?? 0).whole();
}

class Reader {
  readonly #text: string;
  #at: number;
  #token = "";

  constructor(text: string, at: number) {
    this.#text = text;
    this.#at = at;
    this.#next();
  }

  whole(): object {
    const geometry = this.#geometry(0);
    if (this.#token !== "") throw this.#wrong("the end");
    return geometry;
  }

  #geometry(depth: number): object {
    const type = this.#token.toUpperCase();
    if (depth > DEEPEST || !/^((MULTI)?POLYGON|GEOMETRYCOLLECTION)$/.test(type))
      throw this.#wrong("POLYGON, MULTIPOLYGON or GEOMETRYCOLLECTION");
    this.#next();
    if (DIMENSION.test(this.#token)) this.#next();
    if (type === "GEOMETRYCOLLECTION")
      return { type: "GeometryCollection", geometries: this.#list(() => this.#geometry(depth + 1)) };
    const ring = (): unknown => this.#list(() => this.#position());
    const polygon = (): unknown => this.#list(ring);
    if (type === "POLYGON") return { type: "Polygon", coordinates: polygon() };
    return { type: "MultiPolygon", coordinates: this.#list(polygon) };
  }

  #list<T>(read: () => T): T[] {
    if (this.#token.toUpperCase() === "EMPTY") {
      this.#next();
      return [];
    }
    this.#expect("(");
    const found = [read()];
    while (this.#token === ",") {
      this.#next();
      found.push(read());
    }
    this.#expect(")");
    return found;
  }

  #position(): number[] {
    const found: number[] = [];
    while (found.length < 4 && /^[-+.\d]/.test(this.#token)) {
      found.push(Number(this.#token));
      this.#next();
    }
    if (found.length < 2) throw this.#wrong("a longitude and a latitude");
    return found;
  }

  #expect(symbol: string): void {
    if (this.#token !== symbol) throw this.#wrong(symbol);
    this.#next();
  }

  #next(): void {
    TOKEN.lastIndex = this.#at;
    const match = TOKEN.exec(this.#text);
    if (match === null && this.#text.slice(this.#at).trim() !== "") throw this.#wrong("Well-Known Text");
    this.#token = match === null ? "" : match[0].trim();
    this.#at += match?.[0].length ?? 0;
  }

  #wrong(expected: string): GyreError {
    return invalid("", `${expected} expected before character ${this.#at} of the Well-Known Text`);
  }
}
