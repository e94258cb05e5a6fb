import { createMemoryFiles } from "../../src/files/memory.ts";
import { hdf5 } from "../../src/formats/hdf5/hdf5.ts";
import { sourceVersion } from "../../src/formats/version.ts";
import { INDEX_VERSION, openContainer, packContainer } from "../../src/read/index/container.ts";
import { createDatasetIndex } from "../../src/read/index.ts";
import { single } from "./bases.ts";
import { addressOf, codecs, filesOf, readSome } from "./exercise.ts";
import type { Base, Input, Target } from "./target.ts";

const OBJECTS = new URL("memory:///objects/");
const INFO = { size: 1000, etag: '"e"' };

/**
 * Indexes whose checksums are right and whose contents are not: their head as JSON, and the tables of their variables.
 * `raw` is the object itself, for damage that the checksums must find.
 */
async function makeBases(): Promise<Base[]> {
  const bases: Base[] = [];
  for (const { name, input } of single(["hdf5/{dims.nc,filters.h5,masks.h5}"])) {
    const files = filesOf(input);
    const source = addressOf([...input.keys()][0]!);
    const dataset = await hdf5.open(source, { files, codecs, open: () => Promise.reject(new Error("not needed")) });
    const objects = createMemoryFiles();
    await createDatasetIndex(objects, OBJECTS).save({ url: source, info: INFO }, dataset);
    const place = new URL(`index/v${INDEX_VERSION}/${sourceVersion(source, INFO)}`, OBJECTS);
    const container = (await openContainer(objects, place))!;
    const sections: [string, Uint8Array][] = [];
    for (const variable of dataset.variables.keys()) {
      const section = await container.section(variable);
      if (section !== undefined) sections.push([`tables/${variable}`, section]);
    }
    const head = new Uint8Array(Buffer.from(JSON.stringify(container.head)));
    bases.push({ name, input: new Map([["head.json", head], ...sections]) });
    bases.push({ name: `${name} raw`, input: new Map([["raw", (await objects.read(place))!]]) });
  }
  return bases;
}

const bases = await makeBases();

export const indexTarget: Target = { name: "index", kind: "binary", namesSource: true, bases: () => bases, run };

async function run(input: Input): Promise<void> {
  const url = new URL("memory://fuzz/source.h5");
  const objects = createMemoryFiles([
    [new URL(`index/v${INDEX_VERSION}/${sourceVersion(url, INFO)}`, OBJECTS).href, await packed(input)],
  ]);
  const index = createDatasetIndex(objects, OBJECTS);
  const dataset = await index.load({ url, info: INFO }, hdf5FromNowhere);
  // A head that passes its checksum is our own writer's: only that it loads or not is asked of another one.
  const isOwnHead = bases.some((base) => base.input.get("head.json") === input.get("head.json"));
  if (dataset !== undefined && isOwnHead) await readSome(dataset, createMemoryFiles());
}

async function packed(input: Input): Promise<Uint8Array> {
  const raw = input.get("raw");
  if (raw !== undefined) return raw;
  let head: unknown = null;
  try {
    head = JSON.parse(Buffer.from(input.get("head.json") ?? []).toString());
  } catch {
    // Damaged beyond JSON: only a broken writer makes that.
  }
  const tables = [...input].filter(([name]) => name.startsWith("tables/"));
  return packContainer(
    head,
    tables.map(([name, bytes]) => [name.slice("tables/".length), bytes] as const),
  );
}

function hdf5FromNowhere(): ReturnType<typeof hdf5.open> {
  const url = new URL("memory://fuzz/source.h5");
  return hdf5.open(url, { files: createMemoryFiles(), codecs, open: () => Promise.reject(new Error("not needed")) });
}
