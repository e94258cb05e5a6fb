import type { ProcessorsInput } from "../../../config/processors.ts";
import { griOsm } from "./gri-osm.ts";
import { gridfinder } from "./gridfinder.ts";
import { isimpDrought } from "./isimp-drought.ts";
import { jrcGhsl } from "./jrc-ghsl.ts";
import { naturalEarth } from "./natural-earth.ts";
import { storm } from "./storm.ts";
import { wri } from "./wri.ts";

/** The ten datasets of the founding system; `osm` is the database of the one that lies in none that is open. */
export function founding(osm: string | undefined): ProcessorsInput {
  const all = [gridfinder, isimpDrought, jrcGhsl, storm, wri, naturalEarth, griOsm(osm)];
  return {
    raster: all.flatMap(({ raster = [] }) => raster),
    vector: all.flatMap(({ vector = [] }) => vector),
  };
}
