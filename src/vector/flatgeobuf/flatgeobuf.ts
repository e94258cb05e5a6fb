import type { IoCall } from "../../core/array.ts";
import { badSource, inSource } from "../../errors.ts";
import type { BBox, Feature, Layer, VectorFormat } from "../feature.ts";
import { filtered } from "../fields.ts";
import { layerName } from "../layer-name.ts";
import { LocalFile, SequentialReader } from "../local-file.ts";
import { readGeometry } from "./geometry.ts";
import { type Header, readHeader } from "./header.ts";
import { readProperties } from "./properties.ts";
import { FlatTable } from "./table.ts";
import { searchTree } from "./tree.ts";

/** Of one feature. */
const MOST_FEATURE = 256 * 1024 * 1024;
const [GEOMETRY, PROPERTIES] = [0, 1];

/** FlatGeobuf 3, by its index where it has one. */
export const flatgeobuf: VectorFormat = {
  name: "FlatGeobuf",
  extensions: [".fgb"],
  async open(path) {
    await using opening = new AsyncDisposableStack();
    const file = opening.use(await LocalFile.open(path));
    const header = await readHeader(file).catch((error: unknown) => {
      throw inSource(error, file.name);
    });
    const { name, columns, count, crs, bbox } = header;
    const layer: Layer = {
      name: name || layerName(path),
      crs,
      fields: columns.map((column) => ({ name: column.name, type: column.type })),
      ...(count === 0 ? {} : { count }),
      ...(bbox === undefined ? {} : { bbox }),
      features: (options) => filtered(read(file, header, options), options),
    };
    const open = opening.move();
    return { layers: [layer], [Symbol.asyncDispose]: () => open.disposeAsync() };
  },
};

async function* read(file: LocalFile, header: Header, options: IoCall & { bbox?: BBox } = {}): AsyncGenerator<Feature> {
  const reader = new SequentialReader(file);
  let id = 0;
  for await (const at of offsets(file, reader, header, options.bbox)) {
    options.signal?.throwIfAborted();
    const length = await lengthAt(file, reader, at);
    const bytes = await reader.read(at + 4, length);
    try {
      const table = FlatTable.root(bytes);
      const geometry = table.table(GEOMETRY);
      yield {
        ...(options.bbox === undefined ? { id: id++ } : {}),
        geometry: geometry === undefined ? null : readGeometry(geometry, header.kind),
        properties: readProperties(table.bytes(PROPERTIES) ?? new Uint8Array(0), header.columns),
      };
    } catch (error) {
      throw inSource(error, file.name, at);
    }
  }
}

/** Where features begin: those that the index finds, or all. */
async function* offsets(
  file: LocalFile,
  reader: SequentialReader,
  header: Header,
  bbox?: BBox,
): AsyncGenerator<number> {
  if (bbox !== undefined && header.nodeSize > 0) {
    for (const offset of await searchTree(file, header, bbox)) yield header.features + offset;
    return;
  }
  for (let at = header.features; at < file.size; at += 4 + (await lengthAt(file, reader, at))) yield at;
}

async function lengthAt(file: LocalFile, reader: SequentialReader, at: number): Promise<number> {
  const head = await reader.read(at, 4);
  const length = new DataView(head.buffer, head.byteOffset, 4).getUint32(0, true);
  if (length > MOST_FEATURE) throw badSource(file.name, at, `a feature of ${length} bytes`);
  return length;
}
