import { GyreError } from "../errors.ts";
import { type BBox, bboxOf } from "./geometry.ts";
import type { Geometry } from "./stac.ts";
import { writeWkb } from "./wkb.ts";
import { readWkb } from "./wkb-reader.ts";

/** A geometry in the memory of GEOS: freed by hand, since no collector sees that memory. */
export interface Shape extends Disposable {
  readonly pointer: number;
}

/** A shape that is compared with many; the shape itself must live as long. */
export interface PreparedShape extends Disposable {
  intersects(other: Shape): boolean;
  /** What lies wholly on its boundary is not contained, but covered. */
  contains(other: Shape): boolean;
  covers(other: Shape): boolean;
}

export interface Repaired {
  readonly geometry: Geometry;
  /** What was wrong, as GEOS says it; undefined when nothing was. */
  readonly fault: string | undefined;
}

/**
 * How MakeValid sees rings that cross: `linework` (the default) keeps every point and leaves out what is enclosed twice;
 * `structure` makes each ring valid, unites outer rings and takes holes away, some ten times as fast.
 */
export type RepairMethod = "linework" | "structure";

/** Predicates by their names in CQL2 (OGC 21-065r2, 7.4). */
export type SpatialOp =
  | "s_intersects"
  | "s_equals"
  | "s_disjoint"
  | "s_touches"
  | "s_within"
  | "s_overlaps"
  | "s_crosses"
  | "s_contains";

/** Predicates and operations of GEOS (JTS, as in PostGIS), in the plane of x and y. */
export interface Geos {
  /** Undefined: GEOS makes no geometry of it. What crosses itself is repaired, as a reader would see it. */
  shape(geometry: Geometry): Shape | undefined;
  geometry(shape: Shape): Geometry;
  /** Why a geometry is invalid, as GEOS says it; undefined when it is valid. */
  fault(geometry: Geometry): string | undefined;
  /** A valid geometry of the same points (MakeValid). Undefined: GEOS makes no geometry of it. */
  repair(geometry: Geometry, method?: RepairMethod): Repaired | undefined;
  /** Undefined: the geometries cannot be compared. */
  test(op: SpatialOp, left: Shape, right: Shape): boolean | undefined;
  /**
   * What both have in common, with heights between those of its neighbours; undefined where that is nothing. Throws
   * Unsupported where GEOS finds no answer.
   */
  intersection(left: Shape, right: Shape): Geometry | undefined;
  /** All that lies in any of them. */
  union(shape: Shape): Geometry | undefined;
  prepare(shape: Shape): PreparedShape;
  /** In square units of the coordinates. */
  area(shape: Shape): number;
  /** Undefined: it is empty. */
  envelope(shape: Shape): BBox | undefined;
  /** Bytes that GEOS has taken of memory; it never gives any back. */
  memory(): number;
}

let loaded: Promise<Geos> | undefined;

/** GEOS, loaded at its first use (4 MB). */
export function loadGeos(): Promise<Geos> {
  loaded ??= load().catch((error: unknown) => {
    loaded = undefined;
    throw error;
  });
  return loaded;
}

/** With heights: those do not count for predicates, but operations keep them. */
const HEIGHTS = { heights: true } as const;
/** WKB as OGC 06-103r4 and ISO write it. */
const ISO_FLAVOR = 2;
/** GEOS_MAKE_VALID_STRUCTURE. */
const STRUCTURE = 1;

async function load(): Promise<Geos> {
  const { default: initGeosJs } = await import("geos-wasm");
  const quiet = (): void => undefined;
  const geos = await initGeosJs({ errorHandler: quiet, noticeHandler: quiet });
  const predicates: Readonly<Record<SpatialOp, (a: number, b: number) => number>> = {
    s_intersects: geos.GEOSIntersects,
    s_equals: geos.GEOSEquals,
    s_disjoint: geos.GEOSDisjoint,
    s_touches: geos.GEOSTouches,
    s_within: geos.GEOSWithin,
    s_overlaps: geos.GEOSOverlaps,
    s_crosses: geos.GEOSCrosses,
    s_contains: geos.GEOSContains,
  };
  const reader = geos.GEOSWKBReader_create();
  /** Closes rings, and takes those that are too short: for what the other one refuses. */
  const mender = geos.GEOSWKBReader_create();
  geos.GEOSWKBReader_setFixStructure(mender, 1);
  const writer = geos.GEOSWKBWriter_create();
  geos.GEOSWKBWriter_setOutputDimension(writer, 3);
  geos.GEOSWKBWriter_setFlavor(writer, ISO_FLAVOR);
  const structure = geos.GEOSMakeValidParams_create();
  geos.GEOSMakeValidParams_setMethod(structure, STRUCTURE);
  /** Room for a number that GEOS answers beside its result. */
  const answer = geos.Module._malloc(8);

  const read = (geometry: Geometry, by = reader): number => {
    const bytes = writeWkb(geometry, HEIGHTS);
    const at = geos.Module._malloc(bytes.length);
    try {
      geos.Module.HEAPU8.set(bytes, at);
      return geos.GEOSWKBReader_read(by, at, bytes.length);
    } finally {
      geos.Module._free(at);
    }
  };
  const write = (pointer: number): Geometry => {
    const at = geos.GEOSWKBWriter_write(writer, pointer, answer);
    try {
      const length = geos.Module.getValue(answer, "i32");
      return readWkb(geos.Module.HEAPU8.subarray(at, at + length));
    } finally {
      geos.GEOSFree(at);
    }
  };
  const owned = (pointer: number): Shape => ({ pointer, [Symbol.dispose]: () => geos.GEOSGeom_destroy(pointer) });
  /** Reads a result and frees it; 0 and the empty are none. */
  const taken = (pointer: number): Geometry | undefined => {
    if (pointer === 0) return undefined;
    using shape = owned(pointer);
    return geos.GEOSisEmpty(shape.pointer) === 1 ? undefined : write(shape.pointer);
  };
  const reasonOf = (pointer: number): string | undefined => {
    if (geos.GEOSisValid(pointer) === 1) return undefined;
    const at = geos.GEOSisValidReason(pointer);
    const reason = at === 0 ? "invalid" : geos.Module.UTF8ToString(at);
    if (at !== 0) geos.GEOSFree(at);
    return reason;
  };

  return {
    shape(geometry) {
      const raw = read(geometry) || read(geometry, mender);
      if (raw === 0 || geos.GEOSisValid(raw) === 1) return raw === 0 ? undefined : owned(raw);
      using invalid = owned(raw);
      const repaired = geos.GEOSMakeValid(invalid.pointer);
      return repaired === 0 ? undefined : owned(repaired);
    },
    geometry: (shape) => write(shape.pointer),
    fault(geometry) {
      const raw = read(geometry);
      if (raw === 0) return "no geometry";
      using shape = owned(raw);
      return reasonOf(shape.pointer);
    },
    repair(geometry, method = "linework") {
      const whole = read(geometry);
      const raw = whole || read(geometry, mender);
      if (raw === 0) return undefined;
      using shape = owned(raw);
      const fault = whole === 0 ? "Ring that is not closed, or too short" : reasonOf(shape.pointer);
      if (fault === undefined) return { geometry, fault };
      const repaired = taken(
        method === "linework"
          ? geos.GEOSMakeValid(shape.pointer)
          : geos.GEOSMakeValidWithParams(shape.pointer, structure),
      );
      return repaired && { geometry: repaired, fault };
    },
    test(op, left, right) {
      const answered = predicates[op](left.pointer, right.pointer);
      // 2: an exception, as between collections.
      return answered === 2 ? undefined : answered === 1;
    },
    intersection(left, right) {
      const common = geos.GEOSIntersection(left.pointer, right.pointer);
      if (common === 0) throw new GyreError("Unsupported", "GEOS finds no intersection of two geometries");
      return taken(common);
    },
    union: (shape) => taken(geos.GEOSUnaryUnion(shape.pointer)),
    prepare(shape) {
      const prepared = geos.GEOSPrepare(shape.pointer);
      return {
        intersects: (other) => geos.GEOSPreparedIntersects(prepared, other.pointer) === 1,
        contains: (other) => geos.GEOSPreparedContains(prepared, other.pointer) === 1,
        covers: (other) => geos.GEOSPreparedCovers(prepared, other.pointer) === 1,
        [Symbol.dispose]: () => geos.GEOSPreparedGeom_destroy(prepared),
      };
    },
    area(shape) {
      geos.GEOSArea(shape.pointer, answer);
      return geos.Module.getValue(answer, "double");
    },
    envelope: (shape) => bboxOf(write(shape.pointer)),
    memory: () => geos.Module.HEAPU8.byteLength,
  };
}
