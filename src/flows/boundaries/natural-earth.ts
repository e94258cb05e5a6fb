import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { feature } from "topojson-client";
import { isGyreError } from "../../errors.ts";
import type { BoundaryDraft } from "./admin.ts";
import { type Area, areaOf } from "./area.ts";
import ALPHA_3 from "./iso-3166.json" with { type: "json" };
import { foldedName } from "./names.ts";
import { polygonsOf } from "./rings.ts";

type Topology = Parameters<typeof feature>[0];

interface Country {
  /** Numeric, of ISO 3166-1; absent for what has none. */
  readonly id: string | undefined;
  readonly name: string;
  readonly geometry: unknown;
}

/** What Natural Earth shortens for maps. */
const LONG_NAMES: Readonly<Record<string, string>> = {
  "Antigua and Barb.": "Antigua and Barbuda",
  "Bosnia and Herz.": "Bosnia and Herzegovina",
  "Br. Indian Ocean Ter.": "British Indian Ocean Territory",
  "Central African Rep.": "Central African Republic",
  Congo: "Republic of the Congo",
  "Dem. Rep. Congo": "Democratic Republic of the Congo",
  "Dominican Rep.": "Dominican Republic",
  "Eq. Guinea": "Equatorial Guinea",
  "Fr. Polynesia": "French Polynesia",
  "Fr. S. Antarctic Lands": "French Southern and Antarctic Lands",
  "Heard I. and McDonald Is.": "Heard Island and McDonald Islands",
  "Indian Ocean Ter.": "Indian Ocean Territories",
  "N. Cyprus": "Northern Cyprus",
  "N. Mariana Is.": "Northern Mariana Islands",
  "S. Geo. and the Is.": "South Georgia and the South Sandwich Islands",
  "S. Sudan": "South Sudan",
  "St. Kitts and Nevis": "Saint Kitts and Nevis",
  "St. Pierre and Miquelon": "Saint Pierre and Miquelon",
  "St. Vin. and Gren.": "Saint Vincent and the Grenadines",
  "U.S. Minor Outlying Is.": "United States Minor Outlying Islands",
  "U.S. Virgin Is.": "United States Virgin Islands",
  "W. Sahara": "Western Sahara",
};

/**
 * The countries of Natural Earth at 1:10m (public domain), as `world-atlas` has them, called by ISO 3166-1 alpha-3. What
 * has no code of its own is called by its name in a-z.
 */
export async function* naturalEarthCountries(): AsyncGenerator<BoundaryDraft> {
  const codes = new Map(Object.entries(ALPHA_3));
  const coarser = lazily(() => countriesOf("countries-50m.json"));
  for (const country of await countriesOf("countries-10m.json")) {
    const nameLong = longNameOf(country.name);
    const code = codes.get(country.id ?? "");
    // Two places have one code where one is a territory of the other: the first is the country.
    if (country.id !== undefined) codes.delete(country.id);
    const name = code ?? foldedName(nameLong);
    const area = await areaOfCountry(country, coarser);
    if (name !== undefined && area !== undefined) yield { ...area, name, nameLong, adminLevel: 0 };
  }
}

/** What is too small for the grid of 1:10m may be found, as a sign for itself, at 1:50m. */
async function areaOfCountry(country: Country, coarser: () => Promise<Country[]>): Promise<Area | undefined> {
  try {
    return await areaOf(polygonsOf(country.geometry), { longEdges: "short-way" });
  } catch (error) {
    if (!isGyreError(error, "Invalid")) throw error;
    const other = (await coarser()).find(({ name }) => name === country.name);
    return other && areaOf(polygonsOf(other.geometry), { longEdges: "short-way" });
  }
}

/** The file is read and forgotten: as a module it would stay in memory. */
async function countriesOf(file: string): Promise<Country[]> {
  const path = fileURLToPath(import.meta.resolve(`world-atlas/${file}`));
  const topology = JSON.parse(await readFile(path, "utf8")) as Topology;
  const { countries } = topology.objects;
  if (countries?.type !== "GeometryCollection") return [];
  return feature(topology, countries).features.map(({ id, properties, geometry }) => ({
    id: id === undefined ? undefined : String(id),
    name: String(properties?.name),
    geometry,
  }));
}

function longNameOf(name: string): string {
  return LONG_NAMES[name] ?? name.replace(/\bIs\.$/, "Islands").replace(/\bI\.$/, "Island");
}

function lazily<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => {
    made ??= make();
    return made;
  };
}
