import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import { createDecoder } from "../codecs/pool.ts";
import { createCodecRegistry } from "../codecs/registry.ts";
import { GyreError } from "../errors.ts";
import { createLocalFiles } from "../files/local.ts";
import { ARCHIVE_FORMATS, type ArchiveFormat, generateArchive } from "../write/synthetic/archive.ts";
import type { Command } from "./command.ts";

export const generate: Command = {
  name: "generate",
  summary: "write a synthetic archive: CMIP6 names, real coastlines",
  help: `gyre generate COUNT [OPTIONS]

Writes COUNT synthetic datasets in folders of CMIP6's data reference syntax. The same options write the same bytes.

  --format netcdf|zarr|cog   default netcdf: NetCDF-4, split in time, a year a file
  --out FOLDER               default archive
  --seed N                   default 1
  --months N                 months of each dataset, default 24
  --grid ROWSxCOLUMNS        global grid, default 96x192
  --json                     one JSON object a line for each file

Example: six datasets in twelve files, about 4 MB
  gyre generate 6 --out /tmp/archive`,

  async run(argv, io) {
    const { values, positionals } = parseArgs({
      args: [...argv],
      allowPositionals: true,
      options: {
        format: { type: "string", default: "netcdf" },
        out: { type: "string", default: "archive" },
        seed: { type: "string", default: "1" },
        months: { type: "string", default: "24" },
        grid: { type: "string", default: "96x192" },
        json: { type: "boolean", default: false },
      },
    });
    if (positionals.length !== 1) throw new GyreError("BadRequest", "COUNT, the number of datasets, is needed");
    const grid = /^(\d+)x(\d+)$/.exec(values.grid);
    if (grid === null) throw refused("--grid", values.grid, "ROWSxCOLUMNS, as 96x192");
    const files = createLocalFiles();
    const encoder = createDecoder({ registry: createCodecRegistry(), workers: 0 });
    try {
      const archive = generateArchive({
        count: whole("COUNT", positionals[0]!, 1, 100_000),
        format: formatOf(values.format),
        folder: pathToFileURL(`${resolve(values.out)}/`),
        files,
        encoder,
        seed: whole("--seed", values.seed, 0, 2 ** 32 - 1),
        months: whole("--months", values.months, 1, 1200),
        grid: [whole("--grid", grid[1]!, 2, 4320), whole("--grid", grid[2]!, 4, 8640)],
        signal: io.signal,
      });
      for await (const { dataset, url, format } of archive) {
        io.out(values.json ? JSON.stringify({ dataset, url: url.href, format }) : decodeURIComponent(url.pathname));
      }
    } finally {
      await encoder.close();
      await files.close?.();
    }
    return 0;
  },
};

function formatOf(text: string): ArchiveFormat {
  const format = ARCHIVE_FORMATS.find((name) => name === text);
  if (format === undefined) throw refused("--format", text, ARCHIVE_FORMATS.join(", "));
  return format;
}

function whole(option: string, text: string, min: number, max: number): number {
  const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (!(value >= min && value <= max)) throw refused(option, text, `a whole number from ${min} to ${max}`);
  return value;
}

function refused(option: string, value: string, wanted: string): GyreError {
  return new GyreError("BadRequest", `${option} ${JSON.stringify(value)} is not ${wanted}`, { subject: option });
}
