import { isDeepStrictEqual } from "node:util";
import { z } from "zod";
import type { Call } from "../../../core/principal.ts";
import { GyreError } from "../../../errors.ts";
import { adHocBoundary } from "../../../flows/boundaries/ad-hoc.ts";
import type { Boundaries, Boundary } from "../../../flows/boundaries/boundary.ts";
import { type BoundaryRef, boundaryRef } from "../../../flows/jobs/boundary-ref.ts";
import { type PackageInput, processorNames } from "../../../flows/jobs/package-input.ts";
import type { Processors } from "../../../flows/processors/processor.ts";
import { type SentJob, uploadedBoundary } from "./job-upload.ts";

const DIGEST_DIGITS = 12;
const MOST_NAME = 100 - 1 - DIGEST_DIGITS;
/** Says that edges are meant as they are written: what crosses the antimeridian was cut there. */
const WORLD = [-180, -90, 180, 90] as const;

/** What `POST /v1/jobs` takes; fields that it does not know are passed over, as the founding system does. */
export const jobBody = z.object({
  boundary_name: z.string().min(1).max(100).optional(),
  processors: processorNames,
  boundary: z
    .union([z.string().min(1), z.record(z.string(), z.json())])
    .optional()
    .describe("an own polygon, as GeoJSON or WKT; its package's name begins with boundary_name then"),
});
const ofLoaded = jobBody.refine((job) => job.boundary_name !== undefined || job.boundary !== undefined, {
  path: ["boundary_name"],
  error: "is required",
});

type JobBody = z.output<typeof jobBody>;

/** Throws Invalid with the places of what is wrong. */
function parseJob(body: unknown, hasFile: boolean): JobBody {
  const parsed = (hasFile ? jobBody : ofLoaded).safeParse(body);
  if (parsed.success) return parsed.data;
  const faults = parsed.error.issues.map(({ path, message }) => ({
    pointer: path.map((key) => `/${String(key)}`).join(""),
    detail: message,
  }));
  throw new GyreError("Invalid", faults[0]?.detail ?? "this is no job", { faults });
}

/** What the flow is started with. Throws BadRequest, with the founding system's texts, for what is not here. */
export async function packageInputOf(
  { body, file }: SentJob,
  boundaries: Boundaries,
  known: Processors,
  call: Call,
): Promise<PackageInput> {
  const { boundary_name: name, boundary: sent, processors } = parseJob(body, file !== undefined);
  const own = await ownArea(sent, file, call);
  const boundary = own === undefined ? await loaded(name ?? "", boundaries, call) : ownRef(name ?? "adhoc", own);
  const missing = processors.find((processor) => known.get(processor) === undefined);
  if (missing === undefined) return { boundary, processors };
  throw new GyreError("BadRequest", `Invalid processor.version: ${missing}`, { subject: missing });
}

async function loaded(name: string, boundaries: Boundaries, call: Call): Promise<BoundaryRef> {
  const found = await boundaries.get(name, call);
  if (found !== undefined) return { name, digest: found.digest };
  throw new GyreError("BadRequest", `Requested boundary ${name} could not be found`, { subject: name });
}

/** The area that came with a job. */
async function ownArea(sent: JobBody["boundary"], file: File | undefined, call: Call): Promise<Boundary | undefined> {
  if (file !== undefined) return uploadedBoundary(file, call);
  return sent === undefined ? undefined : (await adHocBoundary(sent, {}, call)).boundary;
}

/** Other polygons are other packages, also under the same name; none is that of a boundary of this node. */
function ownRef(name: string, { geometry: { type, coordinates }, digest }: Boundary): BoundaryRef {
  if (!boundaryRef.shape.name.safeParse(name).success) {
    throw new GyreError("Invalid", `boundary_name ${name} is no name: 1 to 100 of a-z 0-9 _ -`, { subject: name });
  }
  const suffix = digest.slice("sha256:".length, "sha256:".length + DIGEST_DIGITS);
  return {
    name: `${name.slice(0, MOST_NAME)}-${suffix}`,
    digest,
    geometry: { type, coordinates: [...coordinates], bbox: [...WORLD] },
  };
}

/** Whether two jobs want the same, whatever became of the boundary meanwhile. */
export function isSamePackage(one: PackageInput, other: PackageInput): boolean {
  return one.boundary.name === other.boundary.name && isDeepStrictEqual(one.processors, other.processors);
}
