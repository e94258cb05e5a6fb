import type { Geometry, Json } from "../../../core/stac.ts";
import { writeWkb } from "../../../core/wkb.ts";
import { GyreError } from "../../../errors.ts";
import type { Kind } from "./kind.ts";

type Members = { readonly [name: string]: Json };

/** Edges of a box, as GeoParquet names them. */
export const BOX = ["xmin", "ymin", "xmax", "ymax"] as const;
export const BOX_3D = ["xmin", "ymin", "zmin", "xmax", "ymax", "zmax"] as const;

/** A value as the writer takes it for its kind; null where there is none. Throws Conflict for what is of another kind. */
export function columnValue(value: Json | undefined, kind: Kind): unknown {
  if (value === null || value === undefined) return null;
  switch (kind.type) {
    case "json":
      return value;
    case "geometry":
      return wkbOf(value);
    case "time":
      return typeof value === "string" ? microsecondsOf(value) : mismatch();
    case "text":
      return typeof value === "string" ? value : mismatch();
    case "boolean":
      return typeof value === "boolean" ? value : mismatch();
    case "integer":
      return Number.isSafeInteger(value) ? BigInt(value as number) : mismatch();
    case "number":
      return typeof value === "number" ? value : mismatch();
    case "list":
      return Array.isArray(value) ? value.map((one: Json) => columnValue(one, kind.of)) : mismatch();
    case "struct":
      return typeof value === "object" && !Array.isArray(value) ? structOf(value as Members, kind.members) : mismatch();
  }
}

function structOf(value: Members, kinds: ReadonlyMap<string, Kind>): object {
  // Without a prototype, since the names are a client's.
  const struct: Record<string, unknown> = Object.create(null);
  for (const [name, member] of Object.entries(value)) {
    const kind = kinds.get(name);
    if (kind !== undefined) struct[name] = columnValue(member, kind);
    else if (member !== null) throw changed();
  }
  return struct;
}

/** A `bbox` of four or six numbers by the names of its edges. */
export function boxOf(bbox: Json | undefined): Json {
  if (!Array.isArray(bbox)) return null;
  const names = bbox.length === 6 ? BOX_3D : BOX;
  return Object.fromEntries(names.map((name, i) => [name, Number(bbox[i])]));
}

/** Well-known binary without heights; null for what is no geometry, which only a property can be. */
function wkbOf(value: Json): Uint8Array | null {
  try {
    return writeWkb(value as Geometry);
  } catch {
    return null;
  }
}

/** Since 1970, as Parquet's timestamps count; a text that is no time has none. */
function microsecondsOf(text: string): bigint | null {
  const ms = Date.parse(text);
  if (Number.isNaN(ms)) return null;
  const fraction = /\.(\d+)/.exec(text)?.[1] ?? "";
  return BigInt(Math.floor(ms / 1000)) * 1_000_000n + BigInt(fraction.slice(0, 6).padEnd(6, "0"));
}

function mismatch(): never {
  throw changed();
}

/** The items are others than those that the columns were made of. */
export function changed(): GyreError {
  return new GyreError("Conflict", "items were changed while they were read: ask again");
}
