import type { ProcessorsInput } from "../../../config/processors.ts";
import { CC_BY } from "./common.ts";

const BASE = "https://jeodpp.jrc.ec.europa.eu/ftp/jrc-opendata/GHSL/";

/** An archive of the release R2022A; its name is that of the raster in it. */
function archive(folder: string, name: string, checksum?: string) {
  const file = `${name}_V1_0`;
  return {
    zip: `${BASE}${folder}/${name}/V1-0/${file}.zip`,
    members: [`${file}.tif`],
    count: 1,
    ...(checksum !== undefined && { checksums: { [`${file}.tif`]: checksum } }),
  };
}

export const jrcGhsl: ProcessorsInput = {
  raster: [
    {
      dataset: "jrc_ghsl_built_c",
      version: "r2022_epoch2018_10m_mszfun",
      description:
        "JRC GHSL Built-up Characteristics, release R2022A, epoch 2018, 10 m: morphological settlement zone and function",
      author: "Joint Research Centre",
      title: "GHS-BUILT-C MSZ and FC, R2022 E2018 10m",
      titleLong:
        "JRC Global Human Settlement Layer - Built-Up Characteristics (GHS-BUILT-C - MSZ & FC) - Release 2022 - Epoch " +
        "2018 - 10m resolution - Morphological Settlement Zone & Functional Classification",
      summary:
        "Delineates human settlements at 10 m and describes the morphology of their built environment and its use. " +
        "See the GHSL Data Package 2022: https://ghsl.jrc.ec.europa.eu/documents/GHSL_Data_Package_2022.pdf",
      citation:
        "Pesaresi M., P. Panagiotis (2022): GHS-BUILT-C R2022A - GHS Settlement Characteristics, derived from Sentinel2 " +
        "composite (2018) and other GHS R2022A data. European Commission, Joint Research Centre (JRC). " +
        "https://doi.org/10.2905/DDE11594-2A66-4C1B-9A19-821382AED36E",
      license: CC_BY,
      originUrl: "https://ghsl.jrc.ec.europa.eu/download.php?ds=builtC",
      source: [
        archive(
          "GHS_BUILT_C_GLOBE_R2022A/GHS_BUILT_C_FUN_GLOBE_R2022A",
          "GHS_BUILT_C_FUN_E2018_GLOBE_R2022A_54009_10",
          "sha1:344f6d54e3253b3c0a3370e7dbe8da328586ec79",
        ),
        archive(
          "GHS_BUILT_C_GLOBE_R2022A/GHS_BUILT_C_MSZ_GLOBE_R2022A",
          "GHS_BUILT_C_MSZ_E2018_GLOBE_R2022A_54009_10",
          "sha1:5bdc5a6036f72d119745c02b940cbbadbb881d66",
        ),
      ],
    },
    {
      dataset: "jrc_ghsl_population",
      version: "r2022_epoch2020_1km",
      description: "JRC GHSL Population, release R2022A, epoch 2020, 1 km",
      author: "Joint Research Centre",
      title: "GHS-POP - R2022A",
      titleLong: "GHS-POP R2022A - extract from GHS population grid for 2020, 1km resolution",
      summary:
        "Residential population as the number of people per cell, disaggregated from CIESIN GPWv4.11 by the built-up " +
        "surface that GHSL maps. See https://ghsl.jrc.ec.europa.eu/documents/GHSL_Data_Package_2022.pdf",
      citation:
        "Schiavina M., Freire S., MacManus K. (2022): GHS-POP R2022A - GHS population grid multitemporal (1975-2030). " +
        "European Commission, Joint Research Centre (JRC). https://doi.org/10.2905/D6D86A90-4351-4508-99C1-CB074B022C4A",
      license: CC_BY,
      originUrl: "https://ghsl.jrc.ec.europa.eu/download.php?ds=pop",
      source: archive("GHS_POP_GLOBE_R2022A", "GHS_POP_E2020_GLOBE_R2022A_54009_1000"),
    },
  ],
};
