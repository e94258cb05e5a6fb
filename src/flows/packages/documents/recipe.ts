import { type DataPackage, datasetName, datasetsOf } from "../datapackage.ts";

/** `recipe.json`: all that is needed to make the package again, and to see whether that gave the same. */
export function recipe(datapackage: DataPackage): object {
  const { name, version, boundary, resources } = datapackage;
  const outline = resources.find(({ gyre }) => gyre === undefined);
  return {
    package: name,
    version,
    boundary: { name: boundary.name, digest: boundary.digest, path: outline?.path[0], hash: outline?.hashes[0] },
    datasets: datasetsOf(datapackage).map((one) => {
      const { software, originUrl, sourceDigest, boundaryDigest, run, created, options, notes } = one.gyre;
      return {
        processor: datasetName(one),
        software: `Gyre ${software}`,
        source: { url: originUrl, digest: sourceDigest },
        boundaryDigest,
        ...(options === undefined ? {} : { options }),
        run,
        created,
        notes,
        files: one.files.map(({ path, hash }) => ({ path, hash })),
      };
    }),
  };
}
