import { withBoundary, withDataset } from "../../src/flows/packages/change-datapackage.ts";
import { datasetsOf, filesOf } from "../../src/flows/packages/datapackage.ts";
import { deltaOf } from "../../src/flows/packages/delta.ts";
import { datasetDocuments, packageDocuments } from "../../src/flows/packages/documents/documents.ts";
import { boundaryResource, datasetResource } from "../../src/flows/packages/resources.ts";
import { datapackageText, parseDataPackage } from "../../src/flows/packages/stored-datapackage.ts";
import { island, metadataOf } from "../flows/packages/samples.ts";
import type { Target } from "./target.ts";

const URL_OF = new URL("memory://store/atlantis/datapackage.json");
const HASH = `sha256:${"0123456789abcdef".repeat(4)}`;

/** A package with a dataset of two files that was replaced once. */
function descriptor(): string {
  const boundary = island("atlantis");
  const moment = { now: new Date("2024-05-06T07:08:09Z"), keepMs: 1000 };
  const file = (path: string) => {
    return { path, bytes: 5, hash: HASH, crc32: 7, mediatype: "image/tiff", format: "GeoTIFF", crs: "EPSG:4326" };
  };
  const empty = withBoundary(undefined, boundary, boundaryResource(boundary, file("boundary.geojson")), moment);
  const made = (sourceDigest: string) =>
    datasetResource(
      metadataOf("roads"),
      ["a.tif", "b.tif"].map((name) => file(`datasets/roads/version_1/data/${name}`)),
      {
        ...{ sourceDigest, boundaryDigest: boundary.digest, run: "1", notes: ["cut"], isEmpty: false },
        ...{ software: "0.1.0", created: "2024-05-06T07:08:09Z", options: { allTouched: true } },
      },
    );
  return datapackageText(withDataset(withDataset(empty, made("1"), moment), made("2"), moment));
}

/** `datapackage.json` as it is found in a bucket. */
export const packageTargets: readonly Target[] = [
  {
    name: "datapackage",
    kind: "json",
    namesSource: true,
    bases: () => [{ name: "roads", input: new Map([["datapackage.json", Buffer.from(descriptor())]]) }],
    async run(input) {
      const datapackage = parseDataPackage(URL_OF, [...input.values()][0] ?? new Uint8Array());
      for (const { path } of filesOf(datapackage)) {
        const { href } = new URL(path, URL_OF);
        if (href !== `memory://store/atlantis/${path}`) throw new Error(`${path} leads to ${href}`);
      }
      const at = (path: string): URL => new URL(path, URL_OF);
      const { geometry } = island("atlantis");
      for (const { text } of [...packageDocuments(datapackage, geometry, at), ...datasetDocuments(datapackage, at)]) {
        if (/<script/i.test(text) && text.startsWith("<!doctype")) throw new Error("markup came through");
      }
      for (const since of [0, 1, 2]) deltaOf(datapackage, since);
      const moment = { now: new Date("2024-05-07T00:00:00Z"), keepMs: 1000 };
      for (const one of datasetsOf(datapackage)) withDataset(datapackage, one, moment);
    },
  },
];
