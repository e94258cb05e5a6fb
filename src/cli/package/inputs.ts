import { readFile, stat } from "node:fs/promises";
import type { MultiPolygon, Polygon } from "../../client/index.ts";
import { GyreError } from "../../errors.ts";

/** Boundaries of countries at 1:10 million have up to 3 MB. */
const MOST_BYTES = 16 * 1024 * 1024;

/** `all`, or names of a file, a line each; `#` begins a remark. */
export async function boundariesOf(text: string): Promise<"all" | readonly string[]> {
  if (text === "all") return text;
  const lines = (await textOf(text)).split("\n").map((line) => line.replace(/#.*/, "").trim());
  const names = lines.filter((line) => line !== "");
  if (names.length === 0) throw new GyreError("BadRequest", `${text} names no boundary`, { source: text });
  return names;
}

/** The polygon of a file: GeoJSON, or else WKT, which the node reads. */
export async function polygonOf(path: string): Promise<Polygon | MultiPolygon | string> {
  const text = (await textOf(path)).trim();
  if (!text.startsWith("{")) return text;
  try {
    return JSON.parse(text) as Polygon | MultiPolygon;
  } catch (cause) {
    throw new GyreError("BadRequest", `${path} is no GeoJSON: ${(cause as Error).message}`, { source: path, cause });
  }
}

async function textOf(path: string): Promise<string> {
  const { size } = await stat(path);
  if (size > MOST_BYTES) throw new GyreError("TooLarge", `${path} has ${size} bytes`, { source: path });
  return readFile(path, "utf8");
}
