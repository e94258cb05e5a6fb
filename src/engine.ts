import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
import type { CodecEntry, CodecRegistry } from "./codecs/codec.ts";
import { createDecoder, type Decoder } from "./codecs/pool.ts";
import { createCodecRegistry } from "./codecs/registry.ts";
import type { Config, S3Config, SwiftConfig } from "./config.ts";
import type { Block, Dataset, IoCall, Variable } from "./core/array.ts";
import { all, type Selection } from "./core/selection.ts";
import { GyreError } from "./errors.ts";
import { createFilesByPrefix, type PrefixEntry } from "./files/by-prefix.ts";
import type { Files } from "./files/files.ts";
import { createHttpFiles } from "./files/http.ts";
import { isWithin } from "./files/keys.ts";
import { createLocalFiles } from "./files/local.ts";
import { createS3Files } from "./files/s3.ts";
import { createSwiftFiles } from "./files/swift.ts";
import { withChangeNotice } from "./files/with-change-notice.ts";
import { withRemoteCaches } from "./files/with-remote-caches.ts";
import type { Format } from "./formats/format.ts";
import { geotiff } from "./formats/geotiff/geotiff.ts";
import { hdf5 } from "./formats/hdf5/hdf5.ts";
import { kerchunk } from "./formats/kerchunk/kerchunk.ts";
import { netcdf3 } from "./formats/netcdf3/netcdf3.ts";
import { createFormatRegistry, type FormatRegistry } from "./formats/registry.ts";
import { zarr } from "./formats/zarr/zarr.ts";
import type { Protocol } from "./protocols/protocol.ts";
import { gather } from "./read/gather.ts";

/** In the order in which they are asked. */
export const FORMATS: readonly Format[] = [netcdf3, hdf5, geotiff, zarr, kerchunk];

/** What a plugin module may export. */
export interface Plugin {
  readonly formats?: readonly Format[];
  readonly codecs?: readonly CodecEntry[];
  readonly protocols?: readonly Protocol[];
}

export interface LoadedPlugin extends Plugin {
  readonly name: string;
  /** Address of the module, for the threads that decode. */
  readonly url: string;
}

export interface EngineOptions {
  /** Prefixes that may be read; nothing outside them is. */
  readonly allow: readonly URL[];
  /** Prefixes that the node may write: its data directory and its objects. */
  readonly own?: readonly URL[];
  readonly config?: Pick<Config, "s3" | "swift" | "limits">;
  readonly plugins?: readonly LoadedPlugin[];
  /** The process has nothing else to do while it reads; see `LocalOptions`. */
  readonly isAlone?: boolean;
  /** Told of files that are not what they were when they were opened. */
  readonly changed?: (url: URL) => void;
}

/** Files, codecs and formats bound together: all that is needed to read, and nothing that serves. */
export interface Engine {
  readonly files: Files;
  readonly codecs: CodecRegistry;
  readonly decoder: Decoder;
  readonly formats: FormatRegistry;
  /** Whether an address lies within what may be read. */
  allows(url: URL): boolean;
  /** Decoded values of a selection, read without any cache. */
  read(dataset: Dataset, variable: Variable, selection: Selection, call?: IoCall): Promise<Block>;
  /** A whole variable, decoded, in memory that threads may share. For variables that fit into memory. */
  readAll(dataset: Dataset, variable: Variable): Promise<Block>;
  close(): Promise<void>;
}

export function createEngine(options: EngineOptions): Engine {
  const { allow, own = [], config, plugins = [], isAlone = false, changed } = options;
  const byPrefix = createFilesByPrefix(prefixEntries(allow, own, config, isAlone));
  const files = changed === undefined ? byPrefix : withChangeNotice(byPrefix, changed);
  const codecs = createCodecRegistry(plugins.flatMap((plugin) => plugin.codecs ?? []));
  const decoder = createDecoder({
    registry: codecs,
    plugins: plugins.filter((plugin) => plugin.codecs !== undefined).map(({ url }) => url),
  });
  const formats = createFormatRegistry([...plugins.flatMap((p) => p.formats ?? []), ...FORMATS], files, codecs);
  const reader = { files, decoder };
  const read: Engine["read"] = async (_dataset, variable, selection, call) =>
    variable.read?.(selection, call) ?? gather(reader, variable, selection, {}, call);
  return {
    files,
    codecs,
    decoder,
    formats,
    allows: (url) => [...allow, ...own].some((prefix) => isWithin(url, prefix)),
    read,
    readAll: async (_dataset, variable) => {
      const selection = all(variable.spec.shape);
      return variable.read?.(selection) ?? gather(reader, variable, selection, { shared: true });
    },
    async close() {
      await decoder.close();
      await files.close?.();
    },
  };
}

/** Loads plugins by npm name or path; paths are relative to `folder`. Throws BadRequest naming the plugin. */
export async function loadPlugins(names: readonly string[], folder: string): Promise<LoadedPlugin[]> {
  const base = pathToFileURL(`${folder}/`);
  return Promise.all(
    names.map(async (name) => {
      const isPath = /^[./]/.test(name);
      try {
        const url = isPath ? new URL(name, base).href : packageUrl(name, base);
        return { ...((await import(url)) as Plugin), name, url };
      } catch (error) {
        throw new GyreError("BadRequest", `plugin ${name} cannot be loaded: ${(error as Error).message}`, {
          subject: name,
          cause: error,
        });
      }
    }),
  );
}

/** A package as the folder of the configuration sees it, else as Gyre itself does. */
function packageUrl(name: string, base: URL): string {
  try {
    return pathToFileURL(createRequire(base).resolve(name)).href;
  } catch {
    return import.meta.resolve(name);
  }
}

function prefixEntries(
  allow: readonly URL[],
  own: readonly URL[],
  config: EngineOptions["config"],
  isAlone: boolean,
): PrefixEntry[] {
  const local = createLocalFiles({ isAlone, ...(config === undefined ? {} : { handles: config.limits.openFiles }) });
  const http = withRemoteCaches(
    createHttpFiles({ allow: [...allow, ...own].filter(({ protocol }) => isHttp(protocol)) }),
  );
  const stores = new Map<string, Files>();
  const filesFor = (prefix: URL): Files => {
    if (prefix.protocol === "file:") return local;
    if (isHttp(prefix.protocol)) return http;
    const key = `${prefix.protocol}${prefix.host}`;
    let files = stores.get(key);
    if (files === undefined) stores.set(key, (files = withRemoteCaches(remoteFiles(prefix, config))));
    return files;
  };
  return [
    ...allow.map((prefix) => ({ prefix, files: filesFor(prefix), mode: "r" as const })),
    ...own.map((prefix) => ({ prefix, files: filesFor(prefix), mode: "rw" as const })),
  ];
}

function isHttp(protocol: string): boolean {
  return protocol === "http:" || protocol === "https:";
}

function remoteFiles({ protocol, host }: URL, config: EngineOptions["config"]): Files {
  if (protocol === "s3:") return createS3Files(s3Options(config?.s3[host] ?? config?.s3["*"]));
  if (protocol === "swift:") {
    const swift = config?.swift[host] ?? config?.swift["*"];
    if (swift === undefined) throw new GyreError("BadRequest", `gyre.yaml has no swift credentials for ${host}`);
    return createSwiftFiles(swiftOptions(swift));
  }
  throw new GyreError("BadRequest", `addresses of ${protocol} are not read`, {
    subject: protocol,
    allowed: ["file:", "http:", "https:", "s3:", "swift:"],
  });
}

function s3Options(config: S3Config | undefined): Parameters<typeof createS3Files>[0] {
  if (config === undefined) return {};
  const { endpoint, region, accessKeyId, secretAccessKey, sessionToken, pathStyle, anonymous } = config;
  const isSigned = !anonymous && accessKeyId !== undefined && secretAccessKey !== undefined;
  return {
    region,
    pathStyle,
    ...(endpoint === undefined ? {} : { endpoint: new URL(endpoint) }),
    ...(isSigned
      ? { credentials: { accessKeyId, secretAccessKey, ...(sessionToken === undefined ? {} : { sessionToken }) } }
      : {}),
  };
}

function swiftOptions(config: SwiftConfig): Parameters<typeof createSwiftFiles>[0] {
  const { authUrl, region, username, password, userDomain, project, projectDomain, token } = config;
  if (token === undefined && (username === undefined || password === undefined)) {
    throw new GyreError("BadRequest", "swift needs a token, or a username and a password");
  }
  return {
    authUrl: new URL(authUrl),
    identity: token === undefined ? { user: username as string, password: password as string, userDomain } : { token },
    ...(project === undefined ? {} : { project, projectDomain }),
    ...(region === undefined ? {} : { region }),
  };
}
