import type { Profile } from "../../../src/catalog/profiles/profile.ts";
import type { Shape } from "../../../src/catalog/validate/shape.ts";

const PID = "0f6cc6b0-dc08-4ce4-9afa-3701a4c60108";

/** Values for the patterns that profiles know. */
const MATCHING: readonly string[] = [
  "r1i1p1f1",
  "1",
  "r1",
  "i1",
  "p1",
  "f1",
  "v1-r1",
  "v20200101",
  "20200101",
  `hdl:21.14100/${PID}`,
  `hdl:21.14103/${PID}`,
  `hdl:21.14107/${PID}`,
  "days since 1850-01-01",
  "https://furtherinfo.es-doc.org/CMIP6.a",
];

export function valueFor(shape: Shape): unknown {
  switch (shape.kind) {
    case "text": {
      if (shape.oneOf !== undefined) return shape.oneOf.split("|")[0];
      if (shape.pattern === undefined) return "text";
      return MATCHING.find((text) => new RegExp(shape.pattern!, "u").test(text));
    }
    case "list":
      return [valueFor(shape.of!)];
    case "boolean":
      return false;
    default:
      return 5;
  }
}

/** An item that a profile takes, its id made of its facets. */
export function sampleItem(profile: Profile): Record<string, unknown> {
  const { prefix, properties: shapes, required, asset, facets } = profile;
  const named = [...new Set([...required, ...facets.map((facet) => `${prefix}:${facet}`)])];
  const values = Object.fromEntries(
    named.flatMap((name) => {
      const shape = shapes[name];
      return shape === undefined ? [] : [[name, valueFor(shape)]];
    }),
  );
  const first = (value: unknown): string => String(Array.isArray(value) ? value[0] : value);
  const partOf = (facet: string): string =>
    facet === "mip_era" ? profile.project : first(values[`${prefix}:${facet}`] ?? profile.project);
  const members = Object.fromEntries(
    [...asset.required, ...asset.netcdf].flatMap((name) =>
      asset.members[name] === undefined ? [] : [[name, valueFor(asset.members[name])]],
    ),
  );
  return {
    type: "Feature",
    stac_version: "1.0.0",
    stac_extensions: [...profile.extensions, profile.schema],
    id: [...facets.map(partOf), "v20200101"].join("."),
    collection: profile.project,
    geometry: {
      type: "Polygon",
      coordinates: [
        [
          [-180, -90],
          [180, -90],
          [180, 90],
          [-180, 90],
          [-180, -90],
        ],
      ],
    },
    bbox: [-180, -90, 180, 90],
    properties: {
      ...values,
      title: "a",
      description: "b",
      datetime: null,
      start_datetime: "2000-01-01T00:00:00Z",
      end_datetime: "2001-01-01T00:00:00Z",
      created: "2020-01-01T00:00:00Z",
      updated: "2020-01-01T00:00:00Z",
      license: "CC-BY-4.0",
      providers: [{ name: "p", roles: ["host"], url: "https://example.org", description: "c" }],
      platform: "model",
      instruments: ["i"],
      gsd: 1000,
      constellation: "c",
      mission: "m",
    },
    links: [
      { rel: "collection", href: "https://example.org/collection", type: "application/json", title: "Collection" },
      {
        rel: "cite-as",
        href: "https://cera-www.dkrz.de/WDCC/meta/CMIP6/a.json",
        title: "Citation URL",
        type: "application/json",
      },
    ],
    assets: {
      data: {
        href: "https://example.org/a.nc",
        type: "application/netcdf",
        title: "a",
        roles: ["data"],
        created: "2020-01-01T00:00:00Z",
        "file:size": 5,
        "file:checksum": "12200102",
        "file:local_path": "a.nc",
        "alternate:name": "here",
        ...members,
      },
    },
  };
}
