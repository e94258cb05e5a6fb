import { badSource } from "../../errors.ts";

/**
 * JSON that keeps what the array model has and JSON has not: 64-bit integers, NaN and infinities, negative zero, bytes
 * and Maps. A value of those becomes an object with the one key `$`; plain objects that have such a key are spelled out
 * as entries, so nothing read from a file is taken for ours.
 */
export function toPortable(value: unknown): unknown {
  switch (typeof value) {
    case "bigint":
      return { $: ["int", value.toString()] };
    case "number":
      return Number.isFinite(value) && !Object.is(value, -0) ? value : { $: ["num", spell(value)] };
    case "object":
      break;
    default:
      return value;
  }
  if (value === null) return null;
  if (Array.isArray(value)) return value.map(toPortable);
  if (value instanceof Uint8Array) return { $: ["bytes", Buffer.from(value).toString("base64")] };
  if (value instanceof URL) return { $: ["url", value.href] };
  if (value instanceof Map) return { $: ["map", [...value].map(([k, v]) => [k, toPortable(v)])] };
  const entries = Object.entries(value).filter(([, v]) => v !== undefined);
  if (entries.some(([key]) => key === "$" || key === "__proto__")) {
    return { $: ["object", entries.map(([k, v]) => [k, toPortable(v)])] };
  }
  return Object.fromEntries(entries.map(([k, v]) => [k, toPortable(v)]));
}

/** The value that `toPortable` was given; the caller knows what it is. */
export function fromPortable(json: unknown): unknown {
  if (typeof json !== "object" || json === null) return json;
  if (Array.isArray(json)) return json.map(fromPortable);
  if (!("$" in json)) return Object.fromEntries(Object.entries(json).map(([k, v]) => [k, fromPortable(v)]));
  const [kind, body] = json.$ as [string, unknown];
  switch (kind) {
    case "int":
      return BigInt(body as string);
    case "num":
      return body === "-0" ? -0 : Number(body);
    case "bytes":
      return new Uint8Array(Buffer.from(body as string, "base64"));
    case "url":
      return new URL(body as string);
    case "map":
      return new Map((body as [string, unknown][]).map(([k, v]) => [k, fromPortable(v)]));
    case "object":
      return Object.fromEntries((body as [string, unknown][]).map(([k, v]) => [k, fromPortable(v)]));
    default:
      throw badSource("index", undefined, `unknown kind of value "${kind}"`);
  }
}

function spell(value: number): string {
  return Object.is(value, -0) ? "-0" : String(value);
}
