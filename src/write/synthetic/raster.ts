import { LONLAT } from "../../core/crs.ts";
import type { Description } from "../cog/description.ts";
import type { Raster } from "../cog.ts";
import { MISSING } from "./climate.ts";
import { globalAttributes } from "./cmip6.ts";
import type { Stretch, SyntheticDataset } from "./dataset.ts";

/** One month as an image, north up and from the date line eastwards, with what a GeoTIFF says of it. */
export function monthRaster(
  dataset: SyntheticDataset,
  field: Float32Array,
  stretch: Stretch,
  seed: number,
): { readonly raster: Raster; readonly description: Description } {
  const { earth, facets } = dataset;
  const { rows: height, columns: width } = earth;
  const cell = 360 / width;
  const { id, units, longName } = facets.variable;
  const attrs = globalAttributes(facets, dataset.name(stretch), seed);
  const texts = [...attrs].filter(([, { value }]) => typeof value === "string") as [string, { value: string }][];
  return {
    raster: {
      dtype: "float32",
      width,
      height,
      bands: 1,
      async rows(first, count) {
        const out = new Float32Array(count * width);
        const half = width >> 1;
        for (let row = 0; row < count; row++) {
          const start = (height - 1 - first - row) * width;
          out.set(field.subarray(start + half, start + width), row * width);
          out.set(field.subarray(start, start + half), row * width + width - half);
        }
        return [out];
      },
    },
    description: {
      crs: LONLAT,
      // Cells are centred on multiples of their width: the image begins half a cell west of the date line.
      transform: [(width >> 1) * cell - 360 - cell / 2, cell, 0, 90, 0, -180 / height],
      nodata: MISSING,
      bandDescriptions: [{ name: id, unit: units, metadata: { long_name: longName } }],
      metadata: Object.fromEntries(texts.map(([name, { value }]) => [name, value])),
    },
  };
}
