import type { Attr, Json, Scalar } from "../../core/array.ts";
import { isComplex } from "../../core/dtype.ts";
import type { StoredAttribute } from "./attributes.ts";
import { elementType, represent, type TypeNames } from "./dtype.ts";
import { readElement, toJson, type Value } from "./element.ts";
import type { H5File } from "./file.ts";
import { GlobalHeap } from "./global-heap.ts";
import { loadReferred } from "./heap-reference.ts";
import { complexParts } from "./translate.ts";

/** What values of attributes need of the file around them. */
export interface AttributeContext {
  readonly file: H5File;
  readonly typeNames: TypeNames;
  pathOf(address: number): string | undefined;
}

/**
 * The attribute's value. As in NetCDF there are no shapes: many elements are a list, one is itself. Compounds and
 * ragged arrays become JSON, references the paths that they lead to.
 */
export async function attributeValue(context: AttributeContext, attribute: StoredAttribute): Promise<Attr> {
  const { space, data } = attribute;
  const type = elementType(attribute.type);
  const { dtype } = represent(type, context.typeNames);
  if (space.kind === "null") return { dtype, value: type.class === "string" ? "" : [] };
  const values = await readValues(context, type, data);
  if (isComplex(dtype)) return { dtype, value: single(values.map(complexParts)) };
  if (type.class === "compound" || (type.class === "vlen" && !type.text)) {
    return { dtype: "json", value: single(values.map(toJson)) };
  }
  if (type.class === "reference") return { dtype: "string", value: single(values.map(pathText)) };
  if (dtype === "bool") return { dtype, value: single(values.map((value) => value !== 0)) };
  return { dtype, value: single(values as Scalar[]) };
}

/** All elements of the data, one after the other. */
export async function readValues(
  context: Omit<AttributeContext, "typeNames">,
  type: StoredAttribute["type"],
  data: Uint8Array,
): Promise<Value[]> {
  const element = { ...context, heap: new GlobalHeap(context.file) };
  const count = data.byteLength / type.size;
  await loadReferred(element, type, data, count);
  return Array.from({ length: count }, (_, i) => readElement(element, type, data, i * type.size));
}

function single<T extends Scalar | Json>(values: readonly T[]): Attr["value"] {
  return values.length === 1 ? values[0]! : (values as Attr["value"]);
}

/** References that lead nowhere are empty; those of newer kinds stay opaque. */
function pathText(value: Value): string {
  return typeof value === "string" ? value : "";
}
