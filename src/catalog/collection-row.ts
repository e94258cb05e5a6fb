import type { Json, StacCollection } from "../core/stac.ts";
import type { Fault } from "../errors.ts";
import { textOf } from "./facets.ts";
import { type Box, unwrapped } from "./footprint.ts";
import { idFaults } from "./item-row.ts";
import { invalid, isObject } from "./json.ts";
import { instantOf } from "./times.ts";

/** Where and when a collection's data are. */
export interface Extent {
  readonly box?: Box;
  readonly start?: Date;
  readonly end?: Date;
}

/** An extent as the columns of a collection say it. */
export interface ExtentRow {
  readonly west: number | null;
  readonly south: number;
  readonly east: number;
  readonly north: number;
  readonly start: Date | null;
  readonly end: Date | null;
}

/** The columns of `ExtentRow`. */
export const EXTENT = `(place[1])[0] as west, (place[1])[1] as south, (place[0])[0] as east, (place[0])[1] as north,
  lower(span) as start, upper(span) as "end"`;

export function extentOfRow({ west, south, east, north, start, end }: ExtentRow): Extent {
  const box: Box | undefined = west === null ? undefined : [west, south, east, north];
  return { ...(box && { box }), ...(start && { start }), ...(end && { end }) };
}

/** What a collection's document says to the catalogue. */
export interface PreparedCollection {
  readonly document: StacCollection;
  readonly extent: Extent;
  readonly readers: readonly string[] | null;
  readonly words: string;
}

const LONGEST_ID = 256;
const MOST_READERS = 100;

/**
 * Reads a collection for the catalogue. `gyre:readers` names the roles that may see it and its items. Throws Invalid for
 * what no catalogue can hold.
 */
export function prepareCollection(document: unknown): PreparedCollection {
  const faults = [...faultsOf(document)];
  if (faults.length > 0) throw invalid(faults);
  const collection = document as StacCollection;
  const readers = collection["gyre:readers"] as string[] | undefined;
  const { title, description, keywords, id } = collection;
  return {
    document: collection,
    extent: extentOf(collection),
    readers: readers ?? null,
    words: textOf(id, { title, description, keywords }),
  };
}

/** Every collection that items name must be one that a row can hold. */
export function checkCollectionId(id: unknown, pointer = "/collection"): void {
  const faults = [...idFaults(id, pointer, LONGEST_ID)];
  if (faults.length > 0) throw invalid(faults);
}

/** The document of a collection that nobody described: valid STAC from what its items say. */
export function derivedCollection(id: string, { box, start, end }: Extent): StacCollection {
  const [west, south, east, north] = box ?? [-180, -90, 180, 90];
  return {
    type: "Collection",
    stac_version: "1.1.0",
    id,
    description: `Items of ${id}.`,
    license: "other",
    extent: {
      spatial: { bbox: [[west, south, east > 180 ? east - 360 : east, north]] },
      temporal: { interval: [[start?.toISOString() ?? null, end?.toISOString() ?? null]] },
    },
    links: [],
  };
}

/** An extent around both. Boxes are joined as they lie, not the short way around. */
export function widened(a: Extent, b: Extent): Extent {
  const box = a.box && b.box ? hull(a.box, b.box) : (a.box ?? b.box);
  const start = earlier(a.start, b.start);
  const end = later(a.end, b.end);
  return { ...(box && { box }), ...(start && { start }), ...(end && { end }) };
}

function hull(a: Box, b: Box): Box {
  return unwrapped(Math.min(a[0], b[0]), Math.min(a[1], b[1]), Math.max(a[2], b[2]), Math.max(a[3], b[3]));
}

function earlier(a: Date | undefined, b: Date | undefined): Date | undefined {
  return a !== undefined && b !== undefined && b < a ? b : (a ?? b);
}

function later(a: Date | undefined, b: Date | undefined): Date | undefined {
  return a !== undefined && b !== undefined && b > a ? b : (a ?? b);
}

/** The first box and interval: those of the whole (STAC collection, "Spatial Extent Object"). */
function extentOf({ extent }: StacCollection): Extent {
  const bbox = extent.spatial.bbox[0] as readonly number[];
  const [from, to] = extent.temporal.interval[0] as readonly (string | null)[];
  const [start, end] = [instantOf(from), instantOf(to)];
  const [west, south, east, north] = bbox.length === 6 ? [bbox[0], bbox[1], bbox[3], bbox[4]] : bbox;
  return {
    box: unwrapped(west as number, south as number, east as number, north as number),
    ...(start && { start }),
    ...(end && { end }),
  };
}

function* faultsOf(document: unknown): Generator<Fault> {
  if (!isObject(document)) return yield { pointer: "", detail: "a collection is an object" };
  if (document.type !== "Collection") yield { pointer: "/type", detail: 'must be "Collection"' };
  yield* idFaults(document.id, "/id", LONGEST_ID);
  for (const name of ["description", "license"]) {
    if (typeof document[name] !== "string") yield { pointer: `/${name}`, detail: "must be a text" };
  }
  if (!Array.isArray(document.links)) yield { pointer: "/links", detail: "must be an array" };
  const { extent, "gyre:readers": readers } = document;
  const isReaders = Array.isArray(readers) && readers.every((role) => typeof role === "string");
  if (readers !== undefined && (!isReaders || readers.length > MOST_READERS)) {
    yield { pointer: "/gyre:readers", detail: "must be names of roles" };
  }
  const spatial = isObject(extent) ? extent.spatial : undefined;
  const temporal = isObject(extent) ? extent.temporal : undefined;
  if (!isBbox(firstOf(spatial, "bbox"))) {
    yield { pointer: "/extent/spatial/bbox/0", detail: "must be 4 or 6 numbers, degrees" };
  }
  const interval = firstOf(temporal, "interval");
  if (!Array.isArray(interval) || interval.length !== 2 || !interval.every(isTime)) {
    yield { pointer: "/extent/temporal/interval/0", detail: "must be two times, null where it is open" };
  }
}

function firstOf(extent: Json | undefined, member: string): Json | undefined {
  const list = isObject(extent) ? extent[member] : undefined;
  return Array.isArray(list) ? list[0] : undefined;
}

function isTime(text: Json): boolean {
  return text === null || instantOf(text) !== undefined;
}

function isBbox(bbox: Json | undefined): boolean {
  if (!Array.isArray(bbox) || (bbox.length !== 4 && bbox.length !== 6)) return false;
  const half = bbox.length / 2;
  const isDegrees = (value: Json, most: number): boolean => typeof value === "number" && Math.abs(value) <= most;
  const isPosition = (at: number): boolean => isDegrees(bbox[at] as Json, 720) && isDegrees(bbox[at + 1] as Json, 90);
  return isPosition(0) && isPosition(half);
}
