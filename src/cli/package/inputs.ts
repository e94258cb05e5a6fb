import { readFile, stat } from "node:fs/promises";
import { basename } from "node:path";
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

/** The polygon of a file: WKT, or a vector file that the node reads. */
export async function polygonOf(path: string): Promise<string | File> {
  if (/\.(wkt|txt)$/i.test(path)) return (await textOf(path)).trim();
  await checkSize(path);
  return new File([await readFile(path)], basename(path));
}

async function textOf(path: string): Promise<string> {
  await checkSize(path);
  return readFile(path, "utf8");
}

async function checkSize(path: string): Promise<void> {
  const { size } = await stat(path);
  if (size > MOST_BYTES) throw new GyreError("TooLarge", `${path} has ${size} bytes`, { source: path });
}
