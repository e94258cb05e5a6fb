import type { Operand } from "./expression.ts";
import { boxFault, boxGeometry } from "./geometry.ts";
import { parseLiteral } from "./instant.ts";
import { isName, refusedJson } from "./limits.ts";

/** Reads the text of `date` or `timestamp`. */
export function parseInstant(value: unknown, pointer: string, isDate?: boolean): Operand {
  const literal = typeof value === "string" ? parseLiteral(value) : undefined;
  if (literal !== undefined && (isDate === undefined || literal.isDate === isDate))
    return { kind: "instant", ...literal };
  const allowed = [...(isDate === false ? [] : ["2020-01-31"]), ...(isDate === true ? [] : ["2020-01-31T12:00:00Z"])];
  throw refusedJson(pointer, `must be like ${allowed.join(" or ")}`, allowed);
}

/** Reads the two ends of `interval`: dates, timestamps, `..`, or properties. */
export function parseInterval(value: unknown, pointer: string): Operand {
  if (!Array.isArray(value) || value.length !== 2) throw refusedJson(pointer, "must be an array of start and end");
  const [start, end] = value.map((bound: unknown, i) => parseBound(bound, `${pointer}/${i}`));
  const isBackwards =
    typeof start === "object" && typeof end === "object" && start.kind === "instant" && end.kind === "instant";
  if (isBackwards && start.at > end.at) throw refusedJson(pointer, "ends before it starts");
  return { kind: "interval", start: start!, end: end! };
}

function parseBound(value: unknown, pointer: string): Operand | ".." {
  if (value === "..") return "..";
  if (typeof value !== "object" || value === null) return parseInstant(value, pointer);
  const { property, date, timestamp } = value as Readonly<Record<string, unknown>>;
  if (typeof property === "string" && isName(property)) return { kind: "property", name: property };
  if (date !== undefined) return parseInstant(date, `${pointer}/date`, true);
  return parseInstant(timestamp, pointer, false);
}

/** Reads the numbers of `bbox`. */
export function parseBox(value: unknown, pointer: string): Operand {
  const fault = Array.isArray(value) ? boxFault(value) : "must be an array";
  if (fault !== undefined) throw refusedJson(pointer, fault, ["[west, south, east, north]"]);
  const bbox = value as readonly number[];
  return { kind: "geometry", geometry: boxGeometry(bbox), bbox: [...bbox] };
}
