import { feature } from "topojson-client";
import type { GeometryCollection, Topology } from "topojson-specification";
import topology from "world-atlas/land-110m.json" with { type: "json" };

/** Rows between the cell's edges at which coastlines are met. */
const SUBROWS = 3;

/** The share of each cell that is land, south to north, for a regular grid whose first cell is centred on 0 degrees east. */
export function landFraction(rows: number, columns: number): Float32Array {
  const out = new Float32Array(rows * columns);
  const edges = coastlines();
  const height = 180 / rows;
  for (let row = 0; row < rows; row++) {
    for (let sub = 0; sub < SUBROWS; sub++) {
      const latitude = -90 + height * (row + (sub + 0.5) / SUBROWS);
      const cells = out.subarray(row * columns, (row + 1) * columns);
      const crossings = crossingsAt(edges, latitude);
      // The coast of Antarctica runs around the pole: south of it no coast is met any more.
      if (crossings.length === 0 && latitude < -80) cover(cells, -180, 180);
      crossings.forEach(({ longitude, isWestCoast }, i) => {
        if (!isWestCoast) return;
        const next = crossings[(i + 1) % crossings.length]!.longitude;
        cover(cells, longitude, next > longitude ? next : next + 360);
      });
    }
  }
  return out;
}

/** Straight pieces of coast: `[lon, lat, lon, lat, ...]`, four numbers each. */
function coastlines(): Float64Array {
  const { type, objects, arcs, transform } = topology as Topology<{ land: GeometryCollection }>;
  const land = feature({ type, objects, arcs, transform }, objects.land);
  const numbers: number[] = [];
  for (const { geometry } of land.features) {
    if (geometry.type !== "MultiPolygon") continue;
    for (const ring of geometry.coordinates.flat()) {
      for (let i = 1; i < ring.length; i++) numbers.push(...ring[i - 1]!.slice(0, 2), ...ring[i]!.slice(0, 2));
    }
  }
  return Float64Array.from(numbers);
}

interface Crossing {
  readonly longitude: number;
  readonly isWestCoast: boolean;
}

/**
 * Where a parallel meets coasts, west to east. Rings have land on their right, also those that run across the date line
 * or around a pole: one that goes north has its land in the east.
 */
function crossingsAt(edges: Float64Array, latitude: number): Crossing[] {
  const out: Crossing[] = [];
  for (let i = 0; i < edges.length; i += 4) {
    const [x0, y0, x1, y1] = [edges[i]!, edges[i + 1]!, edges[i + 2]!, edges[i + 3]!];
    if (y0 <= latitude === y1 <= latitude) continue;
    // The shorter way around, which may lead across the date line.
    const step = ((x1 - x0 + 540) % 360) - 180;
    const longitude = x0 + ((latitude - y0) / (y1 - y0)) * step;
    out.push({ longitude: ((longitude + 540) % 360) - 180, isWestCoast: y1 > y0 });
  }
  return out.sort((a, b) => a.longitude - b.longitude);
}

function cover(row: Float32Array, west: number, east: number): void {
  const width = 360 / row.length;
  // Cell i reaches from (i - 1/2) to (i + 1/2) widths.
  const from = west / width + 0.5;
  const to = east / width + 0.5;
  for (let cell = Math.floor(from); cell < to; cell++) {
    const share = Math.min(cell + 1, to) - Math.max(cell, from);
    row[(cell + row.length) % row.length]! += share / SUBROWS;
  }
}
