import { globPattern } from "../../core/glob.ts";
import { badSource } from "../../errors.ts";

/** Which of many names are wanted: patterns with a slash are of whole paths, others of the last part. */
export interface Choice {
  readonly patterns: readonly string[];
  readonly except: readonly string[];
  /** How many there must be. */
  readonly count?: number | undefined;
}

/** Those that are wanted, in order. Throws BadSource when they are none, or not as many as they must be. */
export function chosenOf<T>(from: readonly T[], nameOf: (one: T) => string, choice: Choice, source: URL): T[] {
  const [wanted, unwanted] = [matcher(choice.patterns), matcher(choice.except)];
  const found = from.filter((one) => wanted(nameOf(one)) && !unwanted(nameOf(one)));
  if (found.length === 0) throw badSource(source, undefined, `has nothing like ${choice.patterns.join(", ")}`);
  checkCount(found.length, choice.count, source);
  return found.sort((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1));
}

/** What is missing of a source is told of: a part of it is not it. */
export function checkCount(found: number, count: number | undefined, source: URL): void {
  if (count !== undefined && count !== found) {
    throw badSource(source, undefined, `has ${found} of the files that are wanted, not ${count}`);
  }
}

function matcher(patterns: readonly string[]): (name: string) => boolean {
  const globs = patterns.map((pattern) => ({ isPath: pattern.includes("/"), glob: globPattern(pattern) }));
  return (name) => globs.some(({ isPath, glob }) => glob.test(isPath ? name : lastPart(name)));
}

export function lastPart(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}

/** A name that is safe in the name of any file, without folders and extension. */
export function stemOf(path: string): string {
  const name = lastPart(path);
  const dot = name.lastIndexOf(".");
  return (dot > 0 ? name.slice(0, dot) : name).replace(/[^A-Za-z0-9._-]+/g, "_").replace(/^\.+/, "") || "file";
}

/** A name that is safe for a file, with its extension. */
export function fileNameOf(path: string): string {
  const name = lastPart(path);
  const extension = /\.[A-Za-z0-9]{1,10}$/.exec(name)?.[0] ?? "";
  return `${stemOf(name)}${extension}`.slice(-200);
}
