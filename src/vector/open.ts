import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, extname, join } from "node:path";
import type { IoCall } from "../core/array.ts";
import { GyreError } from "../errors.ts";
import { type CsvOptions, createCsv } from "./csv/csv.ts";
import type { VectorFile, VectorFormat } from "./feature.ts";
import { flatgeobuf } from "./flatgeobuf/flatgeobuf.ts";
import { geojson } from "./geojson/geojson.ts";
import { geopackage } from "./geopackage/geopackage.ts";
import { geoparquet } from "./geoparquet/geoparquet.ts";
import { LocalFile } from "./local-file.ts";
import { shapefile } from "./shapefile/shapefile.ts";
import { unpack } from "./zip.ts";

/** All vector files that are read. */
export const VECTOR_FORMATS: readonly VectorFormat[] = [
  geopackage,
  geojson,
  flatgeobuf,
  geoparquet,
  shapefile,
  createCsv(),
];

export interface OpenOptions extends IoCall {
  readonly csv?: CsvOptions;
  /** Where archives are unpacked; default: the system's folder for temporary files. */
  readonly scratch?: string;
  /** Bytes that an archive may hold unpacked. */
  readonly mostUnpacked?: number;
}

/** What stands at the beginning of files whose names may lie. */
const MAGIC: readonly (readonly [string, VectorFormat | "zip"])[] = [
  ["SQLite format 3\0", geopackage],
  ["fgb\x03", flatgeobuf],
  ["PAR1", geoparquet],
  ["\x00\x00\x27\x0a", shapefile],
  ["PK\x03\x04", "zip"],
];
/** Beside a shapefile. */
const PARTS = [".dbf", ".prj", ".cpg", ".shx"];
const MOST_UNPACKED = 64 * 1024 ** 3;

/**
 * Opens a vector file by what it holds, or else by its extension. Of a ZIP archive all layers of all vector files in it.
 * Throws Unsupported for what is none, BadSource for what is broken.
 */
export async function openVector(path: string, options: OpenOptions = {}): Promise<VectorFile> {
  const format = await formatOf(path, options);
  return format === "zip" ? openArchive(path, options) : format.open(path, options);
}

async function formatOf(path: string, { csv }: OpenOptions): Promise<VectorFormat | "zip"> {
  await using file = await LocalFile.open(path);
  const head = Buffer.from(await file.read(0, Math.min(file.size, 64))).toString("latin1");
  const known = MAGIC.find(([magic]) => head.startsWith(magic))?.[1];
  if (known !== undefined) return known;
  const extension = extname(path).toLowerCase();
  if (
    head
      .replace(/^\xef\xbb\xbf/, "")
      .replace("\x1e", "")
      .trimStart()
      .startsWith("{")
  )
    return geojson;
  if (extension === ".csv" || extension === ".tsv") return createCsv(csv);
  const format = VECTOR_FORMATS.find(({ extensions }) => extensions.includes(extension));
  if (format !== undefined) return format;
  throw new GyreError("Unsupported", `${basename(path)} is no vector file that is read here`, {
    allowed: VECTOR_FORMATS.map(({ name }) => name),
  });
}

async function openArchive(path: string, options: OpenOptions): Promise<VectorFile> {
  await using opening = new AsyncDisposableStack();
  const folder = await mkdtemp(join(options.scratch ?? tmpdir(), "gyre-vector-"));
  opening.defer(() => rm(folder, { recursive: true, force: true }));
  const main = new Set(VECTOR_FORMATS.flatMap(({ extensions }) => extensions));
  const wanted = { extensions: new Set([...main, ...PARTS]), mostBytes: options.mostUnpacked ?? MOST_UNPACKED };
  const paths = await unpack(path, folder, wanted, options);
  const files: VectorFile[] = [];
  for (const unpacked of chosenOf(paths.filter((name) => main.has(extname(name))))) {
    files.push(opening.use(await openVector(unpacked, options)));
  }
  if (files.length === 0) throw new GyreError("Unsupported", `${basename(path)} has no vector file in it`);
  const open = opening.move();
  return { layers: files.flatMap(({ layers }) => layers), [Symbol.asyncDispose]: () => open.disposeAsync() };
}

/** JSON beside other vector files tells of them, and is none. */
function chosenOf(paths: readonly string[]): readonly string[] {
  const others = paths.filter((path) => extname(path) !== ".json");
  return others.length > 0 ? others : paths;
}
