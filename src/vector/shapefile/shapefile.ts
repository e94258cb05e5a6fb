import { readdir } from "node:fs/promises";
import { basename, dirname, extname, join } from "node:path";
import type { IoCall } from "../../core/array.ts";
import type { Crs } from "../../core/crs.ts";
import { badSource, inSource } from "../../errors.ts";
import type { BBox, Feature, Layer, VectorFormat } from "../feature.ts";
import { filtered } from "../fields.ts";
import { layerName } from "../layer-name.ts";
import { LocalFile, SequentialReader } from "../local-file.ts";
import { Dbf } from "./dbf.ts";
import { crsOfPrj } from "./prj.ts";
import { readShape } from "./shapes.ts";

const HEAD = 100;
const MAGIC = 9994;
/** Of a .prj or .cpg. */
const MOST_TEXT = 64 * 1024;

/** ESRI Shapefile (Technical Description, July 1998): the .shp with its .dbf, .prj and .cpg beside it. */
export const shapefile: VectorFormat = {
  name: "Shapefile",
  extensions: [".shp"],
  async open(path) {
    await using opening = new AsyncDisposableStack();
    const besides = await filesBeside(path);
    const shp = opening.use(await LocalFile.open(path));
    const head = viewOf(await shp.read(0, HEAD));
    if (head.getInt32(0) !== MAGIC) throw badSource(shp.name, 0, "no shapefile");
    const dbfPath = besides.get(".dbf");
    const codePage = await textOf(besides.get(".cpg"));
    const dbf = dbfPath && (await Dbf.open(opening.use(await LocalFile.open(dbfPath)), codePage));
    const bbox = [36, 44, 52, 60].map((at) => head.getFloat64(at, true));
    const layer: Layer = {
      name: layerName(path),
      crs: await crsOf(besides.get(".prj")),
      fields: dbf ? dbf.columns.map(({ name, type }) => ({ name, type })) : [],
      ...(bbox.every(Number.isFinite) && bbox[0]! <= bbox[2]! ? { bbox: bbox as unknown as BBox } : {}),
      features: (options) => filtered(read(shp, dbf || undefined, options), options),
    };
    const open = opening.move();
    return { layers: [layer], [Symbol.asyncDispose]: () => open.disposeAsync() };
  },
};

/** Files of the same name by their extensions, in whatever case. */
async function filesBeside(path: string): Promise<ReadonlyMap<string, string>> {
  const stem = basename(path, extname(path)).toLowerCase();
  const found = new Map<string, string>();
  for (const name of await readdir(dirname(path))) {
    const extension = extname(name);
    if (basename(name, extension).toLowerCase() === stem) found.set(extension.toLowerCase(), join(dirname(path), name));
  }
  return found;
}

async function textOf(path: string | undefined): Promise<string | undefined> {
  if (path === undefined) return undefined;
  await using file = await LocalFile.open(path);
  return new TextDecoder().decode(await file.read(0, Math.min(file.size, MOST_TEXT)));
}

async function crsOf(path: string | undefined): Promise<Crs | undefined> {
  const wkt = await textOf(path);
  return wkt === undefined ? undefined : crsOfPrj(wkt);
}

/** Records in the order of the .shp, which says itself where each ends: the .shx is not needed. */
async function* read(
  shp: LocalFile,
  dbf: Dbf | undefined,
  call: IoCall & { bbox?: BBox } = {},
): AsyncGenerator<Feature> {
  const reader = new SequentialReader(shp);
  for (let at = HEAD, i = 0; at + 8 <= shp.size; i++) {
    call.signal?.throwIfAborted();
    const head = viewOf(await reader.read(at, 8));
    const length = 2 * head.getInt32(4);
    if (length < 4 || at + 8 + length > shp.size) throw badSource(shp.name, at, `record ${i} is ${length} bytes long`);
    const properties = dbf === undefined ? new Map() : await dbf.record(i);
    const bytes = await reader.read(at + 8, length);
    at += 8 + length;
    if (properties === undefined) continue;
    try {
      yield { id: i, geometry: readShape(bytes), properties };
    } catch (error) {
      throw inSource(error, shp.name, at - length);
    }
  }
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
