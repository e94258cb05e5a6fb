import type { CubePart } from "../../core/cube.ts";
import { isGyreError } from "../../errors.ts";
import { below, isRecord, jsonObject, type NamedEntry, type Reading, resolveAddress } from "./catalog.ts";

type Json = { readonly [key: string]: unknown };

/** Media types and suffixes of array data; pictures for people, documents and metadata are passed over. */
const DATA_TYPES = /netcdf|hdf|zarr|geotiff|image\/tiff|wmo-grib|kerchunk/i;
const DATA_SUFFIXES = /\.(nc|nc4|cdf|h5|hdf5|he5|zarr|zip|tiff?|json|parquet|parq)\/?$/i;
const NO_DATA = new Set(["thumbnail", "overview", "metadata", "visual-overview", "documentation"]);

/** A static STAC catalogue, collection, item or list of items, with everything that it links to as child or item. */
export async function* stacEntries(url: URL, text: string, reading: Reading): AsyncGenerator<NamedEntry> {
  const json = jsonObject(text, url);
  if (json.type === "FeatureCollection") {
    for (const item of listOf(json.features)) yield* itemEntries(url, item, reading);
    return;
  }
  yield* itemEntries(url, json, reading);
  for (const link of listOf(json.links)) {
    if ((link.rel !== "child" && link.rel !== "item") || typeof link.href !== "string") continue;
    yield* below(reading, url, resolveAddress(link.href, url));
  }
}

/** What an item or a collection has itself: one dataset, or one for each of its assets. */
function* itemEntries(url: URL, item: Json, { options }: Reading): Generator<NamedEntry> {
  const assets: [string, string][] = [];
  for (const [key, asset] of Object.entries(isRecord(item.assets) ? item.assets : {})) {
    if (!isRecord(asset) || typeof asset.href !== "string" || !isData(asset)) continue;
    try {
      assets.push([key, addressOf(asset, url)]);
    } catch (error) {
      if (!isGyreError(error)) throw error;
      options.report?.(url.href, error.message);
    }
  }
  const id = typeof item.id === "string" ? item.id : "item";
  const properties = isRecord(item.properties) ? item.properties : {};
  const title = typeof properties.title === "string" ? { title: properties.title } : {};
  const base = { ...title, values: valuesOf(item, properties) };
  const series = seriesOf(assets.map(([, href]) => href));
  if (series !== undefined) yield { ...base, id, part: series };
  else if (assets.length === 1) yield { ...base, id, part: assets[0]![1] };
  else for (const [key, part] of assets) yield { ...base, id: `${id}.${key}`, part };
}

function isData(asset: Json): boolean {
  const roles = Array.isArray(asset.roles) ? asset.roles : [];
  if (roles.some((role) => NO_DATA.has(String(role)))) return false;
  const type = typeof asset.type === "string" ? asset.type : undefined;
  if (type !== undefined && DATA_TYPES.test(type)) return true;
  // References are plain JSON: only those that say that they are data are meant.
  const path = String(asset.href).replace(/[?#].*$/, "");
  const isReference = /\.json$/i.test(path);
  return (
    (type === undefined || roles.includes("data")) &&
    DATA_SUFFIXES.test(path) &&
    (!isReference || roles.includes("data"))
  );
}

function addressOf(asset: Json, url: URL): string {
  const address = resolveAddress(String(asset.href), url).href;
  const isStore = /zarr/i.test(String(asset.type ?? "")) || /\.zarr$/i.test(address);
  return isStore && !address.endsWith("/") ? `${address}/` : address;
}

/** Files that follow each other in time, named alike but for the years: `pr_..._gr_201501-210012.nc`. */
const YEARS = /_\d{4,14}-\d{4,14}(?:-clim)?\.nc$/;

function seriesOf(addresses: readonly string[]): CubePart | undefined {
  if (addresses.length < 2) return undefined;
  const stems = new Set(addresses.map((a) => (YEARS.test(a) ? a.slice(a.lastIndexOf("/") + 1).replace(YEARS, "") : a)));
  return stems.size === 1 ? { rules: { concat: "time" }, parts: [...new Set(addresses)].sort() } : undefined;
}

function valuesOf(item: Json, properties: Json): Map<string, string> {
  const values = new Map<string, string>();
  if (typeof item.collection === "string") values.set("collection", item.collection);
  for (const [key, value] of Object.entries(properties)) {
    if (typeof value === "string" || typeof value === "number") values.set(key, String(value));
  }
  return values;
}

function listOf(value: unknown): Json[] {
  return Array.isArray(value) ? value.filter(isRecord) : [];
}
