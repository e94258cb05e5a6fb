import { createHash } from "node:crypto";
import { ringArea } from "../../core/geometry.ts";
import { writeWkb } from "../../core/wkb.ts";
import type { MultiPolygon } from "./boundary.ts";

type Position = readonly number[];
type Ring = readonly Position[];

/** A centimetre: no survey of a boundary is better, and files in text have as many digits or more. */
const PER_DEGREE = 1e7;

/** A position on the grid of all boundaries. */
export function snapped([x = 0, y = 0]: Position): readonly [number, number] {
  // A negative zero would be another number in bytes.
  return [Math.round(x * PER_DEGREE) / PER_DEGREE + 0, Math.round(y * PER_DEGREE) / PER_DEGREE + 0];
}

/** A closed ring on the grid, no position twice in a row; undefined where nothing is left of it. */
export function snappedRing(ring: Ring): Ring | undefined {
  const found: Position[] = [];
  for (const position of ring) {
    const next = snapped(position);
    if (!isSame(found.at(-1), next)) found.push(next);
  }
  if (isSame(found[0], found.at(-1)!)) found.pop();
  return found.length < 3 ? undefined : [...found, found[0]!];
}

/**
 * The one form of an area: outer rings counterclockwise and holes clockwise (RFC 7946, 3.1.6), each from its least
 * position on, sorted by what comes first.
 */
export function canonical({ coordinates }: MultiPolygon): MultiPolygon {
  const polygons = coordinates.map(([outer = [], ...holes]) => [
    normal(outer, true),
    ...holes.map((hole) => normal(hole, false)).sort(compareRings),
  ]);
  return { type: "MultiPolygon", coordinates: polygons.sort(([a = []], [b = []]) => compareRings(a, b)) };
}

/** SHA-256 of the canonical form as little-endian WKB: any tool can make it again. */
export function digestOf(geometry: MultiPolygon): string {
  return `sha256:${createHash("sha256").update(writeWkb(geometry)).digest("hex")}`;
}

function normal(ring: Ring, isOuter: boolean): Ring {
  const open = ring.slice(0, -1);
  if (ringArea(ring) > 0 !== isOuter) open.reverse();
  let least = 0;
  for (let i = 1; i < open.length; i++) if (compare(open[i]!, open[least]!) < 0) least = i;
  return [...open.slice(least), ...open.slice(0, least), open[least]!];
}

function compareRings(a: Ring, b: Ring): number {
  for (let i = 0; i < Math.min(a.length, b.length); i++) {
    const order = compare(a[i]!, b[i]!);
    if (order !== 0) return order;
  }
  return a.length - b.length;
}

function compare([ax = 0, ay = 0]: Position, [bx = 0, by = 0]: Position): number {
  return ax - bx || ay - by;
}

function isSame(a: Position | undefined, b: Position): boolean {
  return a !== undefined && a[0] === b[0] && a[1] === b[1];
}
