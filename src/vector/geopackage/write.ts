import { stat, writeFile } from "node:fs/promises";
import { DatabaseSync } from "node:sqlite";
import { bboxOf, boxAround, hasHeights } from "../../core/geometry.ts";
import type { BBox, Feature, Field, Layer, VectorWriter } from "../feature.ts";
import { filtered } from "../fields.ts";
import { distinctNames, freeName } from "../names.ts";
import { writeBlob } from "./blob.ts";
import { IDENTITY, referenceSystems, TABLES, treeTriggers } from "./schema.ts";
import { quoted } from "./sqlite.ts";
import { COLUMN_TYPES, columnValue } from "./values.ts";

/** Features of one transaction. */
const BATCH = 10_000;
const RTREE = "http://www.geopackage.org/spec120/#extension_rtree";

/** GeoPackage 1.3 (OGC 12-128r17) of one layer, with an R-tree. */
export const geopackageWriter: VectorWriter = {
  name: "GEOPKG",
  extension: ".gpkg",
  mediaType: "application/geopackage+sqlite3",
  async write(path, layer, call) {
    await writeFile(path, "");
    // A file that is not whole is thrown away: it needs no journal.
    const db = new DatabaseSync(path);
    try {
      db.exec(`${IDENTITY}; PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; ${TABLES}`);
      const table = new LayerTable(db, layer);
      db.exec("BEGIN");
      for await (const feature of filtered(layer.features(call), call)) {
        if (table.add(feature) % BATCH === 0) db.exec("COMMIT; BEGIN");
      }
      const count = table.finish();
      db.exec("COMMIT");
      db.close();
      return { count, bytes: (await stat(path)).size };
    } finally {
      if (db.isOpen) db.close();
    }
  },
};

class LayerTable {
  readonly #db: DatabaseSync;
  readonly #fields: readonly Field[];
  readonly #name: string;
  readonly #key: string;
  readonly #column: string;
  readonly #srs: number;
  readonly #insert;
  readonly #index;
  readonly #types = new Set<string>();
  readonly #heights = new Set<boolean>();
  #bbox: BBox | undefined;
  #count = 0;

  constructor(db: DatabaseSync, { name, crs, fields }: Layer) {
    this.#db = db;
    this.#fields = fields;
    this.#name = /^(gpkg_|sqlite_|rtree_|$)/i.test(name) ? `layer_${name}` : name;
    this.#key = freeName("fid", fields);
    this.#column = freeName("geom", fields);
    const columns = distinctNames(fields);
    const { id, rows } = referenceSystems(crs);
    this.#srs = id;
    const srs = db.prepare("INSERT INTO gpkg_spatial_ref_sys VALUES (?, ?, ?, ?, ?, ?)");
    for (const row of rows) srs.run(...row);
    const declared = fields.map(({ type }, i) => `, ${quoted(columns[i]!)} ${COLUMN_TYPES[type]}`).join("");
    db.exec(
      `CREATE TABLE ${quoted(this.#name)} (${quoted(this.#key)} INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
        ${quoted(this.#column)} BLOB${declared})`,
    );
    db.exec(`CREATE VIRTUAL TABLE ${quoted(this.#tree)} USING rtree(id, minx, maxx, miny, maxy)`);
    this.#insert = db.prepare(`INSERT INTO ${quoted(this.#name)} VALUES (?, ?${", ?".repeat(fields.length)})`);
    this.#index = db.prepare(`INSERT INTO ${quoted(this.#tree)} VALUES (?, ?, ?, ?, ?)`);
    this.#describe();
  }

  get #tree(): string {
    return `rtree_${this.#name}_${this.#column}`;
  }

  #describe(): void {
    this.#db
      .prepare("INSERT INTO gpkg_contents (table_name, data_type, identifier, srs_id) VALUES (?, 'features', ?, ?)")
      .run(this.#name, this.#name, this.#srs);
    this.#db
      .prepare("INSERT INTO gpkg_geometry_columns VALUES (?, ?, 'GEOMETRY', ?, 0, 0)")
      .run(this.#name, this.#column, this.#srs);
    this.#db
      .prepare("INSERT INTO gpkg_extensions VALUES (?, ?, 'gpkg_rtree_index', ?, 'write-only')")
      .run(this.#name, this.#column, RTREE);
  }

  /** How many there are now. */
  add({ geometry, properties }: Feature): number {
    const id = ++this.#count;
    const values = this.#fields.map(({ name, type }) => columnValue(properties.get(name), type));
    this.#insert.run(id, geometry && writeBlob(geometry, this.#srs), ...values);
    const box = geometry === null ? undefined : bboxOf(geometry);
    if (geometry === null || box === undefined) return id;
    const [west, south, east, north] = box;
    this.#index.run(id, west, east, south, north);
    this.#types.add(geometry.type);
    this.#heights.add(hasHeights(geometry));
    this.#bbox = boxAround(this.#bbox, box);
    return id;
  }

  /** Says what is known only now: of which types the geometries are, and where they lie. */
  finish(): number {
    const [type = "GEOMETRY"] = this.#types.size === 1 ? this.#types : [];
    // 0: no heights, 1: all have them, 2: some may.
    const z = this.#heights.size === 2 ? 2 : Number(this.#heights.has(true));
    this.#db.prepare("UPDATE gpkg_geometry_columns SET geometry_type_name = ?, z = ?").run(type.toUpperCase(), z);
    if (this.#bbox !== undefined)
      this.#db.prepare("UPDATE gpkg_contents SET min_x = ?, min_y = ?, max_x = ?, max_y = ?").run(...this.#bbox);
    this.#db.exec(treeTriggers(this.#name, this.#column, this.#key));
    return this.#count;
  }
}
