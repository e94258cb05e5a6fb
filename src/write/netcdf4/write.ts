import type { IoCall } from "../../core/array.ts";
import { storageType } from "../../core/dtype.ts";
import { badSource } from "../../errors.ts";
import { VERSION } from "../../version.ts";
import { orderedBytes } from "../byte-order.ts";
import { paddingOf } from "../padding.ts";
import type { Encoder, Source } from "../source.ts";
import { attributeMessages, type LateMessage, numberBytes, textAttribute } from "./attributes.ts";
import { Bytes } from "./bytes.ts";
import { backReferenceType, numberType, referenceListType, textType } from "./datatype.ts";
import {
  attribute,
  attributeInfo,
  chunkedLayout,
  contiguousLayout,
  dataspace,
  dataspaceMessage,
  datatypeMessage,
  fillMessage,
  groupInfo,
  link,
  type Message,
  objectHeader,
  SUPERBLOCK_BYTES,
  superblock,
} from "./header.ts";
import { descriptor, Heap } from "./heap.ts";
import { type DimensionObject, type Objects, objectsOf, type VariableObject } from "./objects.ts";
import { chunkedStorage, contiguousStorage, emptyStorage, type Kept, type Storage, textStorage } from "./storage.ts";

export interface Netcdf4Options extends IoCall {
  readonly encoder: Encoder;
  /** Encoded chunks kept between measuring and writing; beyond it they are encoded twice. Default 64 MiB. */
  readonly keepBytes?: number;
  /** What stands in `_NCProperties`, as `name=version` pairs. */
  readonly provenance?: string;
}

/** A part of the metadata: made once with addresses of 0 to measure it, and again when all have one. */
interface Part {
  address: number;
  encode(): Uint8Array;
}

/**
 * Writes NetCDF-4 from the first byte to the last, in constant memory: all metadata lies in front of the values, where
 * a reader over HTTP finds it with one request. Chunked variables are asked for their values twice unless their encoded
 * chunks fit into `keepBytes`.
 */
export async function* writeNetcdf4(source: Source, options: Netcdf4Options): AsyncGenerator<Uint8Array> {
  const { encoder, keepBytes = 64 * 1024 * 1024, signal } = options;
  const call: IoCall = signal === undefined ? {} : { signal };
  const objects = objectsOf(source);
  const heap = new Heap();
  const kept: Kept = { bytes: 0, limit: keepBytes };
  const storages: Storage[] = [];
  for (const object of objects.variables) storages.push(await storageOf(object, encoder, heap, kept, call));

  const file = new FileParts(source, objects, storages, heap, options.provenance ?? `version=2,gyre=${VERSION}`);
  const end = file.place();
  yield superblock(file.root.address, end);
  for (const part of file.parts) yield part.encode();
  let at = file.metadataEnd;
  for (const storage of storages) {
    yield new Uint8Array(storage.address - at);
    at = storage.address;
    for await (const bytes of storage.bytes(call)) {
      call.signal?.throwIfAborted();
      at += bytes.length;
      yield bytes;
    }
    if (at !== storage.address + storage.size) throw badSource("NetCDF-4 writer", at, "sizes do not add up");
  }
}

function storageOf(
  { variable, spec, type, filtered, dimensions }: VariableObject,
  encoder: Encoder,
  heap: Heap,
  kept: Kept,
  call: IoCall,
): Storage | Promise<Storage> {
  const isGrowing = dimensions.some((d) => d.unlimited);
  if (spec.type === "string") return textStorage(variable, spec, isGrowing, type.size, heap, call);
  if (isGrowing || filtered.filters.length > 0) {
    if (spec.shape.length > 0) return chunkedStorage(variable, spec, type.size, filtered, encoder, kept, call);
  }
  const isEmpty = spec.shape.includes(0);
  return isEmpty ? emptyStorage(type.size) : contiguousStorage(variable, type.size, filtered);
}

/** Everything before the values: groups, datasets, chunk indexes, the global heap. */
class FileParts {
  readonly root: Part;
  readonly parts: readonly Part[];
  readonly #source: Source;
  readonly #objects: Objects;
  readonly #storages: readonly Storage[];
  readonly #heap: Heap;
  readonly #groups = new Map<string, Part>();
  readonly #variables: readonly Part[];
  /** By dimension id: the dataset that is its scale. */
  readonly #scales = new Map<number, Part>();
  readonly #scaleOnly: readonly (readonly [DimensionObject, Part])[];
  metadataEnd = 0;

  constructor(source: Source, objects: Objects, storages: readonly Storage[], heap: Heap, provenance: string) {
    this.#source = source;
    this.#objects = objects;
    this.#storages = storages;
    this.#heap = heap;
    this.root = this.#group("", provenance);
    for (const path of source.groups.keys()) this.#group(path);
    this.#variables = objects.variables.map((object, i) => this.#variable(object, storages[i]!));
    objects.variables.forEach(({ scale }, i) => {
      if (scale !== undefined) this.#scales.set(scale.id, this.#variables[i]!);
    });
    this.#scaleOnly = objects.dimensions
      .filter((dimension) => !this.#scales.has(dimension.id))
      .map((dimension) => [dimension, this.#emptyScale(dimension)] as const);
    for (const [dimension, part] of this.#scaleOnly) this.#scales.set(dimension.id, part);
    const trees = storages.map((storage) => storage.tree).filter((tree) => tree !== undefined);
    const datasets = [...this.#variables, ...this.#scaleOnly.map(([, part]) => part)];
    this.parts = [...this.#groups.values(), ...datasets, ...trees, ...heap.collections];
  }

  /** Gives every part and every dataset its address; answers the size of the file. */
  place(): number {
    let at = SUPERBLOCK_BYTES;
    for (const part of this.parts) {
      part.address = at;
      at += part.encode().length;
    }
    this.metadataEnd = at;
    for (const storage of this.#storages) {
      at = Math.ceil(at / 8) * 8;
      storage.address = at;
      at += storage.size;
    }
    return at;
  }

  #group(path: string, provenance?: string): Part {
    const { attrs } = path === "" ? this.#source : this.#source.groups.get(path)!;
    const own: LateMessage[] = attributeMessages(path, attrs, this.#heap);
    if (provenance !== undefined) own.unshift(() => textAttribute("_NCProperties", provenance));
    const part: Part = {
      address: 0,
      encode: () => {
        const links = this.#links(path);
        const messages = [
          ...groupInfo(links.length),
          attributeInfo(own.length),
          ...links,
          ...own.map((make) => make()),
        ];
        return objectHeader(path === "" ? "/" : path, messages);
      },
    };
    this.#groups.set(path, part);
    return part;
  }

  /** What a group holds, in the order in which NetCDF shows it. */
  #links(path: string): Message[] {
    const children: (readonly [string, Part])[] = [];
    for (const [dimension, part] of this.#scaleOnly)
      if (dimension.group === path) children.push([dimension.name, part]);
    this.#objects.variables.forEach(({ group, name }, i) => {
      if (group === path) children.push([name, this.#variables[i]!]);
    });
    for (const [child, part] of this.#groups) {
      const cut = child.lastIndexOf("/");
      if (child !== "" && child.slice(0, Math.max(cut, 0)) === path) children.push([child.slice(cut + 1), part]);
    }
    return children.map(([name, part], order) => link(name, order, part.address));
  }

  #variable(object: VariableObject, storage: Storage): Part {
    const { variable, spec, type, dimensions, scale } = object;
    const unlimited = dimensions.map((d) => d.unlimited);
    const number = spec.type === "string" || spec.type === "char" ? undefined : spec.type;
    const own = attributeMessages(variable.name, spec.attrs, this.#heap, number);
    if (scale !== undefined) own.push(...this.#scaleAttributes(scale, object.name));
    if (scale !== undefined && dimensions.length > 1) own.push(() => coordinateIds(dimensions));
    if (scale === undefined && dimensions.length > 0) own.push(this.#dimensionList(dimensions));
    return {
      address: 0,
      encode: () =>
        objectHeader(variable.name, [
          dataspaceMessage(spec.shape, unlimited),
          datatypeMessage(type),
          fillMessage(fillBytes(object), storage.tree !== undefined),
          ...storage.messages(),
          attributeInfo(own.length),
          ...own.map((make) => make()),
        ]),
    };
  }

  /** A dimension without coordinate variable: big-endian floats that were never written, as the C library does it. */
  #emptyScale(dimension: DimensionObject): Part {
    const { name, size, unlimited } = dimension;
    const type = numberType("float32", "big");
    const layout = unlimited
      ? chunkedLayout(undefined, [1024], type.size)
      : contiguousLayout(undefined, size * type.size);
    const said = `This is a netCDF dimension but not a netCDF variable.${String(size).padStart(10)}`;
    const own = this.#scaleAttributes(dimension, said);
    return {
      address: 0,
      encode: () =>
        objectHeader(name, [
          dataspaceMessage([size], [unlimited]),
          datatypeMessage(type),
          fillMessage(undefined, unlimited),
          layout,
          attributeInfo(own.length),
          ...own.map((make) => make()),
        ]),
    };
  }

  /** The dimension scale specification of HDF5, and NetCDF's own number of the dimension. */
  #scaleAttributes({ id }: DimensionObject, name: string): LateMessage[] {
    const text = new TextEncoder().encode(`${name}\0`);
    return [
      () => attribute("CLASS", textType(16, false), dataspace([]), new TextEncoder().encode("DIMENSION_SCALE\0")),
      () => attribute("NAME", textType(text.length, false), dataspace([]), text),
      () => attribute("_Netcdf4Dimid", numberType("int32"), dataspace([]), numberBytes("int32", [id])),
      ...this.#backReferences(id),
    ];
  }

  /** REFERENCE_LIST: which variables a scale belongs to, and as which of their dimensions. */
  #backReferences(id: number): LateMessage[] {
    const users = this.#objects.variables.flatMap(({ dimensions, scale }, i) =>
      scale === undefined ? dimensions.flatMap((d, axis) => (d.id === id ? [{ variable: i, axis }] : [])) : [],
    );
    // Beyond this the list is larger than an attribute in a header; readers find scales from DIMENSION_LIST.
    if (users.length === 0 || users.length > 4000) return [];
    return [
      () => {
        const data = new Bytes();
        for (const { variable, axis } of users) data.u64(this.#variables[variable]!.address).u32(axis).u32(0);
        return attribute("REFERENCE_LIST", backReferenceType(), dataspace([users.length]), data.done());
      },
    ];
  }

  #dimensionList(dimensions: readonly DimensionObject[]): LateMessage {
    const references = dimensions.map(({ id }) =>
      this.#heap.add(8, () => new Bytes().u64(this.#scales.get(id)?.address ?? 0).done()),
    );
    return () => {
      const data = new Bytes();
      for (const reference of references) descriptor(data, 1, reference);
      return attribute("DIMENSION_LIST", referenceListType(), dataspace([dimensions.length]), data.done());
    };
  }
}

/** A scale of several dimensions has no list of scales; NetCDF keeps the numbers of its dimensions instead. */
function coordinateIds(dimensions: readonly DimensionObject[]): Message {
  const ids = dimensions.map((d) => d.id);
  return attribute("_Netcdf4Coordinates", numberType("int32"), dataspace([ids.length]), numberBytes("int32", ids));
}

function fillBytes({ spec, filtered }: VariableObject): Uint8Array | undefined {
  if (spec.fill === null || storageType(spec.dtype) === undefined) return undefined;
  const value = paddingOf(spec)(1);
  return ArrayBuffer.isView(value) ? orderedBytes(value, filtered.order).slice() : undefined;
}
