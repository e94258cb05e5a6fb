import { bboxOf } from "../../core/geometry.ts";
import type { Geometry } from "../../core/stac.ts";
import { writeWkb } from "../../core/wkb.ts";
import { readWkb } from "../../core/wkb-reader.ts";
import type { Database } from "../../db/database.ts";
import type { BoundaryDraft } from "./admin.ts";
import type { Boundary, MultiPolygon } from "./boundary.ts";
import { searchText } from "./names.ts";

export interface BoundaryRow {
  readonly name: string;
  readonly name_long: string;
  readonly admin_level: number;
  readonly digest: string;
  readonly bbox: readonly number[];
}

export const BOUNDARY_COLUMNS = "name, name_long, admin_level, digest, bbox";

/** The boundary of a row, with its parts. */
export async function boundaryOf(row: BoundaryRow, db: Database): Promise<Boundary> {
  const parts = await db.query<{ shape: Uint8Array }>(
    "select shape from boundary_part where digest = $1 order by part",
    [row.digest],
  );
  const polygons = parts.map(({ shape }) => readWkb(shape));
  const coordinates = polygons.flatMap((part) => (part.type === "Polygon" ? [part.coordinates] : []));
  const [west = 0, south = 0, east = 0, north = 0] = row.bbox;
  return {
    name: row.name,
    nameLong: row.name_long,
    adminLevel: row.admin_level,
    geometry: { type: "MultiPolygon", coordinates },
    bbox: [west, south, east, north],
    digest: row.digest,
  };
}

export interface Origin {
  readonly source: string;
  readonly isAdHoc: boolean;
}

/** Makes these the current versions of their names. */
export async function insertCurrent(tx: Database, drafts: readonly BoundaryDraft[], origin: Origin): Promise<void> {
  const names = drafts.map(({ name }) => name);
  await tx.query("update boundary set current = false where current and name = any($1)", [names]);
  await tx.query(
    `insert into boundary (name, digest, name_long, folded, admin_level, bbox, repairs, source, ad_hoc)
     select name, digest, name_long, folded, admin_level, bbox::float8[], array(select jsonb_array_elements_text(repairs)),
       $8, $9
     from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::int[], $6::text[], $7::jsonb[])
       as draft (name, digest, name_long, folded, admin_level, bbox, repairs)
     on conflict (name, digest) do update set current = true, loaded = now(), name_long = excluded.name_long,
       folded = excluded.folded, admin_level = excluded.admin_level, repairs = excluded.repairs,
       source = excluded.source, ad_hoc = excluded.ad_hoc`,
    [
      names,
      drafts.map(({ digest }) => digest),
      drafts.map(({ nameLong }) => nameLong),
      drafts.map(({ nameLong }) => searchText(nameLong)),
      drafts.map(({ adminLevel }) => adminLevel),
      drafts.map(({ bbox }) => `{${bbox.join()}}`),
      drafts.map(({ repairs }) => JSON.stringify(repairs)),
      origin.source,
      origin.isAdHoc,
    ],
  );
  await insertParts(tx, drafts);
}

async function insertParts(tx: Database, drafts: readonly BoundaryDraft[]): Promise<void> {
  const parts = drafts.flatMap(({ digest, geometry }) => partsOf(geometry).map((part, i) => ({ digest, i, part })));
  await tx.query(
    `insert into boundary_part (digest, part, place, shape)
     select digest, part, place::box, shape
     from unnest($1::text[], $2::int[], $3::text[], $4::bytea[]) as row (digest, part, place, shape)
     on conflict (digest, part) do nothing`,
    [
      parts.map(({ digest }) => digest),
      parts.map(({ i }) => i),
      parts.map(({ part }) => boxOf(part)),
      parts.map(({ part }) => Buffer.from(writeWkb(part))),
    ],
  );
}

function partsOf({ coordinates }: MultiPolygon): Geometry[] {
  return coordinates.map((rings) => ({ type: "Polygon", coordinates: rings }));
}

/** In the form that core `box` reads. */
export function boxOf(geometry: Geometry): string {
  const [west, south, east, north] = bboxOf(geometry) ?? [0, 0, 0, 0];
  return `(${east},${north}),(${west},${south})`;
}
