import type { ProcessorsInput } from "../../../config/processors.ts";
import { CC0 } from "./common.ts";

const PAPER =
  "Lange, S., Volkholz, J., Geiger, T., Zhao, F., Vega, I., Veldkamp, T., et al. (2020). Projecting exposure to extreme " +
  "climate impact events across six event categories and three spatial scales. Earth's Future, 8, e2020EF001616. " +
  "https://doi.org/10.1029/2020EF001616";

export const isimpDrought: ProcessorsInput = {
  raster: [
    {
      dataset: "isimp_drought",
      version: "version_1",
      description: "ISIMIP: annual probability of drought and extreme heat",
      author: "Lange, S., Volkholz, J., Geiger, T., Zhao, F., Vega, I., Veldkamp, T., et al. (2020)",
      title: "ISIMP Drought",
      titleLong: "Annual probability of extreme heat and drought events, derived from Lange et al 2020",
      summary:
        "Annual probability of drought (soil moisture below a baseline threshold) or extreme heat (temperature and " +
        "humidity above a threshold) on a grid of 0.5 degrees: 8 hydrological models forced by 4 climate models, for the " +
        "baseline and the scenarios RCP 2.6 and 6.0, now and in 2030, 2050 and 2080.",
      citation: PAPER,
      license: CC0,
      originUrl: "https://doi.org/10.5281/zenodo.7732393",
      source: {
        zenodo: 7732393,
        files: ["lange2020_expected_occurrence.zip"],
        members: ["*_occurrence.tif"],
        count: 245,
      },
    },
  ],
};
