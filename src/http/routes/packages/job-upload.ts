import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Call } from "../../../core/principal.ts";
import { GyreError, isGyreError } from "../../../errors.ts";
import type { Boundary } from "../../../flows/boundaries/boundary.ts";
import { mediaTypeOf, readBody, readJson } from "../../../protocols/json-body.ts";

const JSON_TYPE = "application/json";
export const FORM_TYPE = "multipart/form-data";
const FIELD = /^(boundary_name|boundary|processors)$/;
/** Endings by which vector files are known; nothing else of a client's name is used. */
const ENDING = /\.(?:geojson|json|gpkg|fgb|zip|parquet|csv)$/i;

/** A job as it was sent: its body, and the file that came with it. */
export interface SentJob {
  readonly body: unknown;
  readonly file?: File;
}

/** Reads a job: JSON, or a form whose field `boundary` may be a file. Throws TooLarge, MediaType and BadRequest. */
export async function readJob(request: Request, most: number): Promise<SentJob> {
  if (mediaTypeOf(request) !== FORM_TYPE) return { body: await readJson(request, [JSON_TYPE, FORM_TYPE], most) };
  const bytes = await readBody(request, most);
  const headers = { "Content-Type": request.headers.get("content-type") ?? FORM_TYPE };
  const form = await new Response(new Uint8Array(bytes), { headers }).formData().catch((cause: unknown) => {
    throw new GyreError("BadRequest", "the body is no form", { cause });
  });
  const unknown = [...form.keys()].find((name) => !FIELD.test(name));
  if (unknown !== undefined) throw new GyreError("BadRequest", `there is no field ${unknown}`, { subject: unknown });
  const [name, sent] = [form.get("boundary_name"), form.get("boundary")];
  const body = {
    processors: form.getAll("processors"),
    ...(name === null ? {} : { boundary_name: name }),
    ...(typeof sent === "string" ? { boundary: sent } : {}),
  };
  return sent instanceof File ? { body, file: sent } : { body };
}

/** The area of an uploaded vector file of any CRS. Throws Invalid for what is none. */
export async function uploadedBoundary(file: File, call: Call): Promise<Boundary> {
  const [ending] = ENDING.exec(file.name) ?? [];
  if (ending === undefined) {
    throw new GyreError(
      "Invalid",
      "boundaries are taken as GeoJSON, GeoPackage, FlatGeobuf, GeoParquet or zipped Shapefile",
    );
  }
  const { adHocBoundaryOfFile } = await import("../../../flows/boundaries/ad-hoc-file.ts");
  const folder = await mkdtemp(join(tmpdir(), "gyre-upload-"));
  try {
    const path = join(folder, `boundary${ending.toLowerCase()}`);
    await writeFile(path, file.stream());
    return (await adHocBoundaryOfFile(path, {}, call)).boundary;
  } catch (error) {
    // The broken source is the client's own.
    throw isGyreError(error, "BadSource") ? new GyreError("Invalid", error.message, { cause: error }) : error;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
