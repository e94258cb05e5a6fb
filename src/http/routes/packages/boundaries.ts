import { z } from "zod";
import type { Geometry } from "../../../core/stac.ts";
import { GyreError } from "../../../errors.ts";
import type { Boundaries, Boundary, BoundarySummary } from "../../../flows/boundaries/boundary.ts";
import { jsonResponse } from "../../../protocols/document.ts";
import type { Protocol, Route, RouteCall } from "../../../protocols/protocol.ts";

export interface BoundaryRoutesOptions {
  boundaries(): Promise<Boundaries>;
}

const JSON_TYPE = "application/json";
const PATH = "/v1/boundaries";

const degrees = z
  .string()
  .regex(/^\s*[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?\s*$/i, "is no number")
  .describe("decimal degrees of WGS 84");
const searchQuery = z.strictObject({
  name: z.string().min(1).max(200).optional().describe("part of a long name, whatever its case and accents"),
  latitude: degrees.optional(),
  longitude: degrees.optional(),
});

/** `/v1/boundaries`: areas that packages are made for, in the shapes of the founding system. */
export function createBoundaryRoutes(options: BoundaryRoutesOptions): Protocol {
  async function listed({ request, call }: RouteCall): Promise<Response> {
    const found = await (await options.boundaries()).list(call);
    return jsonResponse(request, found.map(summaryOf));
  }

  async function searched({ request, query, call }: RouteCall): Promise<Response> {
    const boundaries = await options.boundaries();
    const { name, latitude, longitude } = query;
    if (name !== undefined) return jsonResponse(request, (await boundaries.byText(name, call)).map(summaryOf));
    if (latitude === undefined || longitude === undefined)
      throw new GyreError("BadRequest", "A search takes name=..., or latitude=... and longitude=...");
    const found = await boundaries.byPoint(Number(longitude), Number(latitude), call);
    return jsonResponse(request, found.map(summaryOf));
  }

  async function one({ request, params: { name = "" }, call }: RouteCall): Promise<Response> {
    const boundary = await (await options.boundaries()).get(name, call);
    if (boundary === undefined)
      throw new GyreError("NotFound", `Requested boundary ${name} could not be found`, { subject: name });
    return jsonResponse(request, detailOf(boundary));
  }

  const route = (path: string, summary: string, handle: Route["handle"], others: Route["responses"]): Route => ({
    method: "GET",
    path,
    summary,
    responses: { 200: { description: summary, types: [JSON_TYPE] }, ...others },
    role: "read",
    handle,
  });
  return {
    name: "boundaries",
    summary: "Areas that data packages are made for",
    conformsTo: [],
    routes: [
      route(PATH, "All boundaries, by their long names", listed, {}),
      {
        ...route(`${PATH}/search`, "Boundaries by part of a long name, or by a point in them", searched, {
          400: { description: "Neither a name nor a point" },
        }),
        query: searchQuery,
      },
      route(`${PATH}/:name`, "A boundary with its geometry", one, {
        404: { description: "There is no such boundary" },
      }),
    ],
  };
}

function summaryOf({ name, nameLong }: BoundarySummary): object {
  return { name, name_long: nameLong };
}

/** A boundary as the founding system writes it; `bbox` and `digest` are new. */
export function detailOf(boundary: Boundary): object {
  const { adminLevel, geometry, bbox, digest } = boundary;
  return {
    ...summaryOf(boundary),
    admin_level: String(adminLevel),
    geometry,
    envelope: envelopeOf(bbox),
    bbox,
    digest,
  };
}

/** Longitudes go on beyond 180 where it lies across the antimeridian, so that it is one polygon there as well. */
function envelopeOf([west, south, east, north]: Boundary["bbox"]): Geometry {
  const end = east < west ? east + 360 : east;
  const corners = [
    [west, south],
    [end, south],
    [end, north],
    [west, north],
    [west, south],
  ];
  return { type: "Polygon", coordinates: [corners] };
}
