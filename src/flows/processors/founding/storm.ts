import type { ProcessorsInput } from "../../../config/processors.ts";
import { CC0 } from "./common.ts";

export const storm: ProcessorsInput = {
  raster: [
    {
      dataset: "storm",
      version: "global_mosaics_version_1",
      description: "STORM: tropical cyclone wind speed return periods, global mosaics",
      author: "University of Oxford",
      title: "STORM tropical cyclone wind speed maps",
      titleLong: "STORM tropical cyclone wind speed return period maps as global GeoTIFFs",
      summary:
        "Maximum wind speeds (m/s) for fixed return periods of 10 to 10,000 years on a grid of 10 km. Files are named " +
        "STORM_FIXED_RETURN_PERIODS_{model}_{years}_YR_RP.tif: constant is the present climate; CMCC-CM2-VHR4, " +
        "CNRM-CM6-1-HR, EC-Earth3P-HR and HadGEM3-GC31-HM are 2050 under RCP 8.5.",
      citation:
        "Russell, Tom. (2022). STORM tropical cyclone wind speed return periods as global GeoTIFFs (1.0.0) [Data set]. " +
        "Zenodo. https://doi.org/10.5281/zenodo.7438145. Derived from Bloemendaal, Nadia et al. (2020): STORM tropical " +
        "cyclone wind speed return periods. 4TU.ResearchData. https://doi.org/10.4121/12705164.v3; and Bloemendaal, " +
        "Nadia et al. (2022): STORM climate change tropical cyclone wind speed return periods. 4TU.ResearchData. " +
        "https://doi.org/10.4121/14510817.v3",
      license: CC0,
      originUrl: "https://doi.org/10.5281/zenodo.7438145",
      source: { zenodo: 7438145, files: ["STORM_FIXED_RETURN_PERIODS_*_YR_RP.tif"], count: 140 },
    },
  ],
};
