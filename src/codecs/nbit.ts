import { BitStream } from "./bit-stream.ts";
import type { CodecEntry } from "./codec.ts";
import { integersOption } from "./configuration.ts";
import { corrupt, tooLong } from "./failure.ts";

const ATOMIC = 1;
const ARRAY = 2;
const COMPOUND = 3;
const PLAIN = 4;
const MAX_DEPTH = 32;

/**
 * HDF5 filter 5 (H5Znbit.c): only the significant bits of each number, without gaps. `values` are the filter's client
 * data, a tree of types. Bits that were not stored are zero; a number's sign is its datatype's business.
 */
export const nbit: CodecEntry = {
  name: "nbit",
  aliases: ["hdf5:5"],
  kind: "bytes-bytes",
  summary: "HDF5 n-bit",
  encodes: false,
  create(configuration) {
    const values = integersOption("nbit", configuration, "values", 4096);
    const [, isPlain, count] = values;
    if (values.length < 5 || count === undefined) throw corrupt("nbit", `${values.length} client values`);
    const { type } = parse(values, 3, 0);
    return {
      kind: "bytes-bytes",
      decode(bytes, { maxBytes }) {
        if (isPlain === 1) return bytes;
        if (count * type.size > maxBytes) throw tooLong("nbit", maxBytes);
        const out = new Uint8Array(count * type.size);
        const stream = new BitStream("nbit", bytes);
        for (let i = 0; i < count; i++) unpack(stream, type, out, i * type.size);
        return out;
      },
    };
  },
};

type Type =
  | { readonly kind: "atomic"; size: number; bigEndian: boolean; precision: number; offset: number }
  | { readonly kind: "array"; size: number; base: Type }
  | { readonly kind: "compound"; size: number; members: readonly { readonly offset: number; readonly type: Type }[] }
  | { readonly kind: "plain"; size: number };

/** The type at `at`, and where the next one begins. Everything a decoder relies on is checked here. */
function parse(values: readonly number[], at: number, depth: number): { readonly type: Type; readonly next: number } {
  const [kind, size = 0] = values.slice(at, at + 2);
  if (depth > MAX_DEPTH || size < 1 || size > 1 << 24) throw corrupt("nbit", `a type of ${size} bytes at ${at}`);
  if (kind === PLAIN) return { type: { kind: "plain", size }, next: at + 2 };
  if (kind === ATOMIC) {
    const [order, precision = 0, offset = -1] = values.slice(at + 2, at + 5);
    if (precision < 1 || precision > 64 || offset < 0 || precision + offset > size * 8) {
      throw corrupt("nbit", `${precision} bits at ${offset} of ${size} bytes`);
    }
    return { type: { kind: "atomic", size, bigEndian: order === 1, precision, offset }, next: at + 5 };
  }
  if (kind === ARRAY) {
    const { type: base, next } = parse(values, at + 2, depth + 1);
    if (size % base.size !== 0) throw corrupt("nbit", `an array of ${size} bytes with elements of ${base.size}`);
    return { type: { kind: "array", size, base }, next };
  }
  if (kind !== COMPOUND) throw corrupt("nbit", `there is no type class ${kind}`);
  const members: { readonly offset: number; readonly type: Type }[] = [];
  let next = at + 3;
  for (let i = values[at + 2] ?? 0; i > 0; i--) {
    const offset = values[next] ?? size;
    const member = parse(values, next + 1, depth + 1);
    if (offset + member.type.size > size) throw corrupt("nbit", "a member reaches beyond its structure");
    members.push({ offset, type: member.type });
    next = member.next;
  }
  return { type: { kind: "compound", size, members }, next };
}

function unpack(stream: BitStream, type: Type, out: Uint8Array, at: number): void {
  switch (type.kind) {
    case "atomic":
      unpackNumber(stream, type, out, at);
      return;
    case "array":
      for (let i = 0; i < type.size; i += type.base.size) unpack(stream, type.base, out, at + i);
      return;
    case "compound":
      for (const member of type.members) unpack(stream, member.type, out, at + member.offset);
      return;
    case "plain":
      for (let i = 0; i < type.size; i++) out[at + i] = stream.read(8);
  }
}

function unpackNumber(
  stream: BitStream,
  { size, bigEndian, precision, offset }: Extract<Type, { kind: "atomic" }>,
  out: Uint8Array,
  at: number,
): void {
  let rest: number | bigint = precision <= 32 ? stream.read(precision) : stream.readBig(precision);
  if (typeof rest === "number" && precision + offset <= 48) {
    rest *= 2 ** offset;
    for (let i = 0; i < size && rest > 0; i++, rest = Math.floor(rest / 256)) {
      out[bigEndian ? at + size - 1 - i : at + i] = rest % 256;
    }
    return;
  }
  let bits = BigInt(rest) << BigInt(offset);
  for (let i = 0; i < size && bits > 0n; i++, bits >>= 8n) {
    out[bigEndian ? at + size - 1 - i : at + i] = Number(bits & 255n);
  }
}
