import { GyreError } from "../errors.ts";
import type { Position } from "./geometry.ts";
import type { Geometry } from "./stac.ts";
import { geometryType, WKT_LEVELS } from "./wkt.ts";

/** Collections in collections. */
const MOST_DEPTH = 16;
const TOKEN = /\s*([A-Za-z]+|[(),]|[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)/y;

/**
 * A geometry out of Well-Known Text (OGC 06-103r4, 7), also extended with `SRID=n;`. Heights are kept, measures are not.
 * Throws BadSource for what is no geometry, Unsupported for curves.
 */
export function readWkt(text: string): Geometry {
  const reader = new Reader(text.replace(/^\s*SRID=\d+;/i, ""));
  const geometry = reader.geometry(0);
  reader.end();
  return geometry;
}

class Reader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  geometry(depth: number): Geometry {
    if (depth > MOST_DEPTH) throw broken(`collections ${depth} deep`);
    const word = this.#take();
    const [, name = "", tag = ""] = /^([A-Za-z]+?)(Z|M|ZM)?$/i.exec(word) ?? [];
    const type = geometryType(name);
    if (type === undefined) throw unknown(word);
    const dimension = (/^(Z|M|ZM)$/i.test(this.#peek()) ? this.#take() : tag).toUpperCase();
    const width = 2 + dimension.length;
    if (type === "GeometryCollection") {
      return { type, geometries: this.#isEmpty() ? [] : this.#list(() => this.geometry(depth + 1)) };
    }
    if (this.#isEmpty()) return { type, coordinates: [] } as Geometry;
    const read = (): Position => this.#position(dimension, width);
    if (type === "Point") return { type, coordinates: this.#list(read)[0]! };
    if (type === "MultiPoint") return { type, coordinates: this.#list(() => this.#bare(read)) };
    return { type, coordinates: this.#nested(WKT_LEVELS[type], read) } as Geometry;
  }

  end(): void {
    if (this.#text.slice(this.#at).trim() !== "") throw broken("something follows the geometry");
  }

  #nested(levels: number, read: () => Position): unknown {
    if (this.#isEmpty()) return [];
    return this.#list(() => (levels === 1 ? read() : this.#nested(levels - 1, read)));
  }

  /** Points of a MultiPoint may stand in parentheses or not. */
  #bare(read: () => Position): Position {
    return this.#peek() === "(" ? this.#list(read)[0]! : read();
  }

  #list<T>(read: () => T): T[] {
    this.#expect("(");
    const list = [read()];
    for (;;) {
      const next = this.#take();
      if (next === ")") return list;
      if (next !== ",") throw broken("no comma between two coordinates");
      list.push(read());
    }
  }

  #position(dimension: string, width: number): Position {
    const numbers: number[] = [];
    while (/^[-+.\d]/.test(this.#peek())) numbers.push(Number(this.#take()));
    // Heights may come without being announced.
    const hasHeight = dimension === "" ? numbers.length === 3 : dimension.startsWith("Z");
    const isWide = numbers.length === width || (dimension === "" && numbers.length === 3);
    if (!isWide || !numbers.every(Number.isFinite)) throw broken(`a position of ${numbers.length} numbers`);
    return numbers.slice(0, hasHeight ? 3 : 2);
  }

  #isEmpty(): boolean {
    if (this.#peek().toUpperCase() !== "EMPTY") return false;
    this.#take();
    return true;
  }

  #expect(token: string): void {
    if (this.#take() !== token) throw broken(`no ${token} where one belongs`);
  }

  #peek(): string {
    const before = this.#at;
    const token = this.#take();
    this.#at = before;
    return token;
  }

  #take(): string {
    TOKEN.lastIndex = this.#at;
    const match = TOKEN.exec(this.#text);
    if (match === null) return "";
    this.#at = TOKEN.lastIndex;
    return match[1]!;
  }
}

function unknown(word: string): GyreError {
  const isCurve =
    /^(CIRCULARSTRING|COMPOUNDCURVE|CURVEPOLYGON|MULTICURVE|MULTISURFACE|POLYHEDRALSURFACE|TIN|TRIANGLE)/i;
  if (isCurve.test(word)) return new GyreError("Unsupported", `a geometry is a ${word}`, { subject: word });
  return broken(`${word.slice(0, 40) || "nothing"} is no geometry`);
}

function broken(reason: string): GyreError {
  return new GyreError("BadSource", `Well-Known Text: ${reason}`);
}
