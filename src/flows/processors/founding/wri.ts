import type { ProcessorsInput } from "../../../config/processors.ts";
import { CC_BY } from "./common.ts";

export const wri: ProcessorsInput = {
  raster: [
    {
      dataset: "wri_aqueduct",
      version: "version_2",
      description: "WRI Aqueduct flood hazard maps, version 2",
      author: "Ward, P.J., H.C. Winsemius, S. Kuzma, M.F.P. Bierkens, A. Bouwman, H. de Moel, A. Díaz Loaiza, et al.",
      title: "Aqueduct Flood Hazard Maps",
      titleLong: "World Resource Institute - Aqueduct Flood Hazard Maps (Version 2, updated October 20, 2020)",
      summary:
        "Inundation depth in metres of coastal and riverine floods on a grid of 1 km, for return periods of 2 to 1,000 " +
        "years: the baseline and the scenarios RCP 4.5 and 8.5, now and in 2030, 2050 and 2080.",
      citation:
        "Ward, P.J., H.C. Winsemius, S. Kuzma, M.F.P. Bierkens, A. Bouwman, H. de Moel, A. Díaz Loaiza, et al. 2020. " +
        "Aqueduct Floods Methodology. Technical Note. Washington, D.C.: World Resources Institute. " +
        "https://www.wri.org/publication/aqueduct-floods-methodology",
      license: CC_BY,
      originUrl: "http://wri-projects.s3.amazonaws.com/AqueductFloodTool/download/v2/index.html",
      source: {
        list: "http://wri-projects.s3.amazonaws.com/AqueductFloodTool/download/v2/index.html",
        files: ["inuncoast_*.tif", "inunriver_*.tif"],
        except: ["*perc_05*", "*perc_50*", "*nosub*"],
        count: 379,
      },
    },
  ],
  vector: [
    {
      dataset: "wri_powerplants",
      version: "version_130",
      description: "World Resources Institute: Global Power Plant Database 1.3.0",
      author: "World Resources Institute",
      title: "WRI Global Power Plant Database",
      titleLong: "World Resources Institute Global Power Plant Database",
      summary:
        "About 35,000 power plants of 167 countries with their places, capacities, owners and fuels, thermal and " +
        "renewable.",
      citation:
        "Global Energy Observatory, Google, KTH Royal Institute of Technology in Stockholm, Enipedia, World Resources " +
        "Institute. 2018. Global Power Plant Database. Published on Resource Watch and Google Earth Engine; " +
        "http://resourcewatch.org/ https://earthengine.google.com/",
      license: CC_BY,
      originUrl: "https://datasets.wri.org/dataset/globalpowerplantdatabase",
      source: {
        zip: "https://wri-dataportal-prod.s3.amazonaws.com/manual/global_power_plant_database_v_1_3.zip",
        checksum: "sha1:083f11452efc1ed0e8fb1494f0ce49e5c37718e2",
        members: ["global_power_plant_database.csv"],
        count: 1,
      },
      coordinates: { x: "longitude", y: "latitude" },
    },
  ],
};
