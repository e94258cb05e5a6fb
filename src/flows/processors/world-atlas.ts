import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { feature } from "topojson-client";
import { processors } from "../../config/processors.ts";
import { LONLAT } from "../../core/crs.ts";
import type { Geometry } from "../../core/stac.ts";
import type { Feature, Layer } from "../../vector/feature.ts";
import { filtered } from "../../vector/fields.ts";
import type { Processor } from "./processor.ts";
import { vectorProcessor } from "./vector-processor.ts";
import type { VectorSource } from "./vector-source.ts";

type Topology = Parameters<typeof feature>[0];

const FILE = "world-atlas/countries-10m.json";
const FIELDS = [
  { name: "iso_numeric", type: "string" },
  { name: "name", type: "string" },
] as const;

/** Countries of Natural Earth at 1:10m as the package `world-atlas` has them: works without any network. */
export function naturalEarthCountries(): Processor {
  const [config] = processors.parse({
    vector: [
      {
        dataset: "natural_earth_vector",
        version: "countries_10m",
        description: "Natural Earth countries at 1:10 million",
        author: "Natural Earth",
        title: "Natural Earth countries",
        titleLong: "Natural Earth 1:10m Cultural Vectors: Admin 0 countries",
        summary: "Areas of countries at 1:10 million, cut by the boundary; from the npm package world-atlas.",
        citation: "Made with Natural Earth. Free vector and raster map data @ naturalearthdata.com.",
        license: {
          name: "LicenseRef-Natural-Earth",
          path: "https://www.naturalearthdata.com/about/terms-of-use/",
          title: "Natural Earth (public domain)",
        },
        originUrl: "https://www.naturalearthdata.com/downloads/10m-cultural-vectors/10m-admin-0-countries/",
        source: { url: `npm:${FILE}` },
        cut: "clip",
      },
    ],
  }).vector;
  return vectorProcessor(config!, atlas);
}

const atlas: VectorSource = {
  version: async () =>
    createHash("sha256")
      .update(await bytesOf())
      .digest("hex"),
  look: async () => ({}),
  async *layers(context) {
    const bytes = await bytesOf();
    const digest = `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
    context.used({ id: `npm:${FILE}`, digest, bytes: bytes.byteLength });
    yield { name: "countries", layer: layerOf(JSON.parse(bytes.toString("utf8")) as Topology), from: 0, share: 1 };
  },
};

function bytesOf(): Promise<Buffer> {
  return readFile(fileURLToPath(import.meta.resolve(FILE)));
}

function layerOf(topology: Topology): Layer {
  const { countries } = topology.objects;
  const features = countries?.type === "GeometryCollection" ? feature(topology, countries).features : [];
  async function* all(): AsyncGenerator<Feature> {
    for (const { id, properties, geometry } of features) {
      yield {
        geometry: geometry as Geometry,
        properties: new Map([
          ["iso_numeric", id === undefined ? null : String(id)],
          ["name", String(properties?.name)],
        ]),
      };
    }
  }
  return {
    ...{ name: "countries", crs: LONLAT, fields: FIELDS, count: features.length },
    features: (options) => filtered(all(), options),
  };
}
