import type { Json, Scalar } from "../../core/array.ts";
import { type DType, isComplex, isFloat, storageType } from "../../core/dtype.ts";

/** `fill_value` of Zarr v2 or v3 as a value of `dtype`; null where there is none. Undefined: it cannot be one. */
export function fillFromJson(dtype: DType, json: Json | undefined): Scalar | null | undefined {
  if (json === null || json === undefined) return null;
  if (dtype === "bool") return json === true || json === 1 ? true : json === false || json === 0 ? false : undefined;
  if (isComplex(dtype)) {
    const [re, im] = Array.isArray(json) ? json : [json, 0];
    const parts = [floatFromJson(re, "float64"), floatFromJson(im, "float64")] as const;
    return parts[0] === undefined || parts[1] === undefined ? undefined : [parts[0], parts[1]];
  }
  if (isFloat(dtype)) return floatFromJson(json, dtype);
  if (storageType(dtype) !== undefined) return integerFromJson(json);
  if (dtype === "string" || (typeof dtype === "object" && dtype.kind === "fixed-utf32")) {
    // Object arrays of v2 say 0 for "nothing".
    return typeof json === "string" ? json : json === 0 ? "" : undefined;
  }
  return bytesFromJson(json);
}

function integerFromJson(json: Json): number | bigint | undefined {
  if (json === "NaT") return -0x8000_0000_0000_0000n;
  if (typeof json === "number") return Number.isSafeInteger(json) ? json : undefined;
  if (typeof json === "boolean") return Number(json);
  return typeof json === "string" && /^-?\d{1,20}$/.test(json) ? BigInt(json) : undefined;
}

function floatFromJson(json: Json | undefined, dtype: DType): number | undefined {
  if (typeof json === "number") return json;
  switch (json) {
    case "NaN":
      return Number.NaN;
    case "Infinity":
      return Number.POSITIVE_INFINITY;
    case "-Infinity":
      return Number.NEGATIVE_INFINITY;
    default:
      return typeof json === "string" ? floatFromText(json, dtype) : undefined;
  }
}

/** v3: the bits of a particular NaN, `0x7fc00000`. Long integers come as their digits. */
function floatFromText(text: string, dtype: DType): number | undefined {
  if (/^-?\d+$/.test(text)) return Number(text);
  if (!/^0x[0-9a-fA-F]{1,16}$/.test(text)) return undefined;
  const view = new DataView(new ArrayBuffer(8));
  view.setBigUint64(0, BigInt(text));
  if (dtype === "float16") return view.getFloat16(6);
  return dtype === "float32" ? view.getFloat32(4) : view.getFloat64(0);
}

function bytesFromJson(json: Json): Uint8Array | undefined {
  if (typeof json === "string") return new Uint8Array(Buffer.from(json, "base64"));
  if (json === 0) return new Uint8Array(0);
  const isByte = (n: Json): n is number => Number.isInteger(n) && (n as number) >= 0 && (n as number) < 256;
  return Array.isArray(json) && json.every(isByte) ? Uint8Array.from(json) : undefined;
}
