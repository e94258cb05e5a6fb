import { pathToFileURL } from "node:url";
import { createLocalFiles } from "../../../src/files/local.ts";
import { createPackageStore } from "../../../src/flows/packages/create-package-store.ts";
import { fileName, metadataOf, withMade } from "./samples.ts";

// `node publish-one.ts FOLDER DATASET...`: publishes datasets of one file each, as one of several processes.
const [folder = "", ...datasets] = process.argv.slice(2);
const files = createLocalFiles();
const publicUrl = new URL("https://data.example.org/");
const store = createPackageStore({ files, root: pathToFileURL(`${folder}/`), publicUrl });
for (const dataset of datasets) {
  const contents = { [fileName(dataset, "atlantis", "tif")]: dataset };
  await withMade(contents, { metadata: metadataOf(dataset) }, (made) => store.publish(made));
  await store.addProvenance("atlantis", [{ [dataset]: "done" }]);
}
await files.close?.();
