import { adHocBoundary } from "../../src/flows/boundaries/ad-hoc.ts";
import type { Target } from "./target.ts";

const RINGS = [
  [
    [170, -20],
    [190, -20, 5],
    [190.5, -10.25],
    [170, -10],
    [170, -20],
  ],
  [
    [175, -15],
    [175, -12],
    [178, -12],
    [175, -15],
  ],
];
const COLLECTION = {
  type: "FeatureCollection",
  bbox: [170, -20, -169.5, -10],
  features: [
    { type: "Feature", properties: null, geometry: { type: "Polygon", coordinates: RINGS } },
    {
      type: "Feature",
      geometry: { type: "GeometryCollection", geometries: [{ type: "MultiPolygon", coordinates: [RINGS] }] },
    },
  ],
};
const WKT = [
  "SRID=4326;POLYGON Z((170 -20 1, 190 -20 1, 190 -10 1, 170 -20 1), (175 -19 1, 176 -18 1, 175 -18 1, 175 -19 1))",
  "GEOMETRYCOLLECTION(MULTIPOLYGON(((0 0, 1e1 .5, 10. 10, 0 0)), ((2 2, 3 2, 3 3, 2 2))), POLYGON EMPTY)",
];

const target = (name: string, kind: Target["kind"], texts: readonly string[], words: readonly string[]): Target => ({
  name,
  kind,
  words,
  namesSource: false,
  bases: () => texts.map((text, i) => ({ name: String(i), input: new Map([["polygon", Buffer.from(text)]]) })),
  run: async (input) => {
    const text = Buffer.from([...input.values()][0] ?? []).toString("utf8");
    const { boundary } = await adHocBoundary(text);
    // What comes out goes in again as it is.
    const again = await adHocBoundary(boundary.geometry);
    if (again.boundary.digest !== boundary.digest) throw new Error("another digest the second time");
  },
});

/** What comes with a job. */
export const boundaryTargets: readonly Target[] = [
  target("polygon-geojson", "json", [JSON.stringify(COLLECTION)], []),
  target("polygon-wkt", "text", WKT, [
    "POLYGON",
    "MULTIPOLYGON",
    "GEOMETRYCOLLECTION",
    "EMPTY",
    "Z",
    "((",
    "))",
    "180",
    "-90",
    "1e9",
  ]),
];
