import { z } from "zod";
import type { Call } from "../../core/principal.ts";
import { GyreError } from "../../errors.ts";
import { adHocBoundary } from "../boundaries/ad-hoc.ts";
import type { Boundaries, Boundary } from "../boundaries/boundary.ts";

/** How a run names its boundary: one that was loaded, or one that came with the job. */
export const boundaryRef = z.strictObject({
  name: z
    .string()
    .regex(/^[a-z0-9_-]{1,100}$/, "is no name of a boundary")
    .describe("of a boundary of this node, or of the package of an own polygon"),
  digest: z
    .string()
    .regex(/^sha256:[0-9a-f]{64}$/)
    .optional()
    .describe("refuses a boundary that is another one by now"),
  geometry: z
    .object({
      type: z.enum(["Polygon", "MultiPolygon"]),
      coordinates: z.array(z.unknown()).min(1).max(100_000),
      bbox: z.array(z.number()).max(6).optional(),
    })
    .optional()
    .describe("an own polygon, in degrees of WGS 84"),
});

export type BoundaryRef = z.output<typeof boundaryRef>;

/** The boundary that is meant. Throws NotFound when there is none, or another one by now. */
export async function boundaryOf(ref: BoundaryRef, boundaries: Boundaries, call: Call): Promise<Boundary> {
  const { name, digest, geometry } = ref;
  const loaded = await boundaries.get(name, call);
  if (loaded !== undefined && geometry !== undefined) {
    throw new GyreError("BadRequest", `${name} is a boundary of this node: own polygons need names of their own`, {
      subject: name,
    });
  }
  const found = geometry === undefined ? loaded : (await adHocBoundary(geometry, { name }, call)).boundary;
  if (found === undefined) {
    throw new GyreError("NotFound", `Requested boundary ${name} could not be found`, { subject: name });
  }
  if (digest !== undefined && digest !== found.digest) {
    throw new GyreError("NotFound", `boundary ${name} has changed since it was asked for`, { subject: name });
  }
  return found;
}
