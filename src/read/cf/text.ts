import type { Attrs, Block } from "../../core/array.ts";
import { textAttr } from "../../core/attrs.ts";
import type { DType } from "../../core/dtype.ts";

type TextType = Extract<DType, { kind: "fixed-bytes" | "fixed-utf32" }>;

/** Fixed-length text: arrays of NetCDF characters, NumPy `S` and `U`. */
export function isText(dtype: DType): dtype is TextType {
  return typeof dtype === "object" && (dtype.kind === "fixed-bytes" || dtype.kind === "fixed-utf32");
}

/** Single characters: the last dimension is the length of a string (CF 2.2). */
export function joinsCharacters(dtype: TextType): boolean {
  return dtype.kind === "fixed-bytes" && dtype.length === 1;
}

/** Encodings that `_Encoding` names and that need no table of their own; anything else is read as UTF-8. */
const LATIN = new Set(["iso-8859-1", "iso8859-1", "latin1", "latin-1", "windows-1252", "cp1252"]);

/** Strings without their padding: NUL, which ends a C string and pads a fixed one. */
export function decodeText(block: Block, attrs: Attrs): Block {
  const dtype = block.dtype as TextType;
  const bytes = block.data as Uint8Array;
  const joins = joinsCharacters(dtype) && block.shape.length > 0;
  const shape = joins ? block.shape.slice(0, -1) : block.shape;
  const width = joins ? block.shape.at(-1)! : dtype.kind === "fixed-utf32" ? dtype.length * 4 : dtype.length;
  const count = shape.reduce((product, n) => product * n, 1);
  const read = dtype.kind === "fixed-utf32" ? utf32 : bytesReader(attrs);
  const data = new Array<string>(count);
  for (let i = 0; i < count; i++) data[i] = read(bytes.subarray(i * width, (i + 1) * width));
  return { dtype: "string", shape, data };
}

function bytesReader(attrs: Attrs): (bytes: Uint8Array) => string {
  const encoding = textAttr(attrs, "_Encoding")?.toLowerCase() ?? "utf-8";
  const decoder = new TextDecoder(LATIN.has(encoding) ? "windows-1252" : "utf-8");
  return (bytes) => {
    let end = bytes.length;
    while (end > 0 && bytes[end - 1] === 0) end--;
    return decoder.decode(bytes.subarray(0, end));
  };
}

function utf32(bytes: Uint8Array): string {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let text = "";
  for (let at = 0; at < bytes.length; at += 4) {
    const code = view.getUint32(at, true);
    if (code === 0) break;
    text += code <= 0x10ffff ? String.fromCodePoint(code) : "\ufffd";
  }
  return text;
}
