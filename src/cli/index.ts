import { mkdir, open, writeFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { parseArgs } from "node:util";
import type { Opened } from "../core/access.ts";
import { ANONYMOUS } from "../core/principal.ts";
import { GyreError } from "../errors.ts";
import type { Node } from "../node.ts";
import { kerchunkJson } from "../write/kerchunk.ts";
import { kerchunkParquet } from "../write/kerchunk-parquet.ts";
import type { KerchunkOptions } from "../write/kerchunk-references.ts";
import type { Command, CommandIo } from "./command.ts";
import { nodeOver, openedBy } from "./opened.ts";
import { SOURCE_HELP, SOURCE_OPTIONS } from "./settings.ts";

export const index: Command = {
  name: "index",
  summary: "index sources ahead of serving, or write kerchunk references of them",
  help: `gyre index SOURCE... [OPTIONS]

Without --out: makes the index objects that \`gyre serve\` would make, so that its first start costs no reading.
With --out: writes references that fsspec, xarray and VirtualiZarr open without Gyre.

      --out FILE         FILE.json, or FILE.parquet (a folder); several datasets: a folder, ending in /
      --data-dir FOLDER  where indexes are kept (default .gyre)
${SOURCE_HELP}
      --json             one JSON line per dataset

Example:
  gyre index /archive/tas.nc --out tas.json
  python -c "import xarray; print(xarray.open_dataset('tas.json', engine='kerchunk'))"`,

  async run(argv, io) {
    const { values, positionals } = parseArgs({
      args: [...argv],
      allowPositionals: true,
      options: {
        ...SOURCE_OPTIONS,
        out: { type: "string" },
        "data-dir": { type: "string" },
        json: { type: "boolean" },
      },
    });
    if (positionals.length === 0) {
      io.err("gyre index takes at least one source; try: gyre index --help");
      return 2;
    }
    const { out } = values;
    const dataDir = resolve(values["data-dir"] ?? ".gyre");
    const node = await nodeOver(positionals, values, { isTransient: out !== undefined, dataDir }, io);
    try {
      await node.scan(io.signal);
      const found = await Array.fromAsync(openedBy(node, io));
      if (out !== undefined && found.length > 1 && !out.endsWith("/")) {
        throw new GyreError("BadRequest", `${found.length} datasets need a folder: --out ${out}/`);
      }
      for (const opened of found) {
        const written = out === undefined ? undefined : await write(opened, node, out, io);
        if (values.json) io.out(JSON.stringify({ id: opened.id, source: opened.source, ...(written && { written }) }));
        else io.out(written ?? opened.id);
      }
      return found.length > 0 ? 0 : 1;
    } finally {
      await node.close();
    }
  },
};

/** Writes the references of one dataset and answers where. */
async function write({ id, dataset }: Opened, { access }: Node, out: string, io: CommandIo): Promise<string> {
  const target = resolve(out.endsWith("/") ? join(out, `${id}.json`) : out);
  const options: KerchunkOptions = {
    signal: io.signal,
    raw: async (variable, chunk) => (await access.raw(variable, chunk, { signal: io.signal, who: ANONYMOUS }))?.bytes,
    href: (url) => (url.protocol === "file:" ? decodeURIComponent(url.pathname) : url.href),
    onOmitted: (name, reason) => io.err(`${id}: ${name} is left out: ${reason}`),
  };
  if (/\.(?:parquet|parq)$/.test(target)) {
    for await (const { name, bytes } of kerchunkParquet(dataset, options)) {
      const path = join(target, ...name.split("/"));
      await mkdir(dirname(path), { recursive: true });
      await writeFile(path, bytes);
    }
    return target;
  }
  await mkdir(dirname(target), { recursive: true });
  const file = await open(target, "w");
  try {
    for await (const piece of kerchunkJson(dataset, options)) await file.write(piece);
  } finally {
    await file.close();
  }
  return target;
}
