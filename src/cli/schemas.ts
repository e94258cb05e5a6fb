import { readFile } from "node:fs/promises";
import { parseArgs } from "node:util";
import { addSchema, nameOf } from "../catalog/validate/add-schema.ts";
import { MAX_SCHEMA_BYTES } from "../catalog/validate/json-schemas.ts";
import { FileSchemas, type SchemaStore } from "../catalog/validate/schema-store.ts";
import type { Config } from "../config.ts";
import { createEngine } from "../engine.ts";
import { GyreError } from "../errors.ts";
import { folderUrl, prefixOf } from "../places.ts";
import type { Command, CommandIo } from "./command.ts";
import { here, settingsOf } from "./settings.ts";

const OPTIONS = {
  config: { type: "string", short: "c" },
  store: { type: "string" },
  json: { type: "boolean" },
} as const;

export const schemas: Command = {
  name: "schemas",
  summary: "keep the published JSON Schemas that items are checked by",
  help: `gyre schemas add URL|FILE...   store schemas, and those that they refer to
gyre schemas list              print the addresses of those that are stored

Items name their extensions by the addresses of JSON Schemas. A node checks them by what is stored here and never
fetches one itself. A FILE is stored by its $id.

  -c, --config FILE      gyre.yaml (default: ./gyre.yaml when it is there)
      --store FOLDER     folder or s3://bucket/prefix (default: validation.schemas, else schemas/ in dataDir)
      --json             one JSON document

Example:
  gyre schemas add https://stac-extensions.github.io/file/v2.1.0/schema.json`,

  async run(argv, io) {
    const { values, positionals } = parseArgs({ args: [...argv], options: OPTIONS, allowPositionals: true });
    const [action, ...sources] = positionals;
    const isRight = action === "add" ? sources.length > 0 : action === "list" && sources.length === 0;
    if (!isRight) {
      io.err("gyre schemas takes add URL|FILE... or list; try: gyre schemas --help");
      return 2;
    }
    const { config, folder } = await settingsOf(values, io);
    const place = await placeOf(config, folder, values.store);
    const engine = createEngine({ allow: [], own: [place], config });
    try {
      const store = new FileSchemas(engine.files, place);
      if (action === "add") await add(store, sources, config, io);
      else await list(store, values.json === true, io);
      return 0;
    } finally {
      await engine.close();
    }
  },
};

async function placeOf(config: Config, folder: string, flag: string | undefined): Promise<URL> {
  if (flag !== undefined) return folderUrl(here(flag), folder);
  if (config.validation.schemas !== undefined) return folderUrl(config.validation.schemas, folder);
  return new URL("schemas/", await folderUrl(config.dataDir, folder));
}

async function add(store: SchemaStore, sources: readonly string[], config: Config, io: CommandIo): Promise<void> {
  const fetch = (url: string): Promise<Uint8Array> => fetched(url, config, io);
  for (const source of sources) {
    const isRemote = /^https?:\/\//i.test(source);
    const bytes = isRemote ? await fetch(source) : await readFile(source);
    const url = isRemote ? source : nameOf(bytes, source);
    for (const added of await addSchema(store, { url, bytes }, fetch)) io.out(added);
  }
}

async function list(store: SchemaStore, isJson: boolean, io: CommandIo): Promise<void> {
  const urls = await store.list();
  if (isJson) io.out(JSON.stringify(urls));
  else if (urls.length === 0) io.err("no schemas are stored");
  else for (const url of urls) io.out(url);
}

/** An address that the operator gave, or that a schema of theirs refers to: nothing else may be read. */
async function fetched(url: string, config: Config, io: CommandIo): Promise<Uint8Array> {
  const at = new URL(url);
  const engine = createEngine({ allow: [prefixOf(at)], config });
  try {
    const bytes = await engine.files.read(at, { offset: 0, length: MAX_SCHEMA_BYTES + 1 }, { signal: io.signal });
    if (bytes === undefined) throw new GyreError("NotFound", `there is no ${url}`, { source: url });
    return bytes;
  } finally {
    await engine.close();
  }
}
