import type { Geometry } from "../../core/stac.ts";
import { geometryType, WKT_LEVELS } from "../../core/wkt.ts";
import type { Operand } from "./expression.ts";
import { boxFault, boxGeometry, checkGeometry } from "./geometry.ts";
import { parseLiteral } from "./instant.ts";
import { type Budget, isName, refusedText, UNNAMED } from "./limits.ts";
import type { TextReader } from "./text-reader.ts";

const WORDS = new Set(["date", "timestamp", "interval", "bbox"]);

/** Whether the word that comes begins an instant, an interval or a geometry, and is no property of such a name. */
export function isValueWord(reader: TextReader, word: string): boolean {
  if (WORDS.has(word.toLowerCase())) return reader.isCall();
  return geometryType(word) !== undefined && (reader.isCall() || isDimension(reader.wordAfter()));
}

/** Reads DATE('...'), TIMESTAMP('...'), INTERVAL(a, b), BBOX(...) or Well-Known Text. */
export function parseValue(reader: TextReader, budget: Budget, depth: number): Operand {
  const word = reader.peek().text.toLowerCase();
  if (geometryType(word) !== undefined) return { kind: "geometry", geometry: parseWkt(reader, budget, depth) };
  const { at } = reader.take();
  reader.expectSymbol("(");
  if (word === "bbox") return parseBox(reader, at);
  if (word === "interval") {
    const start = parseBound(reader);
    reader.expectSymbol(",");
    const end = parseBound(reader);
    reader.expectSymbol(")");
    return checkedInterval(start, end, at);
  }
  const operand = parseInstant(reader, word === "date");
  reader.expectSymbol(")");
  return operand;
}

function parseInstant(reader: TextReader, isDate?: boolean): Operand {
  const token = reader.take();
  const literal = token.kind === "string" ? parseLiteral(token.text) : undefined;
  if (literal !== undefined && (isDate === undefined || literal.isDate === isDate))
    return { kind: "instant", ...literal };
  const allowed =
    isDate === undefined
      ? ["'2020-01-31'", "'2020-01-31T12:00:00Z'", "'..'", "a property"]
      : [isDate ? "'2020-01-31'" : "'2020-01-31T12:00:00Z'"];
  throw refusedText(token.at, `expected ${allowed.join(" or ")}`, allowed);
}

function parseBound(reader: TextReader): Operand | ".." {
  const token = reader.peek();
  if (token.kind === "string" && token.text === "..") {
    reader.take();
    return "..";
  }
  const word = token.text.toLowerCase();
  if (token.kind === "name" && (word === "date" || word === "timestamp") && reader.isCall()) {
    reader.take();
    reader.expectSymbol("(");
    const operand = parseInstant(reader, word === "date");
    reader.expectSymbol(")");
    return operand;
  }
  if (token.kind !== "name" && token.kind !== "quoted") return parseInstant(reader);
  if (!isName(token.text)) throw refusedText(token.at, UNNAMED);
  reader.take();
  return { kind: "property", name: token.text };
}

function checkedInterval(start: Operand | "..", end: Operand | "..", at: number): Operand {
  const isBackwards = start !== ".." && end !== ".." && start.kind === "instant" && end.kind === "instant";
  if (isBackwards && start.at > end.at) throw refusedText(at, "an interval that ends before it starts");
  return { kind: "interval", start, end };
}

function parseBox(reader: TextReader, at: number): Operand {
  const bbox = [parseNumber(reader)];
  while (reader.takeSymbol(",") && bbox.length < 7) bbox.push(parseNumber(reader));
  reader.expectSymbol(")");
  const fault = boxFault(bbox);
  if (fault !== undefined) throw refusedText(at, fault, ["BBOX(west, south, east, north)"]);
  return { kind: "geometry", geometry: boxGeometry(bbox), bbox };
}

function parseWkt(reader: TextReader, budget: Budget, depth: number): Geometry {
  const { at } = reader.peek();
  const value = readWkt(reader, budget, depth);
  return checkGeometry(value, budget, (_pointer, reason) => refusedText(at, reason));
}

/** The geometry as GeoJSON, not yet checked. */
function readWkt(reader: TextReader, budget: Budget, depth: number): unknown {
  budget.node(depth);
  const type = geometryType(reader.peek().text);
  if (type === undefined) throw reader.refuse(["a geometry in Well-Known Text"]);
  reader.take();
  if (reader.peek().kind === "name" && isDimension(reader.peek().text.toLowerCase())) reader.take();
  if (type === "GeometryCollection") {
    reader.expectSymbol("(");
    const geometries = [readWkt(reader, budget, depth + 1)];
    while (reader.takeSymbol(",")) geometries.push(readWkt(reader, budget, depth + 1));
    reader.expectSymbol(")");
    return { type, geometries };
  }
  const coordinates = readLevels(reader, WKT_LEVELS[type], type === "MultiPoint");
  if (type !== "Point") return { type, coordinates };
  if (coordinates.length !== 1) throw reader.refuse(["one position"]);
  return { type, coordinates: coordinates[0] };
}

function readLevels(reader: TextReader, levels: number, isMultiPoint: boolean): unknown[] {
  reader.expectSymbol("(");
  const parts: unknown[] = [];
  do parts.push(readPart(reader, levels, isMultiPoint));
  while (reader.takeSymbol(","));
  reader.expectSymbol(")");
  return parts;
}

/** The points of a MULTIPOINT may do without parentheses of their own (06-103r4, 7.2.2). */
function readPart(reader: TextReader, levels: number, isMultiPoint: boolean): unknown {
  const isBare = isMultiPoint && reader.peek().text !== "(";
  if (levels === 1 || isBare) return readPosition(reader);
  const part = readLevels(reader, levels - 1, false);
  if (isMultiPoint && part.length !== 1) throw reader.refuse(["one position"]);
  return isMultiPoint ? part[0] : part;
}

function readPosition(reader: TextReader): number[] {
  const position = [parseNumber(reader)];
  while (position.length < 5 && /^(?:[-+]|[\d.].*)$/.test(reader.peek().text)) position.push(parseNumber(reader));
  return position;
}

function parseNumber(reader: TextReader): number {
  const isNegative = reader.takeSymbol("-");
  if (!isNegative) reader.takeSymbol("+");
  const token = reader.peek();
  if (token.kind !== "number") throw reader.refuse(["a number"]);
  reader.take();
  return isNegative ? -token.value : token.value;
}

function isDimension(word: string | undefined): boolean {
  return word === "z" || word === "m" || word === "zm";
}
