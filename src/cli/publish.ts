import { parseArgs } from "node:util";
import { GyreError } from "../errors.ts";
import type { Command } from "./command.ts";
import { publishSources } from "./publish/publish-sources.ts";
import { nodeUrl } from "./publisher.ts";
import { SOURCE_HELP, SOURCE_OPTIONS } from "./settings.ts";

export const publish: Command = {
  name: "publish",
  summary: "files, folders, datasets of a node and STAC items into a catalogue",
  help: `gyre publish SOURCE... | --from-node [ID...] [OPTIONS]

Makes a STAC item of each dataset - place and time from its coordinates, the project's properties from its attributes,
assets at the node that serves it - and publishes it; one that the catalogue has already stays as it is.

  SOURCE                 a file, folder, glob or address as with gyre serve; a STAC item or ItemCollection (.json), which
                         is sent as it is; or the id of a dataset that the node serves
      --node east|west|URL   the node to publish at, default east (of the playground)
      --served-at URL    the node that serves the datasets, where it is another
      --from-node        sources are ids of datasets that the node serves; without any: all of them
      --collection ID    of datasets that belong to no project, default datasets
      --checksum         with SHA-256 of the files, which are read whole for it
      --update           replace items that the catalogue has otherwise
      --dry-run          print the items and what is wrong with them; send nothing
      --json             one JSON object a line
${SOURCE_HELP}

Example:
  gyre publish archive/CMIP6 --node east
  gyre publish --from-node --node http://127.0.0.1:8080
  gyre publish --dry-run tas_Amon_MODEL_historical_r1i1p1f1_gn_185001-201412.nc`,

  async run(argv, io) {
    const { values, positionals } = parseArgs({
      args: [...argv],
      allowPositionals: true,
      options: {
        ...SOURCE_OPTIONS,
        node: { type: "string", default: "east" },
        "served-at": { type: "string" },
        "from-node": { type: "boolean", default: false },
        collection: { type: "string", default: "datasets" },
        checksum: { type: "boolean", default: false },
        update: { type: "boolean", default: false },
        "dry-run": { type: "boolean", default: false },
        json: { type: "boolean", default: false },
      },
    });
    if (positionals.length === 0 && !values["from-node"])
      throw new GyreError("BadRequest", "at least one source is needed");
    const at = nodeUrl(values.node);
    return publishSources(
      {
        sources: positionals,
        flags: values,
        at,
        servedAt: values["served-at"] === undefined ? at : nodeUrl(values["served-at"]),
        collection: values.collection,
        isFromNode: values["from-node"],
        hasChecksums: values.checksum,
        isUpdate: values.update,
        isDry: values["dry-run"],
        json: values.json,
      },
      io,
    );
  },
};
