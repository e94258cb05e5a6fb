import type { VectorConfig } from "../../config/processors.ts";
import type { VectorWriter } from "../../vector/feature.ts";
import { flatgeobufWriter } from "../../vector/flatgeobuf/write.ts";
import { geojsonWriter } from "../../vector/geojson/write.ts";
import { geopackageWriter } from "../../vector/geopackage/write.ts";
import { geoparquetWriter } from "../../vector/geoparquet/write.ts";

type Format = VectorConfig["format"];

const WRITERS: Readonly<Record<Format, VectorWriter>> = {
  GeoPackage: geopackageWriter,
  FlatGeobuf: flatgeobufWriter,
  GeoParquet: geoparquetWriter,
  GeoJSON: geojsonWriter,
};

export function vectorWriter(format: Format): VectorWriter {
  return WRITERS[format];
}

/** As the founding system names it in resources. */
export function formatName(format: Format): string {
  return format === "GeoPackage" ? "GEOPKG" : format;
}
