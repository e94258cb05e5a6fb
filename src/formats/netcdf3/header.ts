import type { Attr } from "../../core/array.ts";
import { badSource } from "../../errors.ts";
import { Cursor, type Version } from "./cursor.ts";
import { attributeValue, externalType } from "./types.ts";

export interface HeaderVariable {
  readonly name: string;
  readonly dimids: readonly number[];
  readonly attrs: ReadonlyMap<string, Attr>;
  readonly type: NonNullable<ReturnType<typeof externalType>>;
  /** Byte offset of the first value. */
  readonly begin: number;
}

export interface Header {
  readonly version: Version;
  /** Undefined: STREAMING. */
  readonly records: number | undefined;
  /** Length 0 marks the record dimension. */
  readonly dimensions: readonly { readonly name: string; readonly length: number }[];
  readonly attrs: ReadonlyMap<string, Attr>;
  readonly variables: readonly HeaderVariable[];
}

const NC_DIMENSION = 0x0a;
const NC_VARIABLE = 0x0b;
const NC_ATTRIBUTE = 0x0c;
/** NC_MAX_VAR_DIMS is no limit of the format, but no array library goes beyond this. */
const MAX_RANK = 1024;

/** Parses the header in `bytes`, the beginning of a file of `fileSize` bytes. Throws NeedMore when it goes on. */
export function parseHeader(url: URL, bytes: Uint8Array, fileSize: number): Header {
  const version = versionOf(bytes);
  if (version === undefined) throw badSource(url, 0, "not a NetCDF classic file");
  const cursor = new Cursor(url, bytes, fileSize, version);
  const width = version === 5 ? 8 : 4;
  const records = cursor.recordCount();
  const dimensions = Array.from({ length: cursor.listLength(NC_DIMENSION, "dimensions", 2 * width) }, () => ({
    name: cursor.name(),
    length: cursor.nonNegative("a dimension's length"),
  }));
  if (dimensions.filter((d) => d.length === 0).length > 1) cursor.fail("more than one record dimension");
  const attrs = attributes(cursor);
  const count = cursor.listLength(NC_VARIABLE, "variables", 5 * width + 8);
  const variables = Array.from({ length: count }, () => variable(cursor, dimensions));
  return { version, records, dimensions, attrs, variables };
}

/** "CDF" and the version; undefined for any other file. */
export function versionOf(bytes: Uint8Array): Version | undefined {
  if (bytes.byteLength < 4 || bytes[0] !== 0x43 || bytes[1] !== 0x44 || bytes[2] !== 0x46) return undefined;
  const version = bytes[3];
  return version === 1 || version === 2 || version === 5 ? version : undefined;
}

function attributes(cursor: Cursor): Map<string, Attr> {
  const width = cursor.version === 5 ? 8 : 4;
  const count = cursor.listLength(NC_ATTRIBUTE, "attributes", 2 * width + 4);
  const attrs = new Map<string, Attr>();
  for (let i = 0; i < count; i++) {
    const name = cursor.name();
    const code = cursor.int32();
    const type = externalType(code, cursor.version) ?? cursor.fail(`unknown type ${code} of attribute ${name}`);
    const length = cursor.nonNegative("an attribute's length");
    cursor.bounded(length, type.size, "attribute values");
    attrs.set(name, attributeValue(code, type, cursor.padded(length * type.size)));
  }
  return attrs;
}

function variable(cursor: Cursor, dimensions: Header["dimensions"]): HeaderVariable {
  const name = cursor.name();
  const rank = cursor.nonNegative("the number of a variable's dimensions");
  if (rank > MAX_RANK) cursor.fail(`${name} has ${rank} dimensions`);
  const dimids = Array.from({ length: rank }, (_, i) => {
    const id = cursor.nonNegative("a dimension's number");
    const dimension = dimensions[id] ?? cursor.fail(`${name} has dimension ${id} of ${dimensions.length}`);
    if (dimension.length === 0 && i > 0) cursor.fail(`the record dimension of ${name} is not its first`);
    return id;
  });
  const attrs = attributes(cursor);
  const code = cursor.int32();
  const type = externalType(code, cursor.version) ?? cursor.fail(`unknown type ${code} of variable ${name}`);
  // vsize is redundant, wrong in some files, and cannot say more than 4 GiB: read and left alone (format spec, note).
  if (cursor.version === 5) cursor.padded(8);
  else cursor.int32();
  return { name, dimids, attrs, type, begin: cursor.offset() };
}
