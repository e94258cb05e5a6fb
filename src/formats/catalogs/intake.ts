import { parseDocument } from "yaml";
import type { CubePart } from "../../core/cube.ts";
import { decodedPath, hasGlob } from "../../core/glob.ts";
import { badSource, GyreError, isGyreError } from "../../errors.ts";
import { below, isRecord, type NamedEntry, type Reading, resolveAddress } from "./catalog.ts";

const CATALOGS = new Set(["catalog", "yaml_file_cat", "yaml_files_cat", "intake.catalog.local.YAMLFileCatalog"]);
const ESM = new Set(["intake_esm.esm_datastore", "esm_datastore", "intake_esm.core.esm_datastore", "intake_esm"]);
const STAC = new Set(["stac_catalog", "stac_collection", "stac_item"]);
/** Drivers of array data, by the last part of their names. */
const DATA = new Set([
  "netcdf",
  "netcdfsource",
  "zarr",
  "zarrsource",
  "xarray_netcdf",
  "xarray_zarr",
  "rasterio",
  "xarray",
]);

type Values = ReadonlyMap<string, string>;

/** An Intake v1 catalogue: each source, once for every combination of its user parameters. */
export async function* intakeEntries(url: URL, text: string, reading: Reading): AsyncGenerator<NamedEntry> {
  const { options } = reading;
  for (const [name, source] of Object.entries(sourcesOf(url, text))) {
    if (!isRecord(source)) continue;
    const driver = String(source.driver ?? "").replace(/^\[|\]$/g, "");
    const args = isRecord(source.args) ? source.args : {};
    for (const values of combinations(parametersOf(source), options.maxEntries ?? 100_000)) {
      const own = [name, ...values.values()].join(".");
      try {
        if (CATALOGS.has(driver) || ESM.has(driver) || STAC.has(driver)) {
          for (const path of listOf(args.path ?? args.obj ?? args.esmcol_obj ?? args.href ?? args.urlpath)) {
            const at = resolveAddress(fillIn(path, url, values), url);
            for await (const entry of below(reading, url, at)) yield { ...entry, id: `${own}.${entry.id}` };
          }
        } else if (DATA.has(driver.split(".").pop()!.toLowerCase())) {
          const title = typeof source.description === "string" ? { title: source.description } : {};
          yield { id: own, ...title, values, part: partOf(url, args, values) };
        } else {
          options.report?.(`${url}#${name}`, `driver "${driver}" is none of array data`);
        }
      } catch (error) {
        if (!isGyreError(error) || error.tag === "TooLarge") throw error;
        options.report?.(`${url}#${name}`, error.message);
      }
    }
  }
}

function sourcesOf(url: URL, text: string): { readonly [name: string]: unknown } {
  const document = parseDocument(text, { schema: "core", merge: true, uniqueKeys: true });
  const [error] = document.errors;
  if (error !== undefined) throw badSource(url, error.pos[0], error.message.split("\n")[0]!);
  let json: unknown;
  try {
    json = document.toJS({ maxAliasCount: 1000 });
  } catch (cause) {
    throw badSource(url, undefined, (cause as Error).message, cause);
  }
  if (!isRecord(json) || !isRecord(json.sources))
    throw badSource(url, undefined, "an Intake catalogue without sources");
  return json.sources;
}

/** Values that each user parameter takes: those allowed, else its default. */
function parametersOf(source: { readonly [key: string]: unknown }): Map<string, readonly string[]> {
  const out = new Map<string, readonly string[]>();
  if (!isRecord(source.parameters)) return out;
  for (const [name, parameter] of Object.entries(source.parameters)) {
    if (!isRecord(parameter)) continue;
    const allowed = Array.isArray(parameter.allowed) ? parameter.allowed : [parameter.default ?? ""];
    out.set(name, allowed.map(String));
  }
  return out;
}

function* combinations(parameters: ReadonlyMap<string, readonly string[]>, limit: number): Generator<Values> {
  const entries = [...parameters];
  const count = entries.reduce((n, [, allowed]) => n * allowed.length, 1);
  if (count > limit) throw new GyreError("TooLarge", `${count} combinations of parameters, at most ${limit} are taken`);
  for (let i = 0; i < count; i++) {
    let rest = i;
    const values = new Map<string, string>();
    for (const [name, allowed] of entries.toReversed()) {
      values.set(name, allowed[rest % allowed.length]!);
      rest = Math.floor(rest / allowed.length);
    }
    yield new Map([...values].reverse());
  }
}

/** Jinja as catalogues use it: names only. Anything that would have to be evaluated is refused. */
function fillIn(text: string, url: URL, values: Values): string {
  const filled = text.replace(/\{\{\s*([A-Za-z_][A-Za-z0-9_]*)\s*\}\}/g, (_, name: string) => {
    if (name === "CATALOG_DIR") return new URL(".", url).href.replace(/\/$/, "");
    const value = values.get(name);
    if (value === undefined) throw badSource(url, undefined, `"${name}" is no parameter of the source`);
    return value;
  });
  if (/\{\{|\{%/.test(filled)) {
    throw new GyreError("Unsupported", `${url}: "${text}" has an expression; only names of parameters are filled in`);
  }
  return filled;
}

function partOf(url: URL, args: { readonly [key: string]: unknown }, values: Values): CubePart {
  const storage = isRecord(args.storage_options) ? args.storage_options : {};
  const paths = listOf(args.urlpath).map((path) => unchained(fillIn(path, url, values), storage, url, values));
  if (paths.length === 0) throw badSource(url, undefined, "a source without urlpath");
  const parts = paths.map((path) => asStore(resolveAddress(path, url).href));
  if (parts.length === 1 && !hasGlob(decodedPath(new URL(parts[0]!).pathname))) return parts[0]!;
  const xarray = isRecord(args.xarray_kwargs) ? args.xarray_kwargs : {};
  const dimension = listOf(args.concat_dim ?? xarray.concat_dim)[0];
  return { rules: { concat: dimension ?? "time" }, parts };
}

/** A Zarr store is a folder, whether or not the catalogue writes it so. */
function asStore(address: string): string {
  return /\.zarr$/i.test(address) ? `${address}/` : address;
}

/** The file at the end of an fsspec chain (`simplecache::s3://...`); `reference://` names its file beside. */
function unchained(path: string, storage: { readonly [key: string]: unknown }, url: URL, values: Values): string {
  const last = path.split("::").at(-1)!;
  if (!last.startsWith("reference://")) return last;
  if (typeof storage.fo !== "string") throw badSource(url, undefined, "reference:// without storage_options.fo");
  return fillIn(storage.fo, url, values);
}

function listOf(value: unknown): string[] {
  if (typeof value === "string") return [value];
  return Array.isArray(value) ? value.filter((v) => typeof v === "string") : [];
}
