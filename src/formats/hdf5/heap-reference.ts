import { badSource, GyreError } from "../../errors.ts";
import type { H5File } from "./file.ts";
import type { GlobalHeap } from "./global-heap.ts";
import type { Datatype } from "./messages/datatype.ts";
import { unsigned } from "./number.ts";

const MOST_LEVELS = 8;
/** References, and the memory of what they refer to, in one piece of work: many of them may lead to one object. */
const MOST_REFERENCES = 4_000_000;
const MOST_BYTES = 256 * 1024 * 1024;
/** What one element of a ragged array takes at least as a JavaScript value. */
const VALUE_BYTES = 8;

/** True when the elements' bytes refer to the global heap. */
export function refersToHeap(type: Datatype): boolean {
  switch (type.class) {
    case "vlen":
      return true;
    case "array":
      return refersToHeap(type.base);
    case "compound":
      return type.members.some((member) => refersToHeap(member.type));
    case "reference":
      // Region references; object references are addresses.
      return type.kind === 1;
    default:
      return false;
  }
}

/** Loads what `count` elements refer to, and what that refers to, so that `readElement` need not wait. */
export async function loadReferred(
  { file, heap }: { readonly file: H5File; readonly heap: GlobalHeap },
  type: Datatype,
  bytes: Uint8Array,
  count: number,
): Promise<void> {
  let level: { type: Datatype; bytes: Uint8Array; count: number }[] = refersToHeap(type)
    ? [{ type, bytes, count }]
    : [];
  let references = 0;
  let memory = 0;
  for (let depth = 0; level.length > 0; depth++) {
    if (depth === MOST_LEVELS) throw badSource(file.url, undefined, "ragged arrays are nested too deeply");
    const found: HeapReference[] = [];
    for (const part of level) {
      for (let i = 0; i < part.count; i++) {
        collect(file, part.type, part.bytes, i * part.type.size, found);
        if (references + found.length > MOST_REFERENCES) throw tooLarge(file);
      }
    }
    references += found.length;
    await heap.load(found.map(({ address }) => address));
    level = [];
    for (const { address, index, base, length } of found) {
      if (length === 0) continue;
      const object = heap.get(address, index);
      const count = Math.min(length, Math.floor(object.byteLength / (base?.size ?? 1)));
      memory += base === undefined ? count : count * Math.max(base.size, VALUE_BYTES);
      if (memory > MOST_BYTES) throw tooLarge(file);
      if (base !== undefined && refersToHeap(base)) level.push({ type: base, bytes: object, count });
    }
  }
}

function tooLarge({ url }: H5File): GyreError {
  return new GyreError("TooLarge", `${url}: variable-length values that refer to more than ${MOST_BYTES} bytes`);
}

export interface HeapReference {
  readonly address: number;
  readonly index: number;
  /** Elements, of type `base`, for ragged arrays; bytes of text. None where only the place matters. */
  readonly length: number;
  readonly base?: Datatype;
}

function collect(file: H5File, type: Datatype, bytes: Uint8Array, at: number, into: HeapReference[]): void {
  switch (type.class) {
    case "vlen": {
      const reference = heapReference(file, bytes, at);
      if (reference !== undefined) into.push(type.text ? reference : { ...reference, base: type.base });
      return;
    }
    case "reference": {
      const reference = type.kind === 1 ? heapReference(file, bytes, at - 4) : undefined;
      if (reference !== undefined) into.push({ ...reference, length: 0 });
      return;
    }
    case "array": {
      const count = type.size / type.base.size;
      for (let i = 0; i < count; i++) collect(file, type.base, bytes, at + i * type.base.size, into);
      return;
    }
    case "compound":
      for (const member of type.members) {
        if (refersToHeap(member.type)) collect(file, member.type, bytes, at + member.offset, into);
      }
  }
}

/** IV.B "Variable-Length": length, then a global heap ID; nothing where the address is zero or undefined. */
export function heapReference(file: H5File, bytes: Uint8Array, at: number): HeapReference | undefined {
  const { offsetSize } = file;
  const length = at < 0 ? 0 : unsigned(bytes, at, 4);
  const address = unsigned(bytes, at + 4, offsetSize);
  const undefinedAddress = 2 ** (8 * offsetSize) - 1;
  if (address === 0 || address >= Math.min(undefinedAddress, Number.MAX_SAFE_INTEGER)) return undefined;
  return { address, index: unsigned(bytes, at + 4 + offsetSize, 4), length };
}
