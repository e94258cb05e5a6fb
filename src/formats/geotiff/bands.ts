import type { Attr, Scalar } from "../../core/array.ts";
import { type DType, isFloat, isInteger, itemSize } from "../../core/dtype.ts";
import { Photometric } from "../../core/tiff/tags.ts";
import type { Image } from "./image.ts";
import type { MetadataItem } from "./metadata.ts";

const NAMES: Readonly<Record<number, string>> = {
  [Photometric.MinIsWhite]: "min_is_white",
  [Photometric.MinIsBlack]: "min_is_black",
  [Photometric.Rgb]: "rgb",
  [Photometric.Palette]: "palette",
  [Photometric.Mask]: "mask",
  [Photometric.Cmyk]: "cmyk",
  [Photometric.YCbCr]: "ycbcr",
  [Photometric.CieLab]: "cielab",
};

/** Colours of the first samples by photometric interpretation, in GDAL's words. */
const COLOURS: Readonly<Record<number, readonly string[]>> = {
  [Photometric.MinIsWhite]: ["Gray"],
  [Photometric.MinIsBlack]: ["Gray"],
  [Photometric.Rgb]: ["Red", "Green", "Blue"],
  [Photometric.Palette]: ["Palette"],
  [Photometric.Cmyk]: ["Cyan", "Magenta", "Yellow", "Black"],
  // Comes out of the JPEG codec as red, green, blue.
  [Photometric.YCbCr]: ["Red", "Green", "Blue"],
  [Photometric.CieLab]: ["Lightness", "Undefined", "Undefined"],
};

/** Attributes of the pixels: CF's names where CF has them, lists by band where there is more than one band. */
export function bandAttrs(
  image: Image,
  items: readonly MetadataItem[],
  nodata: string | undefined,
  colorMap: readonly number[],
): Map<string, Attr> {
  const attrs = new Map<string, Attr>();
  const { samples } = image;
  const strings = (values: readonly string[]): Attr => ({
    dtype: "string",
    value: samples === 1 ? values[0]! : values,
  });
  const byRole = (role: string): string[] | undefined => {
    const found = items.filter((item) => item.role === role && (item.sample ?? 0) < samples);
    if (found.length === 0) return undefined;
    const values = new Array<string>(samples).fill("");
    for (const item of found) values[item.sample ?? 0] = item.value;
    return values;
  };

  const descriptions = byRole("description");
  if (descriptions !== undefined) attrs.set("long_name", strings(descriptions));
  const units = byRole("unittype");
  if (units?.every((unit) => unit === units[0])) attrs.set("units", { dtype: "string", value: units[0]! });
  else if (units !== undefined) attrs.set("band_units", strings(units));
  scaling(attrs, byRole("scale"), byRole("offset"));
  fillAttrs(attrs, image.dtype, nodata);

  const photometric = NAMES[image.encoding.photometric];
  if (photometric !== undefined) attrs.set("photometric", { dtype: "string", value: photometric });
  attrs.set("color_interpretation", strings(colours(image, byRole("colorinterp"), colorMap.length > 0)));
  if (colorMap.length > 0) attrs.set("color_table", { dtype: "uint8", value: colorTable(colorMap) });
  for (const [name, values] of perBand(items, samples)) attrs.set(name, strings(values));
  return attrs;
}

/** Equal for all bands: CF's attributes. Otherwise lists, as rioxarray keeps them, which no CF reader applies wrongly. */
function scaling(attrs: Map<string, Attr>, scales: string[] | undefined, offsets: string[] | undefined): void {
  for (const [texts, one, many, none] of [
    [scales, "scale_factor", "scales", 1],
    [offsets, "add_offset", "offsets", 0],
  ] as const) {
    const values = texts?.map((text) => (text.trim() === "" ? none : Number(text)));
    if (values === undefined || values.some(Number.isNaN) || values.every((value) => value === none)) continue;
    if (values.every((value) => value === values[0])) attrs.set(one, { dtype: "float64", value: values[0]! });
    else attrs.set(many, { dtype: "float64", value: values });
  }
}

function fillAttrs(attrs: Map<string, Attr>, dtype: DType, nodata: string | undefined): void {
  if (nodata === undefined) return;
  const fill = parseNodata(nodata, dtype);
  if (fill !== undefined) attrs.set("_FillValue", { dtype, value: fill });
  // A value that no pixel can have is told, but not as a fill value.
  else if (Number.isFinite(Number(nodata))) attrs.set("nodata", { dtype: "float64", value: Number(nodata) });
}

/** GDAL_NODATA as a value of the pixels' type; undefined where that cannot hold it. */
export function parseNodata(text: string, dtype: DType): Scalar | undefined {
  const trimmed = text.trim();
  if (trimmed === "") return undefined;
  if (isFloat(dtype)) {
    const value = /^[-+]?nan$/i.test(trimmed) ? Number.NaN : Number(trimmed.replace(/^([-+]?)inf$/i, "$1Infinity"));
    if (Number.isNaN(value)) return /nan$/i.test(trimmed) ? value : undefined;
    const rounded = dtype === "float64" ? value : dtype === "float32" ? Math.fround(value) : Math.f16round(value);
    return Number.isFinite(value) && !Number.isFinite(rounded) ? undefined : rounded;
  }
  if (!isInteger(dtype)) return undefined;
  const bits = BigInt(itemSize(dtype)! * 8);
  const exact = /^[-+]?\d{1,20}$/.test(trimmed) ? BigInt(trimmed) : wholeNumber(Number(trimmed));
  const [low, high] = dtype.startsWith("u")
    ? [0n, (1n << bits) - 1n]
    : [-(1n << (bits - 1n)), (1n << (bits - 1n)) - 1n];
  if (exact === undefined || exact < low || exact > high) return undefined;
  return bits === 64n ? exact : Number(exact);
}

function wholeNumber(value: number): bigint | undefined {
  return Number.isInteger(value) ? BigInt(value) : undefined;
}

function colours(image: Image, given: readonly string[] | undefined, hasTable: boolean): string[] {
  const base = COLOURS[hasTable ? Photometric.Palette : image.encoding.photometric] ?? ["Undefined"];
  // Extra samples are the last ones: their number says where the colours end.
  const first = image.samples - image.extraSamples.length;
  return Array.from({ length: image.samples }, (_, i) => {
    const own = given?.[i];
    if (own !== undefined && own !== "") return own[0]!.toUpperCase() + own.slice(1);
    const extra = i >= first ? image.extraSamples[i - first] : undefined;
    if (extra === 1 || extra === 2) return "Alpha";
    return (
      base[i] ?? (base.length === 1 && base[0] === "Gray" && image.extraSamples.length === 0 ? "Gray" : "Undefined")
    );
  });
}

/** Red, green, blue of each index in 8 bits. Some writers store 8 bits in the 16 of the tag. */
function colorTable(colorMap: readonly number[]): number[] {
  const size = Math.floor(colorMap.length / 3);
  const wide = colorMap.some((value) => value > 255);
  const table: number[] = [];
  for (let i = 0; i < size; i++) {
    for (let c = 0; c < 3; c++) {
      const value = colorMap[c * size + i]!;
      table.push(wide ? Math.floor(value / 257) : value);
    }
  }
  return table;
}

/** Metadata items of single bands, by name. */
function perBand(items: readonly MetadataItem[], samples: number): Map<string, string[]> {
  const found = new Map<string, string[]>();
  for (const { name, value, domain, sample, role } of items) {
    if (sample === undefined || sample >= samples || role !== undefined) continue;
    const key = qualified(name, domain);
    const values = found.get(key) ?? new Array<string>(samples).fill("");
    values[sample] = value;
    found.set(key, values);
  }
  return found;
}

/** Items of other domains than the default one carry its name. */
export function qualified(name: string, domain: string): string {
  return domain === "" ? name : `${domain}:${name}`;
}
