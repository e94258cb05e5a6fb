import type { StacAsset, StacItem, StacLink } from "../../../core/stac.ts";
import { VERSION } from "../../../version.ts";
import type { MultiPolygon } from "../../boundaries/boundary.ts";
import { type DataPackage, datasetName, datasetsOf, type PackageFile } from "../datapackage.ts";

const EXTENSIONS = [
  "https://stac-extensions.github.io/file/v2.1.0/schema.json",
  "https://stac-extensions.github.io/projection/v2.0.0/schema.json",
];

/** `stac.json`: the package as a STAC Item whose assets are its files, all addresses relative to it. */
export function stacItem(datapackage: DataPackage, geometry: MultiPolygon): StacItem {
  const { name, title, created, updated, boundary, licenses, resources } = datapackage;
  const datasets = datasetsOf(datapackage);
  const names = new Map(datasets.map((one) => [one as object, datasetName(one)]));
  const licence = licenses.length === 1 ? licenses[0]?.name : undefined;
  return {
    type: "Feature",
    stac_version: "1.1.0",
    stac_extensions: EXTENSIONS,
    id: name,
    geometry,
    bbox: boundary.bbox,
    properties: {
      title,
      description: `Datasets cut out for ${title}`,
      // Of the package: its datasets have times of their own, or none.
      datetime: updated,
      created,
      updated,
      license: licence ?? "other",
      providers: [...new Set(datasets.map(({ gyre }) => gyre.author))]
        .filter((author) => author !== "")
        .map((author) => ({ name: author, roles: ["producer"] })),
      "gyre:version": datapackage.version,
      "gyre:boundary": boundary.digest,
      "gyre:software": VERSION,
    },
    links: [
      ...licenses.flatMap(({ path, title }): StacLink[] =>
        /^https?:\/\//.test(path) ? [{ rel: "license", href: path, title }] : [],
      ),
      { rel: "alternate", href: "./index.html", type: "text/html", title: "For people" },
    ],
    assets: {
      datapackage: {
        href: "./datapackage.json",
        type: "application/json",
        title: "Frictionless Data Package",
        roles: ["metadata"],
      },
      ...Object.fromEntries(
        resources.flatMap((resource) =>
          resource.files.map((file) => [file.path, assetOf(file, resource.title, names.get(resource))]),
        ),
      ),
    },
  };
}

function assetOf(file: PackageFile, resourceTitle: string | undefined, dataset: string | undefined): StacAsset {
  const title = file.title ?? resourceTitle;
  const code = /^(?:EPSG:)?(\d{4,6})$/i.exec(file.crs ?? "")?.[1];
  return {
    href: `./${file.path}`,
    type: file.mediatype,
    ...(title === undefined ? {} : { title }),
    roles: dataset === undefined ? ["metadata"] : ["data"],
    "file:size": file.bytes,
    // A multihash: SHA-256, 32 bytes.
    "file:checksum": `1220${file.hash.slice("sha256:".length)}`,
    ...(code === undefined ? {} : { "proj:code": `EPSG:${code}` }),
    ...(dataset === undefined ? {} : { "gyre:dataset": dataset }),
  };
}
