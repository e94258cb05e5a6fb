import type { ColumnSource, SchemaElement } from "hyparquet-writer";
import type { Json } from "../../../core/stac.ts";
import { GyreError } from "../../../errors.ts";
import { type Kind, KindOf } from "./kind.ts";
import { schemaOf } from "./schema.ts";
import { BOX, BOX_3D, boxOf, changed, columnValue } from "./value.ts";

/** Values of an item by their columns. */
export type Row = ReadonlyMap<string, Json>;

/** Members of an item that a property of the same name must not take the place of. */
const MEMBERS = new Set([
  ...["type", "stac_version", "stac_extensions", "id", "geometry", "bbox", "links", "assets", "collection"],
]);
/** What readers of stac-geoparquet take for times. */
const TIMES = new Set([
  ...["datetime", "start_datetime", "end_datetime", "created", "updated", "expires", "published", "unpublished"],
]);
/** Of a projection: well-known binary too, in coordinates of its own. */
export const PROJECTED = "proj:geometry";
const NUMBER: Kind = { type: "number" };
const TEXT: Kind = { type: "text" };
const MOST_COLUMNS = 2000;

/** An item as stac-geoparquet lays it out: properties beside the other members. */
export function rowOf(item: object): Row {
  const { properties = {}, assets, ...members } = item as { readonly [name: string]: Json };
  const row = new Map(Object.entries(members));
  // Parquet has no struct without members, and readers know an item without assets.
  if (Object.keys(assets ?? {}).length > 0) row.set("assets", assets as Json);
  for (const [name, value] of Object.entries(properties ?? {})) {
    row.set(MEMBERS.has(name) ? `properties.${name}` : name, value as Json);
  }
  row.set("bbox", boxOf(members.bbox));
  return row;
}

/** Which columns there are, and of which kind: found by looking at every row once. */
export class Layout {
  readonly #observed = new Map<string, KindOf>();
  #is3d = false;

  add(row: Row): void {
    for (const [name, value] of row) {
      if (name === "bbox") this.#is3d ||= value !== null && "zmin" in (value as object);
      if (name === "bbox" || name === "geometry") continue;
      let kind = this.#observed.get(name);
      if (kind === undefined) {
        this.#observed.set(name, (kind = new KindOf()));
        if (this.#observed.size > MOST_COLUMNS) throw tooManyColumns();
      }
      kind.add(value);
    }
  }

  /** By name, the members of every item first; what never had a value has no column. */
  columns(): ReadonlyMap<string, Kind> {
    const edges = this.#is3d ? BOX_3D : BOX;
    const columns = new Map<string, Kind>([
      ["type", TEXT],
      ["stac_version", TEXT],
      ["id", TEXT],
      ["geometry", { type: "geometry" }],
      ["bbox", { type: "struct", members: new Map(edges.map((edge) => [edge, NUMBER])) }],
      ["datetime", { type: "time" }],
    ]);
    for (const [name, observed] of this.#observed) {
      const kind = observed.kind();
      if (kind === undefined || columns.has(name)) continue;
      columns.set(name, special(name, kind) ?? kind);
    }
    return columns;
  }
}

/** What a name says of its values. */
function special(name: string, { type }: Kind): Kind | undefined {
  if (name === PROJECTED) return { type: "geometry" };
  return TIMES.has(name) && type === "text" ? { type: "time" } : undefined;
}

export function schemaOfColumns(columns: ReadonlyMap<string, Kind>): SchemaElement[] {
  return [
    { name: "schema", num_children: columns.size },
    ...[...columns].flatMap(([name, kind]) => schemaOf(name, kind)),
  ];
}

/** Rows turned on their side. Throws Conflict where one has what no column holds. */
export function columnData(rows: readonly Row[], columns: ReadonlyMap<string, Kind>): ColumnSource[] {
  const isKnown = ([name, value]: readonly [string, Json]): boolean => value === null || columns.has(name);
  if (!rows.every((row) => row.entries().every(isKnown))) throw changed();
  return [...columns].map(([name, kind]) => ({
    name,
    data: rows.map((row) => columnValue(row.get(name), kind)),
    // Of long texts and of bytes they would be long, and say nothing.
    statistics: name === "bbox" || !["geometry", "json", "struct", "list"].includes(kind.type),
  }));
}

function tooManyColumns(): GyreError {
  const message = `the items have more than ${MOST_COLUMNS} different properties: ask for some fields`;
  return new GyreError("TooLarge", message, { subject: "fields" });
}
