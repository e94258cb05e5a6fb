import { existsSync, globSync, readdirSync, readFileSync, statSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { dataFolder } from "../formats/data.ts";
import type { Base } from "./target.ts";

const FIXTURES = fileURLToPath(new URL("../fixtures/", import.meta.url));
const DATA = dataFolder === undefined ? undefined : fileURLToPath(dataFolder);
/** Larger files are slow to damage where it matters. */
const LARGEST = 64 * 1024;

/** One base for each file that the patterns find, below the fixtures and below `../shared/data`. */
export function single(patterns: readonly string[]): Base[] {
  return [FIXTURES, DATA]
    .filter((root) => root !== undefined)
    .flatMap((root) => {
      return globSync(patterns as string[], { cwd: root })
        .sort()
        .filter((path) => statSync(root + path).size <= LARGEST)
        .map((path) => ({ name: path, input: new Map([[path.split("/").pop()!, bytesOf(root + path)]]) }));
    });
}

/** Whether a base is of this repository, and so known to be sound. */
export function isFixture({ name }: Base): boolean {
  return existsSync(FIXTURES + name);
}

/** One base of all files of a folder, `first` in front. */
export function folder(path: string, first: string): Base[] {
  const root = [FIXTURES, DATA].find((place) => place !== undefined && existsSync(`${place}${path}/${first}`));
  if (root === undefined) return [];
  const names = readdirSync(root + path, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => `${entry.parentPath.slice((root + path).length)}/${entry.name}`.slice(1))
    .filter((name) => name !== first && statSync(`${root}${path}/${name}`).size <= LARGEST)
    .sort();
  return [{ name: path, input: new Map([first, ...names].map((name) => [name, bytesOf(`${root}${path}/${name}`)])) }];
}

/** Bases that are written here. */
export function texts(...contents: readonly string[]): Base[] {
  return contents.map((text, i) => ({
    name: `text ${i}`,
    input: new Map([["text", new Uint8Array(Buffer.from(text))]]),
  }));
}

/** Other bases with files beside each. */
export function beside(bases: readonly Base[], others: readonly Base[]): Base[] {
  const files = others.flatMap(({ input }) => [...input]);
  return bases.map(({ name, input }) => ({
    name,
    input: new Map([...input, ...files.filter(([n]) => !input.has(n))]),
  }));
}

function bytesOf(path: string): Uint8Array {
  return new Uint8Array(readFileSync(path));
}
