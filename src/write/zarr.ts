import type { Json } from "../core/array.ts";
import { GyreError } from "../errors.ts";
import type { Files, WriteOptions } from "../files/files.ts";
import { urlOfKey } from "../files/keys.ts";
import { chunksOf } from "./chunks.ts";
import { paddingOf } from "./padding.ts";
import type { Encoder, Source } from "./source.ts";
import type { JsonObject } from "./zarr-fill.ts";
import { consolidateV2, groupAttributesV2, toZarrV2, ZGROUP } from "./zarr-v2.ts";
import { groupV3, toZarrV3 } from "./zarr-v3.ts";

export interface ZarrOptions {
  readonly files: Files;
  readonly encoder: Encoder;
  readonly version?: 2 | 3;
  readonly signal?: AbortSignal;
}

/**
 * Writes a Zarr store below a folder: chunks first, then metadata, the consolidated document last, so that whoever
 * finds the store finds it whole. v3 keeps all metadata in its root as well, inline.
 */
export async function writeZarr(source: Source, folder: URL, options: ZarrOptions): Promise<void> {
  const { files, encoder, version = 3, signal } = options;
  const call: WriteOptions = signal === undefined ? {} : { signal };
  const write = files.write;
  if (write === undefined) throw new GyreError("Unsupported", `${folder} lies where nothing can be written`);
  const put = async (key: string, body: Uint8Array): Promise<void> => {
    // A source may name a variable `..`: nothing is written outside the folder.
    const url = urlOfKey(folder, key);
    if (url === undefined) throw new GyreError("Unsupported", `no file can be called ${key}`, { subject: key });
    await write.call(files, url, body, call);
  };
  const documents = version === 2 ? [...documentsV2(source)] : [...documentsV3(source)];
  for (const variable of source.variables.values()) {
    const { name, spec } = variable;
    const key = version === 2 ? keyV2 : keyV3;
    for await (const chunk of chunksOf(spec, variable.blocks(call), paddingOf(spec))) {
      const meta = { dtype: spec.dtype, shape: spec.chunks };
      await put(`${name}/${key(chunk.index)}`, await encoder.encode(spec.codecs, meta, chunk.data, spec.chunks, call));
    }
  }
  for (const [key, document] of documents) await put(key, toBytes(document));
}

function keyV2(index: readonly number[]): string {
  return index.length === 0 ? "0" : index.join(".");
}

function keyV3(index: readonly number[]): string {
  return ["c", ...index].join("/");
}

function* documentsV2(source: Source): Generator<readonly [string, JsonObject]> {
  const all: [string, JsonObject][] = [];
  for (const [path, group] of [["", source] as const, ...source.groups]) {
    const prefix = path === "" ? "" : `${path}/`;
    all.push([`${prefix}.zgroup`, ZGROUP], [`${prefix}.zattrs`, groupAttributesV2(group)]);
  }
  for (const { name, spec } of source.variables.values()) {
    const { zarray, zattrs } = toZarrV2(spec);
    all.push([`${name}/.zarray`, zarray], [`${name}/.zattrs`, zattrs]);
  }
  yield* all;
  yield [".zmetadata", consolidateV2(all)];
}

function* documentsV3(source: Source): Generator<readonly [string, JsonObject]> {
  const nodes: [string, JsonObject][] = [];
  for (const [path, group] of source.groups) nodes.push([path, groupV3(group)]);
  for (const { name, spec } of source.variables.values()) nodes.push([name, toZarrV3(spec)]);
  for (const [path, node] of nodes) yield [`${path}/zarr.json`, node];
  yield ["zarr.json", groupV3(source, nodes)];
}

function toBytes(document: Json): Uint8Array {
  return new TextEncoder().encode(`${JSON.stringify(document, null, 2)}\n`);
}
