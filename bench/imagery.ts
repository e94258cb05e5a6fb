import { createRandom, type Random } from "../src/core/random.ts";
import type { StacItem } from "../src/core/stac.ts";

/** Boxes that are land, mostly: scenes lie in them, as many as they are large. */
export const LAND = [
  { name: "Appalachia", box: [-125, 30, -75, 50] },
  { name: "Canada", box: [-120, 50, -60, 68] },
  { name: "Alaska", box: [-165, 60, -140, 70] },
  { name: "Mexico", box: [-105, 15, -88, 30] },
  { name: "Amazonia", box: [-75, -20, -40, 5] },
  { name: "Patagonia", box: [-70, -50, -58, -20] },
  { name: "Bohemia", box: [-10, 36, 30, 60] },
  { name: "Sahara", box: [-15, 5, 40, 33] },
  { name: "Congo", box: [12, -34, 38, 5] },
  { name: "Arabia", box: [35, 15, 58, 36] },
  { name: "Siberia", box: [30, 50, 178, 70] },
  { name: "Turkestan", box: [45, 35, 120, 50] },
  { name: "Bharat", box: [68, 10, 88, 33] },
  { name: "Indochina", box: [95, 10, 122, 35] },
  { name: "Borneo", box: [96, -5, 118, 6] },
  { name: "Australia", box: [114, -36, 152, -14] },
] as const;
const AREAS = LAND.map(({ box: [west, south, east, north] }) => (east - west) * (north - south));
const ALL = AREAS.reduce((sum, area) => sum + area, 0);
/** Scenes are some 110 km wide. */
const DEGREES = 1;
const FROM = Date.UTC(2017, 0, 1);
const DAYS = 2557;
const BANDS = ["coastal", "blue", "green", "red", "nir", "nir08", "swir16", "swir22", "scl"] as const;
const PLATFORMS = ["sentinel-2a", "sentinel-2b"] as const;

export const IMAGERY = "sentinel-2-l2a";

/** Scenes as a satellite takes them: small, slanted, over land, some of them twins in time, with a cloud cover each. */
export function* imageryItems(count: number, seed: number): Generator<StacItem> {
  for (let i = 0; i < count; i++) yield scene(i, createRandom(seed, "scene", i));
}

function scene(index: number, random: Random): StacItem {
  const { name, west, south } = placeOf(random);
  const [east, north, slant] = [west + DEGREES, south + DEGREES, 0.2 * DEGREES];
  const ring = [
    [west, south],
    [east - slant, south],
    [east, north],
    [west + slant, north],
    [west, south],
  ];
  const platform = PLATFORMS[Math.floor(random() * PLATFORMS.length)] as string;
  const seconds = Math.floor(random() * DAYS * 86_400);
  const datetime = new Date(FROM + seconds * 1000).toISOString().replace(".000", "");
  const tile = `${String(1 + Math.floor((west + 180) / 6)).padStart(2, "0")}${String.fromCharCode(67 + Math.floor((south + 80) / 8))}`;
  const id = `S2${platform.slice(-1).toUpperCase()}_${tile}_${datetime.slice(0, 10).replaceAll("-", "")}_${index}_L2A`;
  const folder = `https://imagery.gyre.invalid/sentinel-s2-l2a-cogs/${tile}/${id}`;
  const type = "image/tiff; application=geotiff; profile=cloud-optimized";
  const assets = BANDS.map((band) => {
    return [band, { href: `${folder}/${band}.tif`, type, title: `Surface reflectance: ${band}`, roles: ["data"] }];
  });
  return {
    type: "Feature",
    stac_version: "1.1.0",
    stac_extensions: ["https://stac-extensions.github.io/eo/v2.0.0/schema.json"],
    id,
    collection: IMAGERY,
    bbox: [west, south, east, north].map(rounded),
    geometry: { type: "Polygon", coordinates: [ring.map((point) => point.map(rounded))] },
    properties: {
      datetime,
      created: datetime,
      platform,
      constellation: "sentinel-2",
      instruments: ["msi"],
      gsd: 10,
      "eo:cloud_cover": Math.round(random() ** 2 * 10_000) / 100,
      "grid:code": `MGRS-${tile}`,
      "s2:processing_baseline": "05.09",
      "s2:sequence": String(index % 3),
      title: `Scene ${index} of ${name}`,
      // pgstac's free text finds no item without one.
      description: `Surface reflectance over ${name}`,
    },
    links: [
      { rel: "collection", type: "application/json", href: `https://imagery.gyre.invalid/collections/${IMAGERY}` },
    ],
    assets: Object.fromEntries(assets),
  };
}

function placeOf(random: Random): { readonly name: string; readonly west: number; readonly south: number } {
  let rest = random() * ALL;
  const at = AREAS.findIndex((area) => (rest -= area) < 0);
  const { name, box } = LAND[Math.max(at, 0)]!;
  const [west, south, east, north] = box;
  return { name, west: west + random() * (east - west), south: south + random() * (north - south) };
}

function rounded(degrees: number): number {
  return Math.round(degrees * 1e5) / 1e5;
}
