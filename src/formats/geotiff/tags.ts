import type { Attr, IoCall } from "../../core/array.ts";
import { FieldType, Tag, type TagNumber } from "../../core/tiff/tags.ts";
import { qualified } from "./bands.ts";
import { type Directory, readNumbers, readText } from "./directory.ts";
import type { Georeference } from "./georeference.ts";
import type { MetadataItem } from "./metadata.ts";
import type { Source } from "./source.ts";

/** Baseline tags that GDAL shows as metadata, under GDAL's names. */
const SHOWN: readonly (readonly [TagNumber, string])[] = [
  [Tag.DocumentName, "TIFFTAG_DOCUMENTNAME"],
  [Tag.ImageDescription, "TIFFTAG_IMAGEDESCRIPTION"],
  [Tag.Software, "TIFFTAG_SOFTWARE"],
  [Tag.DateTime, "TIFFTAG_DATETIME"],
  [Tag.Artist, "TIFFTAG_ARTIST"],
  [Tag.HostComputer, "TIFFTAG_HOSTCOMPUTER"],
  [Tag.Copyright, "TIFFTAG_COPYRIGHT"],
  [Tag.XResolution, "TIFFTAG_XRESOLUTION"],
  [Tag.YResolution, "TIFFTAG_YRESOLUTION"],
  [Tag.ResolutionUnit, "TIFFTAG_RESOLUTIONUNIT"],
  [Tag.MinSampleValue, "TIFFTAG_MINSAMPLEVALUE"],
  [Tag.MaxSampleValue, "TIFFTAG_MAXSAMPLEVALUE"],
];

const RESOLUTION_UNITS = ["", "1 (unitless)", "2 (pixels/inch)", "3 (pixels/cm)"];
const LONGEST = 1024 * 1024;

/** Attributes of the file: GDAL's dataset metadata, and the tags it shows among it. */
export async function fileAttrs(
  source: Source,
  directory: Directory,
  items: readonly MetadataItem[],
  reference: Georeference | undefined,
  call?: IoCall,
): Promise<Map<string, Attr>> {
  const attrs = new Map<string, Attr>();
  const set = (name: string, value: string): unknown => attrs.set(name, { dtype: "string", value });
  if (reference !== undefined) set("AREA_OR_POINT", reference.pixelIsPoint ? "Point" : "Area");
  for (const [tag, name] of SHOWN) {
    const field = directory.fields.get(tag);
    if (field === undefined || field.count > LONGEST) continue;
    if (field.type === FieldType.ASCII) set(name, await readText(source, field, call));
    else if (field.count === 1) set(name, shown(tag, (await readNumbers(source, field, call))[0]!));
  }
  for (const { name, value, domain, sample, role } of items) {
    if (sample === undefined && role === undefined) set(qualified(name, domain), value);
  }
  return attrs;
}

/** As GDAL prints it: `%.8g`, and units in words. */
function shown(tag: TagNumber, value: number): string {
  if (tag === Tag.ResolutionUnit) return RESOLUTION_UNITS[value] ?? String(value);
  return String(Number(value.toPrecision(8)));
}
