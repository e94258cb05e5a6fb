import { parseArgs } from "node:util";
import { createClient } from "../client/index.ts";
import { GyreError } from "../errors.ts";
import type { Command } from "./command.ts";
import { boundariesOf, polygonOf } from "./package/inputs.ts";
import { estimateJob, inTermsOfGyre, submitJob } from "./package/job.ts";
import { runProcess } from "./package/process.ts";
import { nodeUrl } from "./publisher.ts";

const OPTIONS = {
  node: { type: "string", default: "http://127.0.0.1:8080/" },
  boundaries: { type: "string" },
  polygon: { type: "string" },
  all: { type: "boolean", default: false },
  estimate: { type: "boolean", default: false },
  watch: { type: "boolean", default: false },
  json: { type: "boolean", default: false },
} as const;

export const packageCommand: Command = {
  name: "package",
  summary: "have data packages made for boundaries",
  help: `gyre package BOUNDARY PROCESSOR... [OPTIONS]
gyre package --boundaries all|FILE PROCESSOR... [OPTIONS]
gyre package redescribe BOUNDARY... | --all [OPTIONS]

Has a node put datasets into the package of a boundary. PROCESSOR is dataset.version, as /v1/processors lists them.
What the package has already is skipped. redescribe writes metadata, pages and hashes anew, without processing.

      --watch              stays until all is done, and tells how far it is
      --estimate           only tells what would be read and written
      --polygon FILE       an own polygon (GeoJSON, GeoPackage, FlatGeobuf, zipped Shapefile, .wkt); BOUNDARY then
                           begins the package's name
      --boundaries WHICH   packages of all boundaries, or of those that FILE names, a line each
      --node NODE          east, west or secondary of the playground, or a URL (default http://127.0.0.1:8080/)
      --json               one JSON object a line

Ends with 1 where any dataset could not be made (with --watch), or the node refuses.

Example:
  gyre package gambia natural_earth_vector.version_1 --watch
  gyre package --boundaries all natural_earth_vector.version_1 --watch
  gyre package delta wri_aqueduct.version_2 --polygon delta.geojson`,

  async run(argv, io) {
    const { values, positionals } = parseArgs({ args: [...argv], options: OPTIONS, allowPositionals: true });
    const node = nodeUrl(values.node);
    const [first, ...rest] = positionals;
    if (first === "redescribe") {
      if (rest.length > 0 === values.all) throw usage("redescribe takes boundaries, or --all");
      return runProcess(node, "redescribe", { packages: values.all ? "all" : rest }, values, io);
    }
    if (values.boundaries !== undefined) {
      if (first === undefined) throw usage("at least one PROCESSOR is wanted");
      const boundaries = await boundariesOf(values.boundaries);
      return runProcess(node, "packages", { boundaries, processors: positionals }, values, io);
    }
    if (first === undefined || rest.length === 0) throw usage("a BOUNDARY and at least one PROCESSOR are wanted");
    const polygon = values.polygon === undefined ? {} : { polygon: await polygonOf(values.polygon) };
    const job = { boundary: first, processors: rest, ...polygon };
    return inTermsOfGyre((values.estimate ? estimateJob : submitJob)(createClient(node), job, values, io));
  },
};

function usage(message: string): GyreError {
  return new GyreError("BadRequest", message);
}
