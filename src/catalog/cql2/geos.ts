import type { Geometry } from "../../core/stac.ts";
import type { SpatialOp } from "./expression.ts";
import { writeWkb } from "./wkb.ts";

/** A geometry in the memory of GEOS: freed by hand, since no collector sees that memory. */
export interface Shape extends Disposable {
  readonly pointer: number;
}

/** Spatial predicates of GEOS (JTS, as in PostGIS), in the plane of longitude and latitude. */
export interface Geos {
  /** Undefined: GEOS makes no geometry of it. What crosses itself is repaired, as a reader would see it. */
  shape(geometry: Geometry): Shape | undefined;
  /** Why a geometry is invalid, as GEOS says it; undefined when it is valid. */
  fault(geometry: Geometry): string | undefined;
  /** Undefined: the geometries cannot be compared. */
  test(op: SpatialOp, left: Shape, right: Shape): boolean | undefined;
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
  const read = (geometry: Geometry): number => {
    const bytes = writeWkb(geometry);
    const at = geos.Module._malloc(bytes.length);
    try {
      geos.Module.HEAPU8.set(bytes, at);
      return geos.GEOSWKBReader_read(reader, at, bytes.length);
    } finally {
      geos.Module._free(at);
    }
  };
  return {
    shape(geometry) {
      const raw = read(geometry);
      if (raw === 0) return undefined;
      if (geos.GEOSisValid(raw) === 1) return { pointer: raw, [Symbol.dispose]: () => geos.GEOSGeom_destroy(raw) };
      const repaired = geos.GEOSMakeValid(raw);
      geos.GEOSGeom_destroy(raw);
      if (repaired === 0) return undefined;
      return { pointer: repaired, [Symbol.dispose]: () => geos.GEOSGeom_destroy(repaired) };
    },
    fault(geometry) {
      const raw = read(geometry);
      if (raw === 0) return "no geometry";
      try {
        if (geos.GEOSisValid(raw) === 1) return undefined;
        const at = geos.GEOSisValidReason(raw);
        const reason = at === 0 ? "invalid" : geos.Module.UTF8ToString(at);
        if (at !== 0) geos.GEOSFree(at);
        return reason;
      } finally {
        geos.GEOSGeom_destroy(raw);
      }
    },
    test(op, left, right) {
      const answer = predicates[op](left.pointer, right.pointer);
      // 2: an exception, as between collections.
      return answer === 2 ? undefined : answer === 1;
    },
  };
}
