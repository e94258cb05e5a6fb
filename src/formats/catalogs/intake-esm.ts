import { promisify } from "node:util";
import { gunzip } from "node:zlib";
import type { CubePart, CubeRules } from "../../core/cube.ts";
import { badSource, GyreError, inSource } from "../../errors.ts";
import { isRecord, jsonObject, type NamedEntry, type Reading, resolveAddress } from "./catalog.ts";
import { csvRows } from "./csv.ts";

/** Less than the longest string of JavaScript. */
const MAX_TABLE = 256 * 1024 * 1024;

type Row = ReadonlyMap<string, string>;

interface Aggregation {
  readonly type: "union" | "join_new" | "join_existing";
  readonly attribute: string;
  readonly dimension: string;
}

interface Collection {
  readonly assets: string;
  readonly format: string | undefined;
  readonly formatColumn: string | undefined;
  readonly groupby: readonly string[];
  readonly aggregations: readonly Aggregation[];
}

/** An ESM collection: one cube for each group of rows that its aggregation control makes, else one entry per row. */
export async function* esmEntries(url: URL, text: string, reading: Reading): AsyncGenerator<NamedEntry> {
  const json = jsonObject(text, url);
  const collection = collectionOf(json, url);
  const groups = new Map<string, { values: Row; rows: Row[] }>();
  let single = 0;
  for (const row of await tableOf(json, url, reading)) {
    if ((row.get(collection.assets) ?? "") === "") continue;
    const keys =
      collection.groupby.length > 0 ? collection.groupby : [...row.keys()].filter((k) => k !== collection.assets);
    const id = keys
      .map((key) => row.get(key) ?? "")
      .filter((value) => value !== "")
      .join(".");
    const key = collection.groupby.length > 0 ? keys.map((k) => row.get(k)).join("\n") : String(single++);
    const group = groups.get(key);
    if (group !== undefined) group.rows.push(row);
    else
      groups.set(key, {
        values: new Map([...keys.map((k) => [k, row.get(k) ?? ""] as const), ["id", id]]),
        rows: [row],
      });
  }
  for (const { values, rows } of groups.values()) {
    const part = combine(rows, collection.aggregations, (row) => addressOf(row, collection, url));
    yield { id: values.get("id")!, values, part };
  }
}

function collectionOf(json: { readonly [key: string]: unknown }, url: URL): Collection {
  const assets = isRecord(json.assets) ? json.assets : {};
  if (typeof assets.column_name !== "string") throw badSource(url, undefined, "assets.column_name is missing");
  const control = isRecord(json.aggregation_control) ? json.aggregation_control : {};
  const given = Array.isArray(control.aggregations) ? control.aggregations.filter(isRecord) : [];
  return {
    assets: assets.column_name,
    format: textOf(assets.format),
    formatColumn: textOf(assets.format_column_name),
    groupby: Array.isArray(control.groupby_attrs) ? control.groupby_attrs.map(String) : [],
    aggregations: given.map((a) => aggregationOf(a, url)).sort((a, b) => ORDER[a.type] - ORDER[b.type]),
  };
}

/** From the outside in: members of a union are whole cubes, files that follow each other the innermost. */
const ORDER = { union: 0, join_new: 1, join_existing: 2 } as const;

function aggregationOf(json: { readonly [key: string]: unknown }, url: URL): Aggregation {
  const { type, attribute_name: attribute, options } = json;
  const isKnown = type === "union" || type === "join_new" || type === "join_existing";
  if (!isKnown || typeof attribute !== "string") throw badSource(url, undefined, `unknown aggregation ${String(type)}`);
  const dimension = isRecord(options) && typeof options.dim === "string" ? options.dim : undefined;
  return { type, attribute, dimension: dimension ?? (type === "join_new" ? attribute : "time") };
}

function combine(
  rows: readonly Row[],
  aggregations: readonly Aggregation[],
  addressOfRow: (row: Row) => string,
): CubePart {
  const [first, ...rest] = aggregations;
  if (first === undefined) {
    const addresses = [...new Set(rows.map(addressOfRow))];
    return addresses.length === 1 ? addresses[0]! : { rules: { concat: "time" }, parts: addresses.sort() };
  }
  const byValue = new Map<string, Row[]>();
  for (const row of rows) {
    const value = row.get(first.attribute) ?? "";
    const same = byValue.get(value);
    if (same === undefined) byValue.set(value, [row]);
    else same.push(row);
  }
  const values = [...byValue.keys()].sort();
  const parts = values.map((value) => combine(byValue.get(value)!, rest, addressOfRow));
  // A column that nobody filled in joins nothing.
  if (values.length === 1 && (first.type !== "join_new" || values[0] === "")) return parts[0]!;
  return { rules: rulesOf(first, values), parts };
}

function rulesOf({ type, dimension }: Aggregation, values: readonly string[]): CubeRules {
  if (type === "union") return {};
  return type === "join_existing" ? { concat: dimension } : { newDim: { name: dimension, values } };
}

function addressOf(row: Row, { assets, format, formatColumn }: Collection, url: URL): string {
  const address = resolveAddress(row.get(assets)!, url).href;
  const own = (formatColumn === undefined ? undefined : row.get(formatColumn)) ?? format;
  return own === "zarr" && !address.endsWith("/") ? `${address}/` : address;
}

async function tableOf(json: { readonly [key: string]: unknown }, url: URL, { files, call }: Reading): Promise<Row[]> {
  if (Array.isArray(json.catalog_dict)) {
    return json.catalog_dict
      .filter(isRecord)
      .map((row) => new Map(Object.entries(row).map(([k, v]) => [k, String(v ?? "")])));
  }
  if (typeof json.catalog_file !== "string") throw badSource(url, undefined, "neither catalog_file nor catalog_dict");
  const at = resolveAddress(json.catalog_file, url);
  const bytes = await files.read(at, { offset: 0, length: MAX_TABLE + 1 }, call);
  if (bytes === undefined) throw new GyreError("NotFound", `${at} is not there`, { source: at.href });
  if (bytes.byteLength > MAX_TABLE) throw badSource(at, MAX_TABLE, "too large for the table of a catalogue");
  const isZipped = bytes[0] === 0x1f && bytes[1] === 0x8b;
  const table = isZipped ? await unzipped(bytes, at) : bytes;
  try {
    const rows = csvRows(Buffer.from(table).toString("utf8"));
    const header = rows.next().value as string[] | undefined;
    if (header === undefined) throw badSource(at, 0, "the table has no header");
    return Array.from(rows, (row) => new Map(header.map((name, i) => [name, row[i] ?? ""])));
  } catch (error) {
    throw inSource(error, at);
  }
}

async function unzipped(bytes: Uint8Array, url: URL): Promise<Uint8Array> {
  try {
    return await promisify(gunzip)(bytes, { maxOutputLength: MAX_TABLE });
  } catch (error) {
    throw badSource(url, undefined, `not a table compressed by gzip: ${(error as Error).message}`, error);
  }
}

function textOf(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}
