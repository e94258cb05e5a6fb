import type { ProcessorsInput } from "../../../config/processors.ts";
import { CC_BY } from "./common.ts";

const metadata = {
  dataset: "gridfinder",
  version: "version_1",
  description: "gridfinder: predictive mapping of the global power system using open data",
  author: "Arderne, Christopher; Nicolas, Claire; Zorn, Conrad; Koks, Elco E",
  title: "Gridfinder",
  titleLong: "Gridfinder data from 'Predictive mapping of the global power system using open data'",
  summary:
    "grid.gpkg: predicted distribution and transmission lines, with lines of OpenStreetMap told in the column source. " +
    "targets.tif: locations predicted to be connected to the distribution grid. " +
    "lv.tif: predicted low-voltage lines in kilometres per cell.",
  citation:
    "Arderne, Christopher, Nicolas, Claire, Zorn, Conrad, & Koks, Elco E. (2020). Data from: Predictive mapping of the " +
    "global power system using open data (1.1.1) [Data set]. In Nature Scientific Data (Vol. 7, Number Article 19). " +
    "Zenodo. https://doi.org/10.5281/zenodo.3628142",
  license: CC_BY,
  originUrl: "https://doi.org/10.5281/zenodo.3628142",
};

/** Two rasters and a network of lines: one processor. */
export const gridfinder: ProcessorsInput = {
  raster: [{ ...metadata, source: { zenodo: 3628142, files: ["targets.tif", "lv.tif"], count: 2 } }],
  vector: [{ ...metadata, source: { zenodo: 3628142, files: ["grid.gpkg"], count: 1 } }],
};
