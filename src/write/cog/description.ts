import { geoKeysOf, isMeasureKey } from "../../core/crs/geokeys.ts";
import { type GeoTransform, isAligned } from "../../core/crs/geotransform.ts";
import type { Crs } from "../../core/crs.ts";
import { FieldType, Photometric, Tag } from "../../core/tiff/tags.ts";
import type { Entry } from "./header.ts";

/** What is said of one band beside its values. */
export interface BandDescription {
  readonly name?: string;
  readonly unit?: string;
  readonly scale?: number;
  readonly offset?: number;
  /** Further items of GDAL's metadata. */
  readonly metadata?: Readonly<Record<string, string>>;
}

/** What colours the bands are; bands beyond those are extra samples. */
export type Colours =
  | "grey"
  | "rgb"
  | "rgba"
  | { /** Red, green, blue in 8 bits of each index. */ readonly palette: readonly number[] };

export interface Description {
  readonly crs?: Crs;
  readonly transform?: GeoTransform;
  readonly nodata?: number | bigint;
  readonly bandDescriptions?: readonly BandDescription[];
  readonly metadata?: Readonly<Record<string, string>>;
  readonly colours?: Colours;
}

/** Tags of the first directory that say where the image lies and what it shows. */
export function descriptionEntries(description: Description): Entry[] {
  const { crs, transform, metadata = {}, bandDescriptions = [] } = description;
  const xml = metadataXml(metadata, bandDescriptions);
  return [
    ...(transform === undefined ? [] : transformEntries(transform)),
    ...(crs === undefined && transform === undefined ? [] : geoKeyEntries(crs)),
    ...(xml === undefined ? [] : [{ tag: Tag.GdalMetadata, type: FieldType.ASCII, values: xml }]),
  ];
}

/** Tags that the reduced images need as well. */
export function sampleEntries({ nodata, colours = "grey" }: Description, bands: number): Entry[] {
  const isPalette = typeof colours === "object";
  const coloured = colours === "rgb" || colours === "rgba" ? 3 : 1;
  const extra = Array.from({ length: Math.max(0, bands - coloured) }, (_, i) =>
    colours === "rgba" && i === 0 ? 2 : 0,
  );
  const photometric = isPalette ? Photometric.Palette : coloured === 3 ? Photometric.Rgb : Photometric.MinIsBlack;
  return [
    { tag: Tag.PhotometricInterpretation, type: FieldType.SHORT, values: [photometric] },
    ...(extra.length === 0 ? [] : [{ tag: Tag.ExtraSamples, type: FieldType.SHORT, values: extra }]),
    ...(isPalette ? [{ tag: Tag.ColorMap, type: FieldType.SHORT, values: colourMap(colours.palette) }] : []),
    ...(nodata === undefined ? [] : [{ tag: Tag.GdalNodata, type: FieldType.ASCII, values: nodataText(nodata) }]),
  ];
}

function nodataText(nodata: number | bigint): string {
  if (typeof nodata === "bigint") return String(nodata);
  return Number.isNaN(nodata) ? "nan" : Number.isFinite(nodata) ? String(nodata) : nodata > 0 ? "inf" : "-inf";
}

/** All reds, then greens, then blues, in 16 bits (TIFF 6.0 section 5). */
function colourMap(palette: readonly number[]): number[] {
  const size = palette.length / 3;
  return Array.from({ length: palette.length }, (_, i) => palette[(i % size) * 3 + Math.floor(i / size)]! * 257);
}

function transformEntries(transform: GeoTransform): Entry[] {
  const [x, perColumn, b, y, d, perRow] = transform;
  const type = FieldType.DOUBLE;
  // Scales are read as going down: an image from the south up needs the matrix.
  if (isAligned(transform) && perColumn > 0 && perRow < 0) {
    return [
      { tag: Tag.ModelPixelScale, type, values: [perColumn, -perRow, 0] },
      { tag: Tag.ModelTiepoint, type, values: [0, 0, 0, x, y, 0] },
    ];
  }
  const matrix = [perColumn, b, 0, x, d, perRow, 0, y, 0, 0, 0, 0, 0, 0, 0, 1];
  return [{ tag: Tag.ModelTransformation, type, values: matrix }];
}

function geoKeyEntries(crs: Crs | undefined): Entry[] {
  const keys = crs === undefined ? new Map<number, number | string>([[1025, 1]]) : geoKeysOf(crs);
  const directory = [1, 1, 0, keys.size];
  const doubles: number[] = [];
  let ascii = "";
  for (const [key, value] of [...keys].sort(([a], [b]) => a - b)) {
    if (typeof value === "string") {
      const text = `${value.replace(/[^ -~]/g, "?")}|`;
      directory.push(key, Tag.GeoAsciiParams, text.length, ascii.length);
      ascii += text;
    } else if (isMeasureKey(key)) {
      directory.push(key, Tag.GeoDoubleParams, 1, doubles.length);
      doubles.push(value);
    } else directory.push(key, 0, 1, value);
  }
  return [
    { tag: Tag.GeoKeyDirectory, type: FieldType.SHORT, values: directory },
    ...(doubles.length === 0 ? [] : [{ tag: Tag.GeoDoubleParams, type: FieldType.DOUBLE, values: doubles }]),
    ...(ascii === "" ? [] : [{ tag: Tag.GeoAsciiParams, type: FieldType.ASCII, values: ascii }]),
  ];
}

function metadataXml(
  metadata: Readonly<Record<string, string>>,
  bands: readonly BandDescription[],
): string | undefined {
  const items = Object.entries(metadata).map(([name, value]) => item(name, value));
  bands.forEach(({ name, unit, scale, offset, metadata: own = {} }, i) => {
    const property = (role: string, value: string | number | undefined): void => {
      if (value !== undefined) items.push(item(role.toUpperCase(), String(value), ` sample="${i}" role="${role}"`));
    };
    property("description", name);
    property("unittype", unit);
    property("scale", scale);
    property("offset", offset);
    for (const [key, value] of Object.entries(own)) items.push(item(key, value, ` sample="${i}"`));
  });
  return items.length === 0 ? undefined : `<GDALMetadata>\n${items.join("\n")}\n</GDALMetadata>\n`;
}

/** Values are escaped twice: that is how GDAL writes and reads them. */
function item(name: string, value: string, more = ""): string {
  return `  <Item name="${escaped(name)}"${more}>${escaped(escaped(value))}</Item>`;
}

function escaped(text: string): string {
  return text.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;").replace(/"/g, "&quot;");
}
