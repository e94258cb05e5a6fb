import { createRandom, type Random } from "../../src/core/random.ts";
import { IMAGERY, LAND } from "../imagery.ts";

export type Body = Readonly<Record<string, unknown>>;

/** A kind of question, with the bodies of its requests. */
export interface Shape {
  readonly name: string;
  readonly bodies: readonly Body[];
  /** Pages to go on before the one that is asked for. */
  readonly pages?: number;
  /** Whether what is wanted is how many items match. */
  readonly isCount?: boolean;
}

/** More than are asked in a few rounds: pgstac keeps what it has counted. */
const VARIANTS = 1000;
const NEWEST = [
  { field: "datetime", direction: "desc" },
  { field: "id", direction: "asc" },
];
const MODELS = ["MPI-ESM1-2-HR", "UKESM1-0-LL", "CESM2", "NorESM2-LM", "MRI-ESM2-0"];
const EXPERIMENTS = ["historical", "ssp585", "ssp126", "ssp245"];
const VARIABLES = ["tas", "pr", "psl"];

/** Ten questions that people ask catalogues; `ids` are some that there are. The same seed asks the same. */
export function shapes(ids: readonly string[]): readonly Shape[] {
  const many = (name: string, of: (random: Random) => Body, more: Partial<Shape> = {}): Shape => ({
    name,
    bodies: Array.from({ length: VARIANTS }, (_, i) => of(createRandom(7, name, i))),
    ...more,
  });
  return [
    many("box of 5 degrees, a year, newest", (random) => ({
      ...{ collections: [IMAGERY], bbox: boxOf(random, 5), datetime: yearOf(random), sortby: NEWEST, limit: 10 },
    })),
    many("CQL2 on three properties, newest", (random) => ({
      filter: {
        op: "and",
        args: [
          equal("cmip6:source_id", chosen(MODELS, random)),
          equal("cmip6:experiment_id", chosen(EXPERIMENTS, random)),
          equal("cmip6:variable_id", chosen(VARIABLES, random)),
        ],
      },
      ...{ "filter-lang": "cql2-json", sortby: NEWEST, limit: 10 },
    })),
    many("free text, newest", (random) => ({ q: [chosen(LAND, random).name], sortby: NEWEST, limit: 10 })),
    many("page 50 of a collection, newest", () => ({ collections: [IMAGERY], sortby: NEWEST, limit: 10 }), {
      pages: 49,
    }),
    many("a continent's scenes, 100 of them", (random) => ({
      ...{ collections: [IMAGERY], bbox: boxOf(random, 60), sortby: NEWEST, limit: 100 },
    })),
    many(
      "how many: box of 5 degrees, a year",
      (random) => ({ collections: [IMAGERY], bbox: boxOf(random, 5), datetime: yearOf(random), limit: 1 }),
      { isCount: true },
    ),
    many("ten ids", (random) => ({ ids: Array.from({ length: 10 }, () => chosen(ids, random)), limit: 10 })),
    many("collection, a month, newest 10", (random) => ({
      ...{ collections: [IMAGERY], datetime: monthOf(random), sortby: NEWEST, limit: 10 },
    })),
    many("polygon intersects, newest", (random) => ({
      ...{ collections: [IMAGERY], intersects: polygonOf(random), sortby: NEWEST, limit: 10 },
    })),
    many("box of 10 degrees, least clouds", (random) => ({
      ...{ collections: [IMAGERY], bbox: boxOf(random, 10), limit: 10 },
      sortby: [
        { field: "properties.eo:cloud_cover", direction: "asc" },
        { field: "id", direction: "asc" },
      ],
    })),
  ];
}

function equal(property: string, value: string): object {
  return { op: "=", args: [{ property }, value] };
}

function chosen<T>(of: readonly T[], random: Random): T {
  return of[Math.floor(random() * of.length)] as T;
}

function boxOf(random: Random, degrees: number): number[] {
  const [west, south, east, north] = chosen(LAND, random).box;
  const x = west + random() * Math.max(east - west - degrees, 0);
  const y = south + random() * Math.max(north - south - degrees, 0);
  return [x, y, Math.min(x + degrees, 180), Math.min(y + degrees, 85)].map((of) => Math.round(of * 1000) / 1000);
}

/** Seven corners, and none of its sides along a meridian. */
function polygonOf(random: Random): object {
  const [west = 0, south = 0, east = 0, north = 0] = boxOf(random, 8);
  const [x, y, r] = [(west + east) / 2, (south + north) / 2, (north - south) / 2];
  const corner = (i: number): number[] => {
    const angle = (2 * Math.PI * (i % 7)) / 7 + 0.1;
    return [x + r * Math.cos(angle), y + r * Math.sin(angle)].map((of) => Math.round(of * 1000) / 1000);
  };
  return { type: "Polygon", coordinates: [Array.from({ length: 8 }, (_, i) => corner(i))] };
}

function yearOf(random: Random): string {
  const year = 2017 + Math.floor(random() * 7);
  return `${year}-01-01T00:00:00Z/${year}-12-31T23:59:59Z`;
}

function monthOf(random: Random): string {
  const month = String(1 + Math.floor(random() * 12)).padStart(2, "0");
  const year = 2017 + Math.floor(random() * 7);
  return `${year}-${month}-01T00:00:00Z/${year}-${month}-28T23:59:59Z`;
}
