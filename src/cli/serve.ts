import { readFile } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { parseArgs } from "node:util";
import { type Config, loadConfig } from "../config.ts";
import { createNode } from "../node.ts";
import type { Command, CommandIo } from "./command.ts";

const OPTIONS = {
  config: { type: "string", short: "c" },
  host: { type: "string" },
  port: { type: "string", short: "p" },
  allow: { type: "string", multiple: true },
  "data-dir": { type: "string" },
  "public-url": { type: "string" },
  plugin: { type: "string", multiple: true },
  json: { type: "boolean" },
} as const;

export const serve: Command = {
  name: "serve",
  summary: "serve archives as they lie on disk",
  help: `gyre serve [SOURCE...] [OPTIONS]

Makes every NetCDF, HDF5, Zarr, GeoTIFF and kerchunk source a dataset at once; folders that follow the CMIP6 DRS
become one dataset each. SOURCE is a file, a folder, a glob, or an address (http, https, s3, swift).

  -c, --config FILE      gyre.yaml (default: ./gyre.yaml when it is there)
      --host HOST        address to listen on (default 127.0.0.1)
  -p, --port PORT        port to listen on (default 8080; 0: any free one)
      --allow PREFIX     may also be read, besides the sources themselves; repeatable
      --data-dir FOLDER  where ids and indexes are kept (default .gyre)
      --public-url URL   scheme, host and path prefix of every link that is written
      --plugin NAME      npm name or path of a plugin; repeatable
      --json             one JSON line per event

Example:
  gyre serve /archive/CMIP6 --port 9010
  curl http://127.0.0.1:9010/datasets`,

  async run(argv, io) {
    const { values, positionals } = parseArgs({ args: [...argv], options: OPTIONS, allowPositionals: true });
    const { config, folder } = await configOf(values, positionals, io);
    const say = values.json ? (event: object) => io.out(JSON.stringify(event)) : undefined;
    const node = await createNode(config, {
      folder,
      onError: (error, where) => io.err(`gyre: ${where}: ${error instanceof Error ? error.message : String(error)}`),
      onScan: (source, { seen, datasets, broken, isDone }) => {
        if (say !== undefined) say({ event: "scan", source: source.href, seen, datasets, broken, isDone });
        else if (isDone) io.err(`${source.href}: ${seen} files, ${datasets} datasets, ${broken} broken`);
        else if (io.tty) io.err(`${source.href}: ${seen} files ...`);
      },
    });
    const server = await node.listen();
    const url = config.publicUrl ?? server.url.href;
    if (say === undefined) io.out(`Gyre serves ${url}datasets`);
    else say({ event: "listening", url, pid: process.pid });
    try {
      await node.scan(io.signal);
      say?.({ event: "ready", url });
      await stopped(io.signal);
    } finally {
      await server.close();
      await node.close();
    }
    return 0;
  },
};

type Flags = ReturnType<typeof parseArgs<{ options: typeof OPTIONS }>>["values"];

/** Flags over `GYRE_*` variables over the file. */
async function configOf(
  flags: Flags,
  sources: readonly string[],
  io: CommandIo,
): Promise<{ config: Config; folder: string }> {
  const file = flags.config ?? io.env.GYRE_CONFIG;
  const path = resolve(file ?? "gyre.yaml");
  const text = await readFile(path, "utf8").catch((error: NodeJS.ErrnoException) => {
    if (file === undefined && error.code === "ENOENT") return undefined;
    throw error;
  });
  const base = loadConfig(text ?? "", io.env);
  const folder = text === undefined ? process.cwd() : dirname(path);
  // What is typed is relative to where it is typed, whatever file is read beside it.
  const here = (given: string): string => (/^[a-z][a-z0-9+.-]*:\/\//i.test(given) ? given : resolve(given));
  const port = flags.port === undefined ? base.listen.port : portOf(flags.port);
  const config: Config = {
    ...base,
    sources: [...base.sources, ...sources.map(here)],
    allow: [...base.allow, ...(flags.allow ?? []).map(here)],
    listen: { host: flags.host ?? base.listen.host, port },
    plugins: [...base.plugins, ...(flags.plugin ?? [])],
    ...(flags["data-dir"] === undefined ? {} : { dataDir: here(flags["data-dir"]) }),
    ...(flags["public-url"] === undefined ? {} : { publicUrl: flags["public-url"] }),
  };
  return { config, folder };
}

function portOf(text: string): number {
  const port = Number(text);
  if (!/^\d+$/.test(text) || port > 65535) {
    throw Object.assign(new TypeError(`--port takes 0 to 65535, not ${text}`), {
      code: "ERR_PARSE_ARGS_INVALID_OPTION_VALUE",
    });
  }
  return port;
}

function stopped(signal: AbortSignal): Promise<void> {
  return new Promise((done) => {
    if (signal.aborted) done();
    else signal.addEventListener("abort", () => done(), { once: true });
  });
}
