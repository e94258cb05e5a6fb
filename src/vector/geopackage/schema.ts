import { type Crs, crsFromEpsg, LONLAT } from "../../core/crs.ts";
import { quoted } from "./sqlite.ts";

/** `GPKG`, and version 1.3.0. */
export const IDENTITY = "PRAGMA application_id = 0x47504B47; PRAGMA user_version = 10300";

/** The tables that a GeoPackage of features has (OGC 12-128r17, annex C). */
export const TABLES = `
CREATE TABLE gpkg_spatial_ref_sys (
  srs_name TEXT NOT NULL, srs_id INTEGER NOT NULL PRIMARY KEY, organization TEXT NOT NULL,
  organization_coordsys_id INTEGER NOT NULL, definition TEXT NOT NULL, description TEXT);
CREATE TABLE gpkg_contents (
  table_name TEXT NOT NULL PRIMARY KEY, data_type TEXT NOT NULL, identifier TEXT UNIQUE, description TEXT DEFAULT '',
  last_change DATETIME NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ','now')),
  min_x DOUBLE, min_y DOUBLE, max_x DOUBLE, max_y DOUBLE, srs_id INTEGER,
  CONSTRAINT fk_gc_r_srs_id FOREIGN KEY (srs_id) REFERENCES gpkg_spatial_ref_sys(srs_id));
CREATE TABLE gpkg_geometry_columns (
  table_name TEXT NOT NULL, column_name TEXT NOT NULL, geometry_type_name TEXT NOT NULL, srs_id INTEGER NOT NULL,
  z TINYINT NOT NULL, m TINYINT NOT NULL,
  CONSTRAINT pk_geom_cols PRIMARY KEY (table_name, column_name), CONSTRAINT uk_gc_table_name UNIQUE (table_name),
  CONSTRAINT fk_gc_tn FOREIGN KEY (table_name) REFERENCES gpkg_contents(table_name),
  CONSTRAINT fk_gc_srs FOREIGN KEY (srs_id) REFERENCES gpkg_spatial_ref_sys(srs_id));
CREATE TABLE gpkg_extensions (
  table_name TEXT, column_name TEXT, extension_name TEXT NOT NULL, definition TEXT NOT NULL, scope TEXT NOT NULL,
  CONSTRAINT ge_tce UNIQUE (table_name, column_name, extension_name))`;

/** Of a CRS that no registry has, and of none. */
const [OWN_SRS, NO_SRS] = [100_000, -1];

/** The number that a layer's geometries carry, and the rows of `gpkg_spatial_ref_sys`, three of which always are. */
export function referenceSystems(crs: Crs | undefined): { readonly id: number; readonly rows: (string | number)[][] } {
  const wgs84 = crsFromEpsg(4326)?.wkt ?? LONLAT.wkt;
  const rows: (string | number)[][] = [
    ["Undefined cartesian SRS", NO_SRS, "NONE", -1, "undefined", "undefined cartesian coordinate reference system"],
    ["Undefined geographic SRS", 0, "NONE", 0, "undefined", "undefined geographic coordinate reference system"],
    ["WGS 84 geodetic", 4326, "EPSG", 4326, wgs84, "longitude/latitude coordinates in decimal degrees on WGS 84"],
  ];
  const id = crs === undefined ? NO_SRS : (crs.epsg ?? OWN_SRS);
  if (crs !== undefined && id !== 4326)
    rows.push([crs.name, id, crs.epsg === undefined ? "NONE" : "EPSG", id, crs.wkt, crs.name]);
  return { id, rows };
}

/** The triggers that keep an R-tree as its table is (OGC 12-128r17, annex F.3). They call functions that GIS programs bring. */
export function treeTriggers(table: string, column: string, key: string): string {
  const tree = quoted(`rtree_${table}_${column}`);
  const [t, c, i] = [quoted(table), quoted(column), quoted(key)];
  const trigger = (name: string, event: string, when: string, body: string): string =>
    `CREATE TRIGGER ${quoted(`rtree_${table}_${column}_${name}`)} AFTER ${event} ON ${t} WHEN ${when} BEGIN ${body} END`;
  const put = `INSERT OR REPLACE INTO ${tree} VALUES (NEW.${i}, ST_MinX(NEW.${c}), ST_MaxX(NEW.${c}), ST_MinY(NEW.${c}), ST_MaxY(NEW.${c}));`;
  const [full, empty] = [
    `(NEW.${c} NOTNULL AND NOT ST_IsEmpty(NEW.${c}))`,
    `(NEW.${c} ISNULL OR ST_IsEmpty(NEW.${c}))`,
  ];
  const gone = `DELETE FROM ${tree} WHERE id = OLD.${i};`;
  return [
    trigger("insert", "INSERT", full, put),
    trigger("update1", `UPDATE OF ${c}`, `OLD.${i} = NEW.${i} AND ${full}`, put),
    trigger("update2", `UPDATE OF ${c}`, `OLD.${i} = NEW.${i} AND ${empty}`, gone),
    trigger("update3", "UPDATE", `OLD.${i} != NEW.${i} AND ${full}`, `${gone} ${put}`),
    trigger(
      "update4",
      "UPDATE",
      `OLD.${i} != NEW.${i} AND ${empty}`,
      `DELETE FROM ${tree} WHERE id IN (OLD.${i}, NEW.${i});`,
    ),
    trigger("delete", "DELETE", `OLD.${c} NOT NULL`, gone),
  ].join(";\n");
}
