import type { DType, Field, IntegerType, NumericType } from "../../core/dtype.ts";
import { itemSize } from "../../core/dtype.ts";
import type { Datatype } from "./messages/datatype.ts";

/** How elements of a datatype appear in the array model. */
export interface Representation {
  readonly dtype: DType;
  /** Dimensions of an array datatype: they become the array's last ones. */
  readonly dims: readonly number[];
  /**
   * Byte order in which the stored bytes are exactly what the `bytes` codec reads; `any` where there is none to speak
   * of. Undefined: elements must be translated (values that lie elsewhere, unusual numbers, mixed orders).
   */
  readonly order: Order | undefined;
}

type Order = "little" | "big" | "any";

/**
 * Names of a file's committed datatypes by what they are, as `typeKey` tells. NetCDF too knows a variable's type by
 * being equal to a named one, not by reference.
 */
export type TypeNames = ReadonlyMap<string, string>;

/** The same for equal datatypes. */
export function typeKey(type: Datatype): string {
  return JSON.stringify(type, (_, value) => (value instanceof Uint8Array ? Array.from(value) : value));
}

const NO_NAMES: TypeNames = new Map();

/** Text that stands for elements which the model has no type for: JSON, one document per element. */
const JSON_TEXT: Representation = { dtype: "string", dims: [], order: undefined };

export function represent(type: Datatype, names: TypeNames = NO_NAMES): Representation {
  const name = names.size === 0 ? undefined : names.get(typeKey(type));
  switch (type.class) {
    case "integer":
      return representInteger(type);
    case "float":
      return representFloat(type);
    case "string":
      return { dtype: { kind: "fixed-bytes", length: type.size }, dims: [], order: "any" };
    case "opaque":
      return raw(type.size, type.tag);
    case "reference":
      return raw(type.size);
    case "complex": {
      const base = represent(type.base);
      // Halves of 16 bits have no complex type of their own.
      const order = base.dtype === "float16" ? undefined : base.order;
      return { dtype: base.dtype === "float64" ? "complex128" : "complex64", dims: [], order };
    }
    case "enum":
      return representEnum(type, name);
    case "array": {
      const base = represent(type.base, names);
      return { ...base, dims: [...type.dims, ...base.dims] };
    }
    case "vlen":
      return representVlen(type, names, name);
    case "compound":
      return representCompound(type, names, name);
  }
}

/** Array datatypes are dimensions: this is what their elements are. */
export function elementType(type: Datatype): Datatype {
  return type.class === "array" ? elementType(type.base) : type;
}

function raw(length: number, tag?: string): Representation {
  return { dtype: { kind: "raw", length, ...(tag ? { tag } : {}) }, dims: [], order: "any" };
}

function representInteger(type: Extract<Datatype, { class: "integer" }>): Representation {
  const { size, signed, precision } = type;
  const width = [1, 2, 4, 8].find((n) => n >= size);
  if (width === undefined) return raw(size);
  const dtype = `${signed ? "" : "u"}int${width * 8}` as IntegerType;
  const plain = width === size && precision === size * 8;
  return { dtype, dims: [], order: plain ? orderOf(size, type.bigEndian) : undefined };
}

/** IEEE 754 by its fields: exponent bits, mantissa bits, bias. Others are widened to the next type that holds them. */
function representFloat(type: Extract<Datatype, { class: "float" }>): Representation {
  const { size, exponentBits, mantissaBits, bias } = type;
  const ieee = IEEE.find((known) => known.size === size);
  const plain =
    ieee !== undefined &&
    type.order !== "vax" &&
    exponentBits === ieee.exponentBits &&
    mantissaBits === ieee.mantissaBits &&
    bias === ieee.bias &&
    type.precision === size * 8 &&
    type.bitOffset === 0 &&
    type.mantissaAt === 0 &&
    type.signAt === size * 8 - 1 &&
    type.normalization === 2;
  if (plain) return { dtype: ieee.dtype, dims: [], order: orderOf(size, type.order === "big") };
  const dtype = exponentBits <= 8 && mantissaBits <= 23 ? "float32" : "float64";
  return { dtype, dims: [], order: undefined };
}

const IEEE = [
  { size: 2, exponentBits: 5, mantissaBits: 10, bias: 15, dtype: "float16" },
  { size: 4, exponentBits: 8, mantissaBits: 23, bias: 127, dtype: "float32" },
  { size: 8, exponentBits: 11, mantissaBits: 52, bias: 1023, dtype: "float64" },
] as const;

function orderOf(size: number, bigEndian: boolean): Order {
  return size === 1 ? "any" : bigEndian ? "big" : "little";
}

function representEnum(type: Extract<Datatype, { class: "enum" }>, name: string | undefined): Representation {
  const base = represent(type.base);
  if (typeof base.dtype !== "string" || base.dtype === "string") return base;
  const members = enumMembers(type);
  // What h5py writes for NumPy's bool.
  const isBool = name === undefined && type.size === 1 && members.size === 2 && members.get("FALSE") === 0;
  if (isBool && members.get("TRUE") === 1) return { ...base, dtype: "bool" };
  const dtype: DType = {
    kind: "enum",
    base: base.dtype as IntegerType,
    members,
    ...(name === undefined ? {} : { name }),
  };
  return { ...base, dtype };
}

function enumMembers({
  names,
  values,
  size,
  base,
}: Extract<Datatype, { class: "enum" }>): Map<string, number | bigint> {
  const members = new Map<string, number | bigint>();
  const { bigEndian, signed } = base as Extract<Datatype, { class: "integer" }>;
  names.forEach((name, i) => {
    const bytes = values.slice(i * size, (i + 1) * size);
    if (!bigEndian) bytes.reverse();
    let value = 0n;
    for (const byte of bytes) value = (value << 8n) | BigInt(byte);
    if (signed) value = BigInt.asIntN(size * 8, value);
    members.set(name, size > 4 ? value : Number(value));
  });
  return members;
}

function representVlen(
  type: Extract<Datatype, { class: "vlen" }>,
  names: TypeNames,
  name: string | undefined,
): Representation {
  if (type.text) return { dtype: "string", dims: [], order: undefined };
  const base = represent(type.base, names);
  if (base.dims.length > 0 || typeof base.dtype !== "string" || itemSize(base.dtype) === undefined) return JSON_TEXT;
  return {
    dtype: { kind: "vlen", base: base.dtype, ...(name === undefined ? {} : { name }) },
    dims: [],
    order: undefined,
  };
}

function representCompound(
  type: Extract<Datatype, { class: "compound" }>,
  names: TypeNames,
  name: string | undefined,
): Representation {
  const members = type.members.map((member) => ({ ...member, represented: represent(member.type, names) }));
  if (members.some(({ represented }) => itemSize(represented.dtype) === undefined)) return JSON_TEXT;
  const complex = name === undefined ? complexOf(type) : undefined;
  if (complex !== undefined) return { dtype: complex, dims: [], order: members[0]!.represented.order };
  const orders = new Set(members.map(({ represented }) => represented.order));
  orders.delete("any");
  const [order = "any"] = orders;
  const asStored = orders.size <= 1 && order !== undefined && !orders.has(undefined);
  let end = 0;
  const fields = members.map(({ name: field, offset, represented: { dtype, dims } }): Field => {
    // Translated elements are laid out anew, without gaps: their members may have other sizes.
    const at = asStored ? offset : end;
    end = at + dims.reduce((n, d) => n * d, itemSize(dtype)!);
    return { name: field, dtype, offset: at, shape: dims };
  });
  const dtype: DType = {
    kind: "struct",
    fields,
    size: asStored ? type.size : end,
    ...(name === undefined ? {} : { name }),
  };
  return { dtype, dims: [], order: asStored ? order : undefined };
}

/** What h5py and PyTables write for complex numbers: a compound of `r` and `i`. */
function complexOf({ members, size }: Extract<Datatype, { class: "compound" }>): NumericType | undefined {
  const [re, im] = members;
  if (members.length !== 2 || re?.name !== "r" || im?.name !== "i" || re.offset !== 0) return undefined;
  const [a, b] = [represent(re.type), represent(im.type)];
  const paired = a.dims.length === 0 && a.dtype === b.dtype && a.order !== undefined && a.order === b.order;
  if (!paired || im.offset * 2 !== size) return undefined;
  if (a.dtype === "float32" && size === 8) return "complex64";
  return a.dtype === "float64" && size === 16 ? "complex128" : undefined;
}
