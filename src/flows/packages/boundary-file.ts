import type { IoCall } from "../../core/array.ts";
import { badSource } from "../../errors.ts";
import type { Files } from "../../files/files.ts";
import type { Boundary, MultiPolygon } from "../boundaries/boundary.ts";
import type { PackageFile } from "./datapackage.ts";
import type { NewFile } from "./made-files.ts";
import { measureBytes } from "./measured.ts";

export const BOUNDARY_FILE = "boundary.geojson";
const MOST_BYTES = 256 * 1024 * 1024;

/** `boundary.geojson`: one feature (RFC 7946). */
export function boundaryFile(boundary: Boundary): NewFile {
  const { name, nameLong, adminLevel, digest, geometry, bbox } = boundary;
  const properties = { name, name_long: nameLong, admin_level: adminLevel, digest };
  const feature = { type: "Feature", id: name, bbox, properties, geometry };
  const body = new TextEncoder().encode(
    `${JSON.stringify({ type: "FeatureCollection", bbox, features: [feature] })}\n`,
  );
  return {
    name: BOUNDARY_FILE,
    mediaType: "application/geo+json",
    format: "GeoJSON",
    title: `Boundary of ${nameLong}`,
    crs: "EPSG:4326",
    ...measureBytes(body),
    open: async function* () {
      yield body;
    },
  };
}

/** The geometry in a stored boundary file, which must be the one that the package names. */
export async function readBoundary(files: Files, url: URL, named: PackageFile, call?: IoCall): Promise<MultiPolygon> {
  if (named.bytes > MOST_BYTES) throw badSource(url, undefined, `has more than ${MOST_BYTES} bytes`);
  const bytes = await files.read(url, { offset: 0, length: named.bytes + 1 }, call);
  if (bytes === undefined || measureBytes(bytes).hash !== named.hash) {
    throw badSource(url, undefined, "is not the boundary that the package names; gyre package redescribe mends it");
  }
  const geometry = JSON.parse(new TextDecoder().decode(bytes))?.features?.[0]?.geometry;
  if (geometry?.type !== "MultiPolygon") throw badSource(url, undefined, "holds no MultiPolygon");
  return geometry;
}
