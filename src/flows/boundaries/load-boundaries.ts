import { basename } from "node:path";
import type { Call } from "../../core/principal.ts";
import { GyreError, isGyreError } from "../../errors.ts";
import type { Field, FieldValue, Layer } from "../../vector/feature.ts";
import { openVector } from "../../vector/open.ts";
import type { BoundaryAdmin, BoundaryDraft, Loaded } from "./admin.ts";
import { type Area, areaOf } from "./area.ts";
import { type FeaturePolygons, isProjected, layerOf, layerPolygons } from "./layer-polygons.ts";
import { foldedName, LONGEST_LONG_NAME } from "./names.ts";

export interface LoadRequest {
  readonly path: string;
  /** Default: `name`, in any case. */
  readonly nameColumn?: string;
  /** Default: `name_long` where there is one, else the column of names. */
  readonly longNameColumn?: string;
  readonly adminLevel?: number;
  readonly replace?: boolean;
  /** Needed where the file has several. */
  readonly layer?: string;
}

export interface LoadReport extends Loaded {
  /** Features that are no boundaries, by what they lack. */
  readonly skipped: { readonly withoutName: number; readonly withoutPolygon: number };
  /** Rings that were mended, by name; at most 1,000 are told. */
  readonly repaired: readonly { readonly name: string; readonly faults: readonly string[] }[];
  readonly repairedCount: number;
  /** The file names no CRS, and was taken to be in degrees. */
  readonly isCrsAssumed: boolean;
}

/** How data says that there is no value (Natural Earth's codes, the founding loader). */
const NO_VALUE = "-99";
const MOST_TOLD = 1000;

/**
 * Loads the boundaries of a vector file of any kind and CRS: all of them or none. Features without name or polygon are
 * counted, and left out. Throws Conflict where two names are the same once they are a-z 0-9 _ -.
 */
export async function loadBoundaries(boundaries: BoundaryAdmin, request: LoadRequest, call: Call): Promise<LoadReport> {
  await using file = await openVector(request.path, call);
  const layer = layerOf(file, request.layer);
  const tally = new Tally();
  const loaded = await boundaries.load(
    draftsOf(layer, request, tally, call),
    { source: basename(request.path), replace: request.replace ?? false },
    call,
  );
  const { skipped, repaired, repairedCount } = tally;
  return { ...loaded, skipped, repaired, repairedCount, isCrsAssumed: layer.crs === undefined };
}

class Tally {
  readonly skipped = { withoutName: 0, withoutPolygon: 0 };
  readonly repaired: { name: string; faults: readonly string[] }[] = [];
  repairedCount = 0;

  repair(name: string, faults: readonly string[]): void {
    if (faults.length === 0) return;
    this.repairedCount++;
    if (this.repaired.length < MOST_TOLD) this.repaired.push({ name, faults: faults.slice(0, 3) });
  }
}

async function* draftsOf(layer: Layer, request: LoadRequest, tally: Tally, call: Call): AsyncGenerator<BoundaryDraft> {
  const nameColumn = columnOf(layer.fields, request.nameColumn, "name");
  const longNameColumn = columnOf(layer.fields, request.longNameColumn, "name_long", nameColumn);
  let count = 0;
  for await (const found of layerPolygons(layer, call)) {
    const { properties } = found.feature;
    const given = textOf(properties.get(nameColumn));
    const name = given && foldedName(given);
    if (given === undefined || name === undefined) tally.skipped.withoutName++;
    else if (found.polygons.length === 0) tally.skipped.withoutPolygon++;
    else {
      const { repairs, ...area } = await areaOfFeature(found, given, layer);
      tally.repair(name, repairs);
      const nameLong = textOf(properties.get(longNameColumn)) ?? given;
      count++;
      yield {
        ...area,
        repairs,
        name,
        nameLong: nameLong.slice(0, LONGEST_LONG_NAME),
        adminLevel: request.adminLevel ?? 0,
      };
    }
  }
  if (count > 0) return;
  const { withoutName, withoutPolygon } = tally.skipped;
  throw new GyreError(
    "Invalid",
    `no boundary in it: ${withoutName} features have no name in ${nameColumn}, ${withoutPolygon} no polygon`,
  );
}

/** A fault of one feature says which. */
async function areaOfFeature({ polygons }: FeaturePolygons, name: string, layer: Layer): Promise<Area> {
  try {
    return await areaOf(polygons, { longEdges: "short-way", isReprojected: isProjected(layer) });
  } catch (error) {
    if (!isGyreError(error)) throw error;
    throw new GyreError(error.tag, `${name.slice(0, 100)}: ${error.message}`, { ...error.details, cause: error });
  }
}

/** The column that was asked for, or the first of the usual ones. Throws BadRequest with all columns. */
function columnOf(fields: readonly Field[], asked: string | undefined, ...usual: readonly string[]): string {
  const names = fields.map(({ name }) => name);
  const wanted = asked === undefined ? usual : [asked];
  for (const name of wanted) {
    const found = names.find((one) => one === name) ?? names.find((one) => one.toLowerCase() === name.toLowerCase());
    if (found !== undefined) return found;
  }
  throw new GyreError("BadRequest", `there is no column ${wanted[0]}`, { allowed: names.slice(0, 100) });
}

function textOf(value: FieldValue | undefined): string | undefined {
  if (typeof value !== "string" && typeof value !== "number" && typeof value !== "bigint") return undefined;
  // No text of PostgreSQL holds a zero character.
  const text = String(value).replaceAll("\0", "").trim();
  return text === "" || text === NO_VALUE ? undefined : text;
}
