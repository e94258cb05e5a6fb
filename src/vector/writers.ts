import { csvWriter } from "./csv/write.ts";
import type { VectorWriter } from "./feature.ts";
import { flatgeobufWriter } from "./flatgeobuf/write.ts";
import { geojsonWriter } from "./geojson/write.ts";
import { geopackageWriter } from "./geopackage/write.ts";
import { geoparquetWriter } from "./geoparquet/write.ts";

/** All vector files that are written; the first is the usual one. */
export const VECTOR_WRITERS: readonly VectorWriter[] = [
  geopackageWriter,
  flatgeobufWriter,
  geoparquetWriter,
  geojsonWriter,
  csvWriter,
];

/** By its name in whatever case, or its extension. Undefined: there is none. */
export function vectorWriter(name: string): VectorWriter | undefined {
  const asked = name.toLowerCase();
  return VECTOR_WRITERS.find((writer) => [writer.name.toLowerCase(), writer.extension].includes(asked));
}
