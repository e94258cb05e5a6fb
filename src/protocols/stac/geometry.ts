import { z } from "zod";

/** Positions of one geometry that a client may send. */
const MOST_POSITIONS = 20_000;

const position = z.array(z.number()).min(2).max(4);
const line = z.array(position).min(2);
const ring = z.array(position).min(4).refine(isClosed, "has a ring that does not end where it begins");
const polygon = z.array(ring).min(1);

const simple = z.discriminatedUnion("type", [
  z.object({ type: z.literal("Point"), coordinates: position }),
  z.object({ type: z.literal("MultiPoint"), coordinates: z.array(position).min(1) }),
  z.object({ type: z.literal("LineString"), coordinates: line }),
  z.object({ type: z.literal("MultiLineString"), coordinates: z.array(line).min(1) }),
  z.object({ type: z.literal("Polygon"), coordinates: polygon }),
  z.object({ type: z.literal("MultiPolygon"), coordinates: z.array(polygon).min(1) }),
]);

/** A GeoJSON geometry (RFC 7946, 3.1) in WGS 84 degrees. */
export const geometrySchema = z
  .union([simple, z.object({ type: z.literal("GeometryCollection"), geometries: z.array(simple).min(1).max(1000) })])
  .superRefine((geometry, context) => {
    let count = 0;
    let isOutside = false;
    const visit = (value: unknown): void => {
      if (!Array.isArray(value)) return;
      if (typeof value[0] !== "number") {
        value.forEach(visit);
        return;
      }
      count++;
      isOutside ||= Math.abs(value[0]) > 180 || Math.abs(value[1]) > 90;
    };
    if (geometry.type === "GeometryCollection") for (const part of geometry.geometries) visit(part.coordinates);
    else visit(geometry.coordinates);
    if (count > MOST_POSITIONS) context.addIssue(`has ${count} positions, at most ${MOST_POSITIONS} are taken`);
    if (isOutside) context.addIssue("has a position outside longitude -180 to 180, latitude -90 to 90");
  });

function isClosed(positions: readonly (readonly number[])[]): boolean {
  const [first, last] = [positions[0], positions.at(-1)];
  return first?.[0] === last?.[0] && first?.[1] === last?.[1];
}
