import { parseArgs } from "node:util";
import type { Config } from "../config.ts";
import { ANONYMOUS } from "../core/principal.ts";
import { GyreError } from "../errors.ts";
import { createNode, type Node } from "../node.ts";
import type { Command, CommandIo } from "./command.ts";
import { place, scanProgress } from "./progress.ts";
import { here, SOURCE_HELP, SOURCE_OPTIONS, settingsOf } from "./settings.ts";

const OPTIONS = {
  ...SOURCE_OPTIONS,
  host: { type: "string" },
  port: { type: "string", short: "p" },
  "data-dir": { type: "string" },
  "public-url": { type: "string" },
  database: { type: "string" },
  json: { type: "boolean" },
} as const;

/** Addresses of datasets that are printed. */
const MOST_SHOWN = 5;

export const serve: Command = {
  name: "serve",
  summary: "serve archives as they lie on disk",
  help: `gyre serve [SOURCE...] [OPTIONS]

Makes every NetCDF, HDF5, Zarr, GeoTIFF and kerchunk source a dataset at once; folders that follow the CMIP6 DRS
become one dataset each. SOURCE is a file, a folder, a glob, a catalogue (Intake v1, intake-esm, static STAC), or an
address of one of them (http, https, s3, swift; of a folder with / at its end).

${SOURCE_HELP}
      --host HOST        address to listen on (default 127.0.0.1)
  -p, --port PORT        port to listen on (default 8080; 0: any free one)
      --data-dir FOLDER  where ids and indexes are kept (default .gyre)
      --public-url URL   scheme, host and path prefix of every link that is written
      --database WHERE   embedded (default: a private PostgreSQL in the data directory), none (no catalogue), or
                         postgres://...
      --json             one JSON line per event: listening, scan, ready

Example:
  gyre serve /archive/CMIP6 --port 9010
  curl http://127.0.0.1:9010/datasets`,

  async run(argv, io) {
    const { values, positionals } = parseArgs({ args: [...argv], options: OPTIONS, allowPositionals: true });
    const settings = await settingsOf(values, io);
    const config = withFlags(settings.config, values, positionals);
    const isEmpty = [config.sources, config.cubes, config.catalogs, Object.keys(config.datasets)].every(
      (of) => of.length === 0,
    );
    if (isEmpty && config.database === "none") {
      io.err("gyre serve: nothing to serve: name a SOURCE, or sources in gyre.yaml\nTry: gyre serve --help");
      return 2;
    }
    const say = values.json ? (event: object) => io.out(JSON.stringify(event)) : undefined;
    const progress = scanProgress(io);
    let isReady = false;
    const node = await createNode(config, {
      folder: settings.folder,
      onNotice: (message) => io.err(message),
      onError: (error, where) => io.err(`gyre: ${where}: ${error instanceof Error ? error.message : String(error)}`),
      onScan(source, state) {
        const { seen, datasets, broken, isDone } = state;
        if (say !== undefined) say({ event: "scan", source: source.href, seen, datasets, broken, isDone });
        else if (isDone && !isReady) {
          io.err(`${place(source)}: ${seen} files seen, ${datasets} datasets, ${broken} broken`);
        } else progress(source, state);
      },
    });
    try {
      const server = await node.listen();
      try {
        const base = withSlash(config.publicUrl ?? server.url.href);
        if (say === undefined) io.out(`Gyre serves ${base}`);
        else say({ event: "listening", url: base, pid: process.pid, also: server.also });
        if (!isLoopback(config.listen.host)) {
          io.err(`Whoever reaches ${config.listen.host} may read all of it: this node asks nobody who they are.`);
        }
        await node.scan(io.signal);
        isReady = true;
        await tellReady(node, base, say, io);
        await stopped(io.signal);
      } finally {
        await server.close();
      }
    } finally {
      await node.close();
    }
    return 0;
  },
};

type Flags = ReturnType<typeof parseArgs<{ options: typeof OPTIONS }>>["values"];

function withFlags(base: Config, flags: Flags, sources: readonly string[]): Config {
  const publicUrl = flags["public-url"];
  if (publicUrl !== undefined && !/^https?:$/.test(URL.parse(publicUrl)?.protocol ?? "")) {
    throw refused("--public-url", publicUrl, "an http or https address");
  }
  return {
    ...base,
    sources: [...base.sources, ...sources.map(here)],
    listen: {
      host: flags.host ?? base.listen.host,
      port: flags.port === undefined ? base.listen.port : portOf(flags.port),
    },
    ...(flags.database === undefined ? {} : { database: databaseOf(flags.database) }),
    ...(flags["data-dir"] === undefined ? {} : { dataDir: here(flags["data-dir"]) }),
    ...(publicUrl === undefined ? {} : { publicUrl }),
  };
}

function databaseOf(text: string): string {
  if (text === "embedded" || text === "none" || /^postgres(ql)?:\/\//.test(text)) return text;
  throw refused("--database", text, "embedded, none or a postgres:// address");
}

function portOf(text: string): number {
  const port = Number(text);
  if (!/^\d+$/.test(text) || port > 65535) throw refused("--port", text, "a number from 0 to 65535");
  return port;
}

function refused(option: string, value: string, wanted: string): GyreError {
  return new GyreError("BadRequest", `${option} ${JSON.stringify(value)} is not ${wanted}`, { subject: option });
}

/** What there is to look at now, and what is wrong. */
async function tellReady(
  { access, registry }: Node,
  base: string,
  say: ((event: object) => void) | undefined,
  io: CommandIo,
): Promise<void> {
  const ids = await Array.fromAsync(access.list({ signal: io.signal, who: ANONYMOUS }));
  const problems = registry.problems().length;
  if (say !== undefined) return say({ event: "ready", url: base, datasets: ids.length, problems });
  io.out(`${ids.length} datasets${ids.length === 0 ? "" : ":"}`);
  for (const id of ids.slice(0, MOST_SHOWN)) io.out(`  ${base}datasets/${id}/`);
  if (ids.length > MOST_SHOWN) io.out(`  ... all of them: ${base}datasets`);
  if (problems > 0) io.out(`${problems} ${problems === 1 ? "problem" : "problems"}, with reasons: ${base}problems`);
}

function withSlash(url: string): string {
  return url.endsWith("/") ? url : `${url}/`;
}

function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || /^127\./.test(host);
}

function stopped(signal: AbortSignal): Promise<void> {
  return new Promise((done) => {
    if (signal.aborted) done();
    else signal.addEventListener("abort", () => done(), { once: true });
  });
}
