import { basename } from "node:path";
import { type Crs, crsFromEpsg, crsFromWkt } from "../../core/crs.ts";
import { badSource, GyreError, inSource } from "../../errors.ts";
import type { BBox, Feature, Field, Layer, VectorFormat } from "../feature.ts";
import { filtered } from "../fields.ts";
import { readBlob } from "./blob.ts";
import { ForeignDatabase, quoted, type Row } from "./sqlite.ts";
import { fieldType, fieldValue } from "./values.ts";

const MOST_LAYERS = 1000;

/** GeoPackage 1.0 to 1.4 (OGC 12-128): the layers that it declares, by their R-trees where they have them. */
export const geopackage: VectorFormat = {
  name: "GeoPackage",
  extensions: [".gpkg"],
  async open(path) {
    const db = new ForeignDatabase(path);
    try {
      return {
        layers: [...layersOf(db, basename(path))],
        async [Symbol.asyncDispose]() {
          db[Symbol.dispose]();
        },
      };
    } catch (error) {
      db[Symbol.dispose]();
      throw error;
    }
  },
};

interface Table {
  readonly name: string;
  readonly geometry: string;
  /** What rows are known by: the primary key, or SQLite's own. */
  readonly key: string;
  readonly fields: readonly Field[];
}

function* layersOf(db: ForeignDatabase, file: string): Generator<Layer> {
  for (const needed of ["gpkg_contents", "gpkg_geometry_columns", "gpkg_spatial_ref_sys"])
    if (!db.hasTable(needed))
      throw badSource(file, undefined, `no GeoPackage with features: it has no table ${needed}`);
  const declared = db.rows(
    `SELECT c.table_name AS name, g.column_name AS geometry, c.min_x, c.min_y, c.max_x, c.max_y,
       s.organization, s.organization_coordsys_id AS code, s.definition
     FROM gpkg_contents c JOIN gpkg_geometry_columns g ON g.table_name = c.table_name
     LEFT JOIN gpkg_spatial_ref_sys s ON s.srs_id = g.srs_id
     WHERE c.data_type = 'features' ORDER BY c.rowid LIMIT ${MOST_LAYERS}`,
  );
  for (const row of declared) {
    const name = String(row.name);
    if (!db.hasTable(name)) throw new GyreError("Unsupported", `${file}: layer ${name} is no table`, { subject: name });
    yield layerOf(db, file, row, tableOf(db, file, name, String(row.geometry)));
  }
}

function tableOf(db: ForeignDatabase, file: string, name: string, geometry: string): Table {
  // Generated columns are not among these.
  const columns = [...db.rows("SELECT name, type, pk FROM pragma_table_info(?)", name)];
  const has = columns.some((column) => String(column.name).toLowerCase() === geometry.toLowerCase());
  if (!has) throw badSource(file, undefined, `layer ${name} has no column ${geometry}`);
  const keys = columns.filter(({ pk }) => pk !== 0n);
  const isKeyed = keys.length === 1 && /^INTEGER$/i.test(String(keys[0]!.type));
  const key = isKeyed ? String(keys[0]!.name) : "rowid";
  const others = columns.filter((c) => c.name !== key && String(c.name).toLowerCase() !== geometry.toLowerCase());
  return {
    name,
    geometry,
    key,
    fields: others.map((column) => ({ name: String(column.name), type: fieldType(String(column.type)) })),
  };
}

function layerOf(db: ForeignDatabase, file: string, row: Row, table: Table): Layer {
  const tree = `rtree_${table.name}_${table.geometry}`;
  const box = [row.min_x, row.min_y, row.max_x, row.max_y].map((edge) => (edge === null ? Number.NaN : Number(edge)));
  const count = db.hasTable("gpkg_ogr_contents") ? countOf(db, table.name) : undefined;
  return {
    name: table.name,
    crs: crsOf(row),
    fields: table.fields,
    ...(box.every(Number.isFinite) ? { bbox: box as unknown as BBox } : {}),
    ...(count === undefined ? {} : { count }),
    features: (options = {}) =>
      filtered(read(db, file, table, db.hasTree(tree) ? tree : undefined, options.bbox), options),
  };
}

/** GDAL keeps the number of features, which else is known by counting them. */
function countOf(db: ForeignDatabase, table: string): number | undefined {
  const [row] = db.rows("SELECT feature_count AS count FROM gpkg_ogr_contents WHERE table_name = ?", table);
  const count = Number(row?.count ?? Number.NaN);
  return Number.isSafeInteger(count) && count >= 0 ? count : undefined;
}

/** Undefined for the two that GeoPackage calls undefined, and for what this node cannot place. */
function crsOf({ organization, code, definition }: Row): Crs | undefined {
  const isEpsg = String(organization).toUpperCase() === "EPSG";
  return (isEpsg ? crsFromEpsg(Number(code)) : undefined) ?? crsFromWkt(String(definition));
}

function* read(
  db: ForeignDatabase,
  file: string,
  { name, geometry, key, fields }: Table,
  tree: string | undefined,
  bbox: BBox | undefined,
): Generator<Feature> {
  const columns = [key, geometry, ...fields.map((field) => field.name)];
  const selected = columns.map((column, i) => `${column === "rowid" ? column : quoted(column)} AS c${i}`).join(", ");
  const all = `SELECT ${selected} FROM ${quoted(name)}`;
  const order = ` ORDER BY ${key === "rowid" ? key : quoted(key)}`;
  const rows =
    tree === undefined || bbox === undefined
      ? db.rows(all + order)
      : db.rows(
          `${all} WHERE ${key === "rowid" ? key : quoted(key)} IN (SELECT id FROM ${quoted(tree)} WHERE minx <= ? AND maxx >= ? AND miny <= ? AND maxy >= ?)${order}`,
          ...[bbox[2], bbox[0], bbox[3], bbox[1]],
        );
  for (const row of rows) {
    const blob = row.c1;
    try {
      yield {
        id: Number(row.c0),
        geometry: blob instanceof Uint8Array ? readBlob(blob) : null,
        properties: new Map(fields.map((field, i) => [field.name, fieldValue(row[`c${i + 2}`] ?? null, field.type)])),
      };
    } catch (error) {
      throw inSource(error, `${file}, ${name} ${String(row.c0)}`);
    }
  }
}
