import type { Json, StacItem } from "../core/stac.ts";
import type { Fault } from "../errors.ts";
import { facetsOf, textOf } from "./facets.ts";
import { type Box, boxText, type Footprint, footprintOf } from "./footprint.ts";
import { invalid, isObject } from "./json.ts";
import { instantOf, spanText, timeText } from "./times.ts";

/** What the columns of `item` hold of a document, as text that PostgreSQL reads. */
export interface ItemRow {
  readonly datetime: string;
  readonly span: string | null;
  readonly place: string | null;
  readonly shape: readonly string[] | null;
  readonly holes: readonly string[] | null;
  readonly low: number | null;
  readonly high: number | null;
  readonly facets: readonly string[];
  readonly words: string;
  readonly properties: Json;
  readonly body: Json;
}

/** A row, with what the item adds to its collection. */
export interface PreparedItem {
  readonly row: ItemRow;
  readonly box: Box | undefined;
  readonly start: Date | undefined;
  readonly end: Date | undefined;
}

const LONGEST_ID = 1024;
const MOST_PROPERTIES = 2000;

/** Throws Invalid for what no catalogue can hold; whether it is good STAC is decided at the door. */
export function checkItem(item: unknown): asserts item is StacItem {
  placeOf(readable(item));
}

/** Reads an item for the catalogue. Throws as `checkItem` does. */
export function prepareItem(item: unknown): PreparedItem {
  const { properties, ...body } = readable(item);
  const { datetime, start_datetime, end_datetime } = properties;
  const instant = instantOf(datetime);
  const start = instant ?? instantOf(start_datetime);
  const end = instant ?? instantOf(end_datetime);
  const place = placeOf(body);
  return {
    row: {
      datetime: start === undefined ? "-infinity" : timeText(start),
      span: start === undefined && end === undefined ? null : spanText(start, end),
      place: place === undefined ? null : boxText(place.box),
      shape: place?.parts ?? null,
      holes: place === undefined || place.holes.length === 0 ? null : place.holes,
      low: place?.heights?.[0] ?? null,
      high: place?.heights?.[1] ?? null,
      facets: facetsOf(properties),
      words: textOf(body.id, properties),
      properties,
      body: body as unknown as Json,
    },
    box: place?.box,
    start,
    end,
  };
}

function readable(item: unknown): StacItem {
  const faults = [...faultsOf(item)];
  if (faults.length > 0) throw invalid(faults);
  return item as StacItem;
}

function placeOf({ geometry, bbox }: Pick<StacItem, "geometry" | "bbox">): Footprint | undefined {
  return geometry === null ? undefined : footprintOf(geometry, bbox);
}

/** An item from its two halves. */
export function itemOf(body: object, properties: object): StacItem {
  const { links, assets, ...head } = body as StacItem;
  return { ...head, properties, links, assets } as StacItem;
}

function* faultsOf(item: unknown): Generator<Fault> {
  if (!isObject(item)) return yield { pointer: "", detail: "an item is an object" };
  if (item.type !== "Feature") yield { pointer: "/type", detail: 'must be "Feature"' };
  yield* idFaults(item.id, "/id");
  if (!isObject(item.assets)) yield { pointer: "/assets", detail: "must be an object" };
  if (!Array.isArray(item.links)) yield { pointer: "/links", detail: "must be an array" };
  if (item.geometry !== null && !isObject(item.geometry))
    yield { pointer: "/geometry", detail: "must be GeoJSON or null" };
  if (item.bbox !== undefined && !isBbox(item.bbox)) yield { pointer: "/bbox", detail: "must be 4 or 6 numbers" };
  if (!isObject(item.properties)) return yield { pointer: "/properties", detail: "must be an object" };
  if (Object.keys(item.properties).length > MOST_PROPERTIES) {
    yield { pointer: "/properties", detail: `more than ${MOST_PROPERTIES} properties` };
  }
  yield* timeFaults(item.properties);
}

function* timeFaults(properties: { readonly [name: string]: Json }): Generator<Fault> {
  const [instant, start, end] = ["datetime", "start_datetime", "end_datetime"].map((name) => {
    const value = properties[name] ?? null;
    return value === null ? undefined : (instantOf(value) ?? name);
  });
  for (const name of [instant, start, end]) {
    if (typeof name === "string") yield { pointer: `/properties/${name}`, detail: "is no RFC 3339 date and time" };
  }
  if (instant === undefined && start instanceof Date && end instanceof Date && start > end) {
    yield { pointer: "/properties/end_datetime", detail: "lies before start_datetime" };
  }
}

/** Bytes count, since the id is a key of an index. */
export function* idFaults(id: unknown, pointer: string, longest = LONGEST_ID): Generator<Fault> {
  if (typeof id !== "string" || id === "") yield { pointer, detail: "must be a text" };
  else if (id === "." || id === "..") yield { pointer, detail: "names no document in an address" };
  else if (Buffer.byteLength(id) > longest) yield { pointer, detail: `is longer than ${longest} bytes` };
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is refused
  else if (/[\u0000-\u001f\u007f]/.test(id)) yield { pointer, detail: "has control characters" };
}

function isBbox(bbox: Json): boolean {
  return Array.isArray(bbox) && (bbox.length === 4 || bbox.length === 6) && bbox.every((n) => typeof n === "number");
}
