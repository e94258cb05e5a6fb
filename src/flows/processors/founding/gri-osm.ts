import type { ProcessorsInput } from "../../../config/processors.ts";

/** Roads and rails in a database of yours: the founding system's is not open to others. */
export function griOsm(url = "postgres:///"): ProcessorsInput {
  return {
    vector: [
      {
        dataset: "gri_osm",
        version: "roads_and_rail_version_1",
        description: "Road and rail networks derived from OpenStreetMap",
        author: "nismod/open-gira contributors and OpenStreetMap contributors",
        title: "Road and Rail networks derived from OpenStreetMap",
        summary:
          "A processed extract of OpenStreetMap for the analysis of infrastructure systems and climate risk, made from a " +
          "snapshot of November 2022 by https://github.com/nismod/open-gira.",
        citation:
          "Russell T., Thomas F., nismod/open-gira contributors and OpenStreetMap contributors (2022) Global Road and " +
          "Rail networks derived from OpenStreetMap. [Dataset] Available at https://global.infrastructureresilience.org",
        license: {
          name: "ODbL-1.0",
          path: "https://opendefinition.org/licenses/odc-odbl",
          title: "Open Data Commons Open Database License 1.0",
        },
        originUrl: "https://global.infrastructureresilience.org",
        source: { postgis: { url, table: "features", geometry: "geom" } },
        cut: "clip",
        geometries: ["LineString", "MultiLineString"],
      },
    ],
  };
}
