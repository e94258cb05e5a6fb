import type { ProcessorsInput } from "../../../config/processors.ts";
import { NATURAL_EARTH } from "./common.ts";

const CITATION = "Made with Natural Earth. Free vector and raster map data @ naturalearthdata.com.";
/** Where downloads of naturalearthdata.com lead to. */
const MIRROR = "https://naciscdn.org/naturalearth/";

export const naturalEarth: ProcessorsInput = {
  raster: [
    {
      dataset: "natural_earth_raster",
      version: "version_1",
      description: "Natural Earth II with shaded relief, 1:50 million",
      author: "Natural Earth Data",
      title: "Natural Earth II",
      titleLong: "Natural Earth II with shaded relief, 1:50m",
      citation: CITATION,
      license: NATURAL_EARTH,
      originUrl:
        "https://www.naturalearthdata.com/downloads/50m-natural-earth-2/50m-natural-earth-ii-with-shaded-relief/",
      source: {
        zip: "https://www.naturalearthdata.com/http//www.naturalearthdata.com/download/50m/raster/NE2_50M_SR.zip",
        redirects: [MIRROR],
        members: ["NE2_50M_SR.tif"],
        count: 1,
      },
    },
  ],
  vector: [
    {
      dataset: "natural_earth_vector",
      version: "version_1",
      description: "Natural Earth roads, 1:10 million",
      author: "Natural Earth Data",
      title: "Natural Earth roads",
      titleLong: "Natural Earth 1:10m Cultural Vectors: roads",
      citation: CITATION,
      license: NATURAL_EARTH,
      originUrl: "https://www.naturalearthdata.com/downloads/10m-cultural-vectors/roads/",
      source: {
        zip: "https://www.naturalearthdata.com/http//www.naturalearthdata.com/download/10m/cultural/ne_10m_roads.zip",
        redirects: [MIRROR],
        members: ["ne_10m_roads.shp"],
        count: 1,
      },
      cut: "clip",
    },
  ],
};
