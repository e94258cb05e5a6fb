import { bboxOf } from "../../core/geometry.ts";
import type { Geometry } from "../../core/stac.ts";
import { writeWkb } from "../../core/wkb.ts";
import { readWkb } from "../../core/wkb-reader.ts";
import { GyreError } from "../../errors.ts";

/** Bytes of the envelope by its code (GeoPackage 1.3, table 6). */
const ENVELOPES = [0, 32, 48, 48, 64];
const [LITTLE, XY, EMPTY, EXTENDED] = [0x01, 0x02, 0x10, 0x20];

/** A geometry out of its column (GeoPackage 1.3, 2.1.3). Throws BadSource for what is none. */
export function readBlob(bytes: Uint8Array): Geometry {
  if (bytes.length < 8 || bytes[0] !== 0x47 || bytes[1] !== 0x50)
    throw new GyreError("BadSource", "a geometry does not begin with GP");
  const flags = bytes[3]!;
  if ((flags & EXTENDED) !== 0) throw new GyreError("Unsupported", "a geometry of an extended GeoPackage type");
  const envelope = ENVELOPES[(flags >> 1) & 7];
  if (envelope === undefined) throw new GyreError("BadSource", "a geometry has an envelope of no known kind");
  return readWkb(bytes.subarray(Math.min(8 + envelope, bytes.length)));
}

/** A geometry as its column has it, with an envelope for those that are more than a point. */
export function writeBlob(geometry: Geometry, srsId: number): Uint8Array {
  const box = bboxOf(geometry);
  const wkb = writeWkb(geometry, { heights: true });
  const envelope = box === undefined || geometry.type === "Point" ? undefined : box;
  const head = envelope === undefined ? 8 : 40;
  const bytes = new Uint8Array(head + wkb.length);
  const view = new DataView(bytes.buffer);
  bytes.set([0x47, 0x50, 0, LITTLE | (envelope === undefined ? 0 : XY) | (box === undefined ? EMPTY : 0)]);
  view.setInt32(4, srsId, true);
  if (envelope !== undefined) {
    const [west, south, east, north] = envelope;
    for (const [i, edge] of [west, east, south, north].entries()) view.setFloat64(8 + 8 * i, edge, true);
  }
  bytes.set(wkb, head);
  return bytes;
}
