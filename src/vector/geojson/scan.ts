import { badSource } from "../../errors.ts";

/** One feature of `features`, or a member of an object at the top (`features` excepted), as JSON text. */
export type Scanned =
  | { readonly kind: "feature"; readonly text: string }
  | { readonly kind: "member"; readonly name: string; readonly text: string }
  /** An object at the top has ended. */
  | { readonly kind: "end" };

/** Of one value: a feature, or a geometry. */
const MOST_BYTES = 256 * 1024 * 1024;
const MOST_DEPTH = 128;
/** Members that mean something (RFC 7946, and `crs` and `name` of its forerunner); others are passed over. */
const KEPT = new Set(["type", "id", "geometry", "properties", "coordinates", "geometries", "crs", "name"]);

type State = "top" | "key" | "inKey" | "colon" | "value" | "inValue" | "element" | "inElement";

const [QUOTE, BACKSLASH, COLON, COMMA] = [0x22, 0x5c, 0x3a, 0x2c];
const [BRACE, BRACE_END, BRACKET, BRACKET_END] = [0x7b, 0x7d, 0x5b, 0x5d];

const isSpace = (byte: number): boolean => byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;

/**
 * Finds the features in GeoJSON of any size: objects one after the other (newline-delimited, or a text sequence of RFC
 * 8142) of which each is a feature, a geometry or a collection. Only one value is held at a time.
 */
export class Scanner {
  readonly #name: string;
  #state: State = "top";
  /** Brackets open within the value. */
  #depth = 0;
  #isString = false;
  #isEscaped = false;
  #isScalar = false;
  #key = "";
  #parts: Uint8Array[] = [];
  #held = 0;
  #offset = 0;

  constructor(name: string) {
    this.#name = name;
  }

  *push(chunk: Uint8Array): Generator<Scanned> {
    let start = 0;
    for (let i = 0; i < chunk.length; ) {
      if (this.#state === "inKey" || this.#state === "inValue" || this.#state === "inElement") {
        const end = this.#valueEnd(chunk, i);
        if (end === -1) break;
        this.#hold(chunk.subarray(start, end));
        yield* this.#ended();
        i = end;
      } else {
        const byte = chunk[i]!;
        if (isSpace(byte)) i++;
        else {
          start = i;
          const found = this.#begin(byte, i);
          if (found !== undefined) yield found;
          // The first byte of a value is looked at again, as a part of it.
          if (!this.#state.startsWith("in")) i++;
        }
      }
    }
    if (this.#state.startsWith("in")) this.#hold(chunk.slice(start));
    this.#offset += chunk.length;
  }

  finish(): void {
    if (this.#state !== "top") throw this.#broken(0, "the JSON is cut off");
  }

  /** What a byte between values does. */
  #begin(byte: number, i: number): Scanned | undefined {
    switch (this.#state) {
      case "top":
        // A record separator, or the mark of UTF-8.
        if (byte === 0x1e || (this.#offset === 0 && i < 3 && byte >= 0xbb)) return undefined;
        if (byte !== BRACE) break;
        this.#state = "key";
        return undefined;
      case "key":
        if (byte === BRACE_END) {
          this.#state = "top";
          return { kind: "end" };
        }
        if (byte === COMMA) return undefined;
        if (byte !== QUOTE) break;
        this.#open("inKey");
        return undefined;
      case "colon":
        if (byte !== COLON) break;
        this.#state = "value";
        return undefined;
      case "value":
        if (byte === BRACKET && this.#key === "features") this.#state = "element";
        else this.#open("inValue");
        return undefined;
      case "element":
        if (byte === BRACKET_END) this.#state = "key";
        else if (byte === BRACE) this.#open("inElement");
        else if (byte !== COMMA) break;
        return undefined;
    }
    throw this.#broken(i, "no JSON of GeoJSON");
  }

  #open(state: "inKey" | "inValue" | "inElement"): void {
    this.#state = state;
    [this.#depth, this.#isString, this.#isEscaped, this.#isScalar] = [0, false, false, false];
  }

  /** Index behind the end of the value, or -1 when it goes on beyond the chunk. */
  #valueEnd(chunk: Uint8Array, from: number): number {
    for (let i = from; i < chunk.length; i++) {
      const byte = chunk[i]!;
      if (this.#isString) {
        if (this.#isEscaped) this.#isEscaped = false;
        else if (byte === BACKSLASH) this.#isEscaped = true;
        else if (byte === QUOTE) {
          this.#isString = false;
          if (this.#depth === 0) return i + 1;
        }
      } else if (byte === QUOTE) this.#isString = true;
      else if (byte === BRACE || byte === BRACKET) {
        if (++this.#depth > MOST_DEPTH) throw this.#broken(i, "JSON nested too deeply");
      } else if (byte === BRACE_END || byte === BRACKET_END) {
        if (this.#depth === 0 && this.#isScalar) return i;
        if (--this.#depth <= 0) return i + 1;
      } else if (this.#depth === 0) {
        if (byte === COMMA || isSpace(byte)) return i;
        this.#isScalar = true;
      }
    }
    return -1;
  }

  #hold(part: Uint8Array): void {
    const isWanted = this.#state !== "inValue" || KEPT.has(this.#key);
    if (!isWanted) return;
    this.#held += part.length;
    if (this.#held > MOST_BYTES) throw this.#broken(0, `a value of more than ${MOST_BYTES} bytes`);
    this.#parts.push(part);
  }

  *#ended(): Generator<Scanned> {
    const text = Buffer.concat(this.#parts).toString("utf8");
    [this.#parts, this.#held] = [[], 0];
    const state = this.#state;
    if (state === "inKey") {
      this.#key = text.slice(1, -1);
      this.#state = "colon";
    } else if (state === "inElement") {
      this.#state = "element";
      yield { kind: "feature", text };
    } else {
      this.#state = "key";
      if (KEPT.has(this.#key)) yield { kind: "member", name: this.#key, text };
    }
  }

  #broken(at: number, reason: string): Error {
    return badSource(this.#name, this.#offset + at, reason);
  }
}
