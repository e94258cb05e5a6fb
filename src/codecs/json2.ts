import { product } from "../core/array.ts";
import type { CodecEntry } from "./codec.ts";
import { corrupt, unsupported } from "./failure.ts";

/** numcodecs `json2`: a list of the elements, then the NumPy type and the shape. What is no text reads as its JSON. */
export const json2: CodecEntry = {
  name: "json2",
  aliases: ["numcodecs.json2"],
  kind: "array-bytes",
  summary: "objects as JSON, read as texts",
  encodes: true,
  create(configuration, { dtype }) {
    const encoding = configuration.encoding ?? "utf-8";
    if (encoding !== "utf-8") throw unsupported("json2", `texts in ${JSON.stringify(encoding)} are not read`);
    if (dtype !== "string") throw corrupt("json2", "only texts can be stored so");
    return {
      kind: "array-bytes",
      encode({ data, shape }) {
        return new TextEncoder().encode(JSON.stringify([...(data as string[]), "|O", shape]));
      },
      decode(bytes, shape) {
        const list: unknown = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
        const count = product(shape);
        if (!Array.isArray(list) || list.length !== count + 2) {
          throw corrupt("json2", `this is no list of ${count} elements, type and shape`);
        }
        return list.slice(0, count).map(asText);
      },
    };
  },
};

function asText(value: unknown): string {
  if (typeof value === "string") return value;
  return value === null ? "" : JSON.stringify(value);
}
