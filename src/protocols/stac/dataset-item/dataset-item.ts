import type { Access, Opened, SourceFile } from "../../../core/access.ts";
import type { Dataset, Variable } from "../../../core/array.ts";
import { coordinateNames } from "../../../core/axes.ts";
import { isFloat, isInteger } from "../../../core/dtype.ts";
import type { Call } from "../../../core/principal.ts";
import type { StacItem, StacLink } from "../../../core/stac.ts";
import { isGyreError } from "../../../errors.ts";
import { VERSION } from "../../../version.ts";
import { datasetUrl } from "../../protocol.ts";
import { GEOJSON, JSON_TYPE, stacUrl } from "../links.ts";
import { type CoordinateReader, createCoordinateReader } from "./coordinate-values.ts";
import { type CubeFields, cubeFields } from "./cube-fields.ts";
import { attributeLinks, commonProperties, createdAt } from "./description.ts";
import type { Footprint } from "./footprint.ts";
import { boundsNames, findGrids, type Grid } from "./grid.ts";
import { gridFootprint } from "./grid-footprint.ts";
import { itemAssets, MOST_FILES } from "./item-assets.ts";
import { type Members, plainText } from "./members.ts";
import { findPeriod, type Period } from "./period.ts";
import { type ProjectRecord, projectRecord } from "./project.ts";

const EXTENSIONS = {
  file: "https://stac-extensions.github.io/file/v2.1.0/schema.json",
  alternate: "https://stac-extensions.github.io/alternate-assets/v1.2.0/schema.json",
  datacube: "https://stac-extensions.github.io/datacube/v2.3.0/schema.json",
  processing: "https://stac-extensions.github.io/processing/v1.2.0/schema.json",
  projection: "https://stac-extensions.github.io/projection/v2.0.0/schema.json",
};

/** An item, and what its dataset does not tell. */
export interface DatasetItem {
  readonly item: StacItem;
  readonly warnings: readonly string[];
}

/** What is found by reading coordinates, the same for as long as a dataset stays what it is. */
interface Facts {
  readonly grid: Grid | undefined;
  readonly footprint: Footprint | undefined;
  readonly period: Period | undefined;
  readonly cube: CubeFields;
  readonly warnings: readonly string[];
}

/** Grids that are tried; more of them say no more. */
const MOST_TRIES = 8;

const known = new WeakMap<Dataset, Promise<Facts>>();

export interface ItemOptions {
  /** The node's address, which the links and assets begin with. */
  readonly base: URL;
  /** Of datasets that belong to no project. */
  readonly collection?: string | undefined;
}

/** The STAC Item of a dataset: its coordinates are read, never its data. Answers the same until the dataset changes. */
export async function datasetItem(
  opened: Opened,
  access: Access,
  { who }: Call,
  { base, collection }: ItemOptions,
): Promise<DatasetItem> {
  const { dataset } = opened;
  // Nobody's signal: others wait for the same.
  const facts = await factsOf(dataset, access, { who });
  const created = createdAt(opened);
  const record = await projectRecord(opened, dataVariables(dataset));
  const files = access.files?.(opened.id, { who }) ?? [];
  const { footprint, period, cube, grid } = facts;
  const id = record?.id ?? opened.id;
  const place = record?.collection ?? collection;
  const item: StacItem = {
    type: "Feature",
    stac_version: "1.1.0",
    stac_extensions: extensionsOf(grid, record),
    id,
    ...(place === undefined ? {} : { collection: place }),
    geometry: footprint?.geometry ?? null,
    ...(footprint === undefined ? {} : { bbox: footprint.bbox }),
    properties: {
      ...commonProperties(opened, created),
      ...times(period, created ?? EPOCH),
      ...sizeOf(files),
      ...record?.properties,
      ...cube,
      ...projection(grid),
      "processing:software": { gyre: VERSION },
    },
    links: itemLinks(opened, id, record, place, base),
    assets: itemAssets({ id: opened.id, attrs: dataset.attrs, files, record, created }, base),
  };
  const warnings = [
    ...facts.warnings,
    ...(record?.warnings ?? []),
    ...(period === undefined ? [`it has no time: ${created ?? EPOCH} is when it was made`] : []),
    ...(files.length > MOST_FILES ? [`only ${MOST_FILES} of its ${files.length} files are assets`] : []),
  ];
  return { item, warnings: warnings.map((warning) => plainText(warning, LONGEST_WARNING)) };
}

function extensionsOf(grid: Grid | undefined, record: ProjectRecord | undefined): readonly string[] {
  const { file, alternate, datacube, processing } = EXTENSIONS;
  return [
    file,
    alternate,
    datacube,
    processing,
    ...(grid?.crs === undefined ? [] : [EXTENSIONS.projection]),
    ...(record === undefined ? [] : [record.profile.schema]),
  ];
}

/** Bytes of all files, where all of them are known. */
function sizeOf(files: readonly SourceFile[]): Members {
  const sizes = files.flatMap(({ size }) => size ?? []);
  return sizes.length === 0 || sizes.length < files.length ? {} : { size: sizes.reduce((sum, size) => sum + size, 0) };
}

/** The id that the item of a dataset has. */
export async function itemIdOf(opened: Opened): Promise<string> {
  const record = await projectRecord(opened, dataVariables(opened.dataset));
  return record?.id ?? opened.id;
}

/** A header tells them. */
const LONGEST_WARNING = 300;

/** Of what says no time at all. */
const EPOCH = "1970-01-01T00:00:00Z";

async function factsOf(dataset: Dataset, access: Access, call: Call): Promise<Facts> {
  const before = known.get(dataset);
  if (before !== undefined) return before;
  const finding = findFacts(createCoordinateReader(dataset, access, call));
  known.set(dataset, finding);
  finding.catch(() => known.delete(dataset));
  return finding;
}

async function findFacts(reader: CoordinateReader): Promise<Facts> {
  const { dataset } = reader;
  const data = dataVariables(dataset);
  const warnings: string[] = [];
  const { grid, footprint } = await located(reader, data, warnings);
  const period = await findPeriod(reader, data);
  if (period?.isClamped) {
    warnings.push(`its first or last day is none of our calendar (${period.calendar}): the nearest stands for it`);
  }
  return { grid, footprint, period, cube: await cubeFields(reader, { grid, period, data }), warnings };
}

/** Of the grids the first that lies somewhere; what says no place may still have a CRS and axes. */
async function located(reader: CoordinateReader, data: readonly Variable[], warnings: string[]) {
  let first: Grid | undefined;
  let tries = 0;
  for (const grid of findGrids(reader.dataset, data)) {
    first ??= grid;
    if (++tries > MOST_TRIES) break;
    try {
      const footprint = await gridFootprint(grid, reader);
      if (footprint !== undefined) return { grid, footprint };
    } catch (error) {
      if (!isGyreError(error, "Unsupported")) throw error;
      warnings.push(`no geometry: ${error.message}`);
    }
  }
  if (warnings.length === 0) warnings.push("its coordinates say no place: no geometry");
  return { grid: first, footprint: undefined };
}

/** Variables with numbers that are neither coordinates nor what belongs to them; all of them where there is no other. */
function dataVariables(dataset: Dataset): readonly Variable[] {
  const [coordinates, bounds] = [coordinateNames(dataset), boundsNames(dataset)];
  const numeric = [...dataset.variables.values()].filter(
    ({ spec: { dtype, dims } }) => dims.length > 0 && (isFloat(dtype) || isInteger(dtype)),
  );
  const data = numeric.filter(({ name }) => !coordinates.has(name) && !bounds.has(name));
  return data.length > 0 ? data : numeric;
}

function times(period: Period | undefined, otherwise: string) {
  const { start, end } = period ?? { start: otherwise, end: otherwise };
  return { datetime: start === end ? start : null, start_datetime: start, end_datetime: end };
}

const LONGEST_WKT = 20_000;

/** STAC's projection extension (2.0.0), where the axes are in a CRS that the file names. */
function projection(grid: Grid | undefined): Members {
  if (grid?.crs === undefined) return {};
  const { crs } = grid;
  const wkt2 =
    crs.epsg === undefined && crs.wkt.length <= LONGEST_WKT && /^(?:PROJCRS|GEOGCRS|GEODCRS|BOUNDCRS)\b/.test(crs.wkt);
  return {
    "proj:code": crs.epsg === undefined ? null : `EPSG:${crs.epsg}`,
    ...(wkt2 ? { "proj:wkt2": crs.wkt } : {}),
    ...(grid.kind === "raster"
      ? { "proj:shape": [grid.height, grid.width], "proj:transform": affine(grid.transform) }
      : {}),
  };
}

/** GDAL's order of the six numbers as rasterio and STAC write it. */
function affine([x, perColumn, perRow, y, down, perRowDown]: readonly number[]): readonly number[] {
  return [perColumn!, perRow!, x!, down!, perRowDown!, y!];
}

function itemLinks(
  { id: dataset, dataset: { attrs } }: Opened,
  id: string,
  record: ProjectRecord | undefined,
  collection: string | undefined,
  base: URL,
): readonly StacLink[] {
  const links: StacLink[] = [{ rel: "self", href: datasetUrl(base, dataset, "stac"), type: GEOJSON }];
  if (collection !== undefined)
    links.push({ rel: "collection", href: stacUrl(base, "collections", collection), type: JSON_TYPE });
  links.push({
    rel: "alternate",
    href: datasetUrl(base, dataset, ""),
    type: "text/html",
    title: "Page of the dataset",
  });
  // CMIP6 cites datasets at addresses made of their ids (DKRZ's citation service).
  if (record?.profile.project === "CMIP6") {
    const href = `https://cera-www.dkrz.de/WDCC/meta/CMIP6/${id}.json`;
    links.push({ rel: "cite-as", href, type: JSON_TYPE, title: "Citation URL" });
  }
  return [...links, ...attributeLinks(attrs)];
}
