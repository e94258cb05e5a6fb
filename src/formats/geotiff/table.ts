import type { IoCall } from "../../core/array.ts";
import { FIELD_BYTES, FieldType } from "../../core/tiff/tags.ts";
import { badSource } from "../../errors.ts";
import { decodeNumbers, type Field, readBytes } from "./directory.ts";
import type { Source } from "./source.ts";

/** Tables up to this size are kept; larger ones are read around the entry that is asked for. */
const KEPT_BYTES = 16 * 1024;

/** Whole numbers that cannot be negative: all that offsets and byte counts may be written in. */
const COUNTING: ReadonlySet<number> = new Set([
  FieldType.SHORT,
  FieldType.LONG,
  FieldType.IFD,
  FieldType.LONG8,
  FieldType.IFD8,
]);

/** One entry of an offset or byte-count table by its index. */
export type Table = (index: number, call?: IoCall) => Promise<number>;

/** The table of a field of at least `count` entries. A million tiles cost no more to open than one. */
export async function openTable(source: Source, field: Field, count: number, call?: IoCall): Promise<Table> {
  const width = FIELD_BYTES[field.type]!;
  const end = field.offset + field.count * width;
  if (!COUNTING.has(field.type)) throw badSource(source.url, field.offset, `a table of values of type ${field.type}`);
  if (field.count < count) {
    throw badSource(source.url, field.offset, `a table of ${field.count} entries for ${count} strips or tiles`);
  }
  if (end > source.info.size) throw badSource(source.url, field.offset, "a table of offsets ends behind the file");
  if (count * width <= KEPT_BYTES) {
    const numbers = decodeNumbers(source, field.type, await readBytes(source, { ...field, count }, call));
    return async (index) => numbers[index]!;
  }
  return async (index, later) => {
    const at = field.offset + index * width;
    const bytes = await source.read(at, width, "an entry of a table of offsets", later);
    return decodeNumbers(source, field.type, bytes)[0]!;
  };
}
