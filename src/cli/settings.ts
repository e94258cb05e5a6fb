import { readFile } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { type Config, loadConfig } from "../config.ts";
import { GyreError } from "../errors.ts";
import type { CommandIo } from "./command.ts";

/** Options of every command that reads sources, for `parseArgs`. */
export const SOURCE_OPTIONS = {
  config: { type: "string", short: "c" },
  allow: { type: "string", multiple: true },
  plugin: { type: "string", multiple: true },
} as const;

export const SOURCE_HELP = `  -c, --config FILE      gyre.yaml (default: ./gyre.yaml when it is there)
      --allow PREFIX     may also be read, besides the sources themselves; repeatable
      --plugin NAME      npm name or path of a plugin; repeatable`;

export interface SourceFlags {
  readonly config?: string | undefined;
  readonly allow?: readonly string[] | undefined;
  readonly plugin?: readonly string[] | undefined;
}

export interface Settings {
  readonly config: Config;
  /** Folder that relative paths of the configuration start from. */
  readonly folder: string;
}

/** Flags over `GYRE_*` variables over the file. */
export async function settingsOf({ config: flag, allow = [], plugin = [] }: SourceFlags, io: CommandIo) {
  const file = flag ?? io.env.GYRE_CONFIG;
  const path = resolve(file ?? "gyre.yaml");
  const text = await readFile(path, "utf8").catch((error: NodeJS.ErrnoException) => {
    if (file === undefined && error.code === "ENOENT") return undefined;
    throw new GyreError("BadRequest", `the configuration cannot be read: ${error.message}`, { source: path });
  });
  const base = loadConfig(text ?? "", io.env);
  const config: Config = {
    ...base,
    allow: [...base.allow, ...allow.map(here)],
    plugins: [...base.plugins, ...plugin.map((name) => (/^[./]/.test(name) ? resolve(name) : name))],
  };
  return { config, folder: text === undefined ? process.cwd() : dirname(path) } satisfies Settings;
}

/** What is typed is relative to where it is typed, whatever file is read beside it. */
export function here(text: string): string {
  return /^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : resolve(text);
}
