import { parseArgs } from "node:util";
import type { Project } from "../catalog/synthetic/items.ts";
import { GyreError } from "../errors.ts";
import { ARCHIVE_FORMATS, type ArchiveFormat } from "../write/synthetic/archive.ts";
import type { Command } from "./command.ts";
import { generateFiles } from "./generate/archive.ts";
import { generateItems } from "./generate/items.ts";
import { publishRequest, publishSources } from "./publish/publish-sources.ts";
import { nodeUrl } from "./publisher.ts";

const FORMATS = ["item", ...ARCHIVE_FORMATS] as const;
const PROJECTS: readonly Project[] = ["CMIP6", "CORDEX-CMIP6"];

export const generate: Command = {
  name: "generate",
  summary: "synthetic records for a catalogue, or a synthetic archive with real coastlines",
  help: `gyre generate COUNT [OPTIONS]

Makes COUNT CMIP6 and CORDEX records with the projects' real vocabularies and prints or publishes them; with another
format COUNT synthetic datasets as files, in folders of CMIP6's data reference syntax. The same options give the same.

      --format item|netcdf|zarr|cog   default item; netcdf: NetCDF-4, split in time, a year a file
      --seed N                        default 1
      --json                          one JSON object a line
      --node east|west|URL            the node to publish at, default east (of the playground)
      --publish, --no-publish         default: only print, or write; of files the items are published

Records:
      --delay, --no-delay             wait up to a second before each; default: do not
      --project CMIP6|CORDEX-CMIP6    default: nine of ten are CMIP6

Files:
      --out FOLDER                    default archive
      --months N                      months of each dataset, default 24
      --grid ROWSxCOLUMNS             global grid, default 96x192

Example:
  gyre generate 1000 --node east --publish
  gyre generate 6 --format netcdf --out /tmp/archive`,

  async run(argv, io) {
    const { values, positionals } = parseArgs({
      args: [...argv],
      allowPositionals: true,
      allowNegative: true,
      options: {
        format: { type: "string", default: "item" },
        seed: { type: "string", default: "1" },
        json: { type: "boolean", default: false },
        node: { type: "string", default: "east" },
        publish: { type: "boolean", default: false },
        delay: { type: "boolean", default: false },
        project: { type: "string" },
        out: { type: "string", default: "archive" },
        months: { type: "string", default: "24" },
        grid: { type: "string", default: "96x192" },
      },
    });
    if (positionals.length !== 1) throw new GyreError("BadRequest", "COUNT, the number of records, is needed");
    const format = oneOf("--format", values.format, FORMATS);
    const seed = whole("--seed", values.seed, 0, 2 ** 32 - 1);
    const { json } = values;
    if (format === "item") {
      const count = whole("COUNT", positionals[0]!, 1, 10_000_000);
      const project = values.project === undefined ? undefined : oneOf("--project", values.project, PROJECTS);
      const node = values.publish ? nodeUrl(values.node) : undefined;
      const accepted = await generateItems({ count, seed, project, node, isSlow: values.delay, json }, io);
      return accepted === count ? 0 : 1;
    }
    const grid = /^(\d+)x(\d+)$/.exec(values.grid);
    if (grid === null) throw refused("--grid", values.grid, "ROWSxCOLUMNS, as 96x192");
    await generateFiles(
      {
        count: whole("COUNT", positionals[0]!, 1, 100_000),
        format: format as ArchiveFormat,
        out: values.out,
        seed,
        months: whole("--months", values.months, 1, 1200),
        grid: [whole("--grid", grid[1]!, 2, 4320), whole("--grid", grid[2]!, 4, 8640)],
        json,
      },
      io,
    );
    return values.publish ? publishSources(publishRequest([values.out], nodeUrl(values.node), json), io) : 0;
  },
};

function oneOf<T extends string>(option: string, text: string, allowed: readonly T[]): T {
  const found = allowed.find((name) => name === text);
  if (found === undefined) throw refused(option, text, allowed.join(", "));
  return found;
}

function whole(option: string, text: string, min: number, max: number): number {
  const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (!(value >= min && value <= max)) throw refused(option, text, `a whole number from ${min} to ${max}`);
  return value;
}

function refused(option: string, value: string, wanted: string): GyreError {
  return new GyreError("BadRequest", `${option} ${JSON.stringify(value)} is not ${wanted}`, { subject: option });
}
