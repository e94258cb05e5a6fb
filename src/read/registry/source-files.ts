import type { SourceFile } from "../../core/access.ts";
import type { CubePart } from "../../core/cube.ts";
import type { FileInfo } from "../../files/files.ts";
import type { Entry } from "./entry.ts";
import type { Names } from "./names.ts";

/** The files of a dataset that are datasets by themselves, in the order of the cube; `look`: what is known of a file. */
export function sourceFiles(
  entry: Entry,
  names: Pick<Names, "byKey">,
  look: (source: string) => FileInfo | undefined,
): readonly SourceFile[] {
  const entries =
    entry.cube === undefined ? [entry] : [...parts(entry.cube.parts)].flatMap((key) => names.byKey(key) ?? []);
  return entries
    .filter(({ source, cube, missing }) => cube === undefined && missing === undefined && !source.endsWith("/"))
    .map(({ id, source, identity }) => {
      // What was seen when the folder was gone through begins with the size.
      const size = look(source)?.size ?? Number(identity?.split(" ")[0] || Number.NaN);
      return { id, source, ...(Number.isSafeInteger(size) ? { size } : {}) };
    });
}

function* parts(of: readonly CubePart[]): Generator<string> {
  for (const part of of) {
    if (typeof part === "string") yield part;
    else yield* parts(part.parts);
  }
}
