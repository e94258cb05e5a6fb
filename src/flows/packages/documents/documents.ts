import type { MultiPolygon } from "../../boundaries/boundary.ts";
import { type DataPackage, datasetFolder, datasetsOf } from "../datapackage.ts";
import { datasetPage, indexPage } from "./index-page.ts";
import { datasetLicensePage, licensePage } from "./license-page.ts";
import { recipe } from "./recipe.ts";
import { stacItem } from "./stac-item.ts";
import { versionPage } from "./version-page.ts";

/** A document of a package that follows from its descriptor. */
export interface PackageDocument {
  readonly path: string;
  readonly mediaType: string;
  readonly text: string;
}

const HTML = "text/html; charset=utf-8";
const DESCRIPTOR = "datapackage.json";
const PROVENANCE = "provenance.json";
const TYPES: Readonly<Record<string, string>> = {
  [DESCRIPTOR]: "application/json",
  [PROVENANCE]: "application/json",
  "recipe.json": "application/json",
  "stac.json": "application/geo+json",
  "index.html": HTML,
  "license.html": HTML,
  "version.html": HTML,
};
const DATASET_PAGES = ["index.html", "license.html"];

/** The media type of a document of this package; undefined for all other paths. */
export function documentType(datapackage: DataPackage, path: string): string | undefined {
  if (Object.hasOwn(TYPES, path)) return TYPES[path];
  const isPage = datasetsOf(datapackage).some((one) =>
    DATASET_PAGES.some((page) => path === datasetFolder(one) + page),
  );
  return isPage ? HTML : undefined;
}

/** Documents of the package as a whole. `at` tells the address of a path. */
export function packageDocuments(
  datapackage: DataPackage,
  geometry: MultiPolygon,
  at: (path: string) => URL,
): PackageDocument[] {
  const texts: Readonly<Record<string, string>> = {
    "index.html": indexPage(datapackage, at),
    "license.html": licensePage(datapackage),
    "version.html": versionPage(datapackage),
    "stac.json": json(stacItem(datapackage, geometry)),
    "recipe.json": json(recipe(datapackage)),
  };
  return Object.entries(texts).map(([path, text]) => ({ path, text, mediaType: TYPES[path] ?? HTML }));
}

/** Pages of dataset versions: of all, or of those named. */
export function datasetDocuments(
  datapackage: DataPackage,
  at: (path: string) => URL,
  folders?: readonly string[],
): PackageDocument[] {
  const wanted = datasetsOf(datapackage).filter((one) => folders?.includes(datasetFolder(one)) ?? true);
  return wanted.flatMap((one) => [
    { path: `${datasetFolder(one)}index.html`, mediaType: HTML, text: datasetPage(datapackage, one, at) },
    { path: `${datasetFolder(one)}license.html`, mediaType: HTML, text: datasetLicensePage(datapackage, one) },
  ]);
}

function json(value: object): string {
  return `${JSON.stringify(value, undefined, 2)}\n`;
}
