import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path/posix";
import { test } from "node:test";

/** Folders that a folder of `src` may import from, besides itself and `errors`. */
const ALLOWED: Readonly<Record<string, readonly string[]>> = {
  core: [],
  files: ["core"],
  db: ["core"],
  codecs: ["core"],
  render: ["core"],
  log: ["core", "db"],
  formats: ["core", "codecs", "files"],
  write: ["core", "codecs", "files"],
  vector: ["core", "files"],
  catalog: ["core", "db", "log"],
  read: ["core", "files", "codecs", "formats"],
  flows: ["core", "files", "db", "codecs", "render", "log", "formats", "write", "vector", "catalog", "read", "config"],
  client: [],
  config: ["core"],
  protocols: ["core", "render", "write"],
  http: ["core", "protocols", "log", "catalog", "flows"],
  cli: [
    "core",
    "files",
    "db",
    "codecs",
    "render",
    "log",
    "formats",
    "write",
    "vector",
    "catalog",
    "read",
    "flows",
    "client",
    ".",
  ],
};
/** The wiring sees everything: some files of `src` itself, and the part of it that publishes. */
const EVERYTHING = [...Object.keys(ALLOWED), "publication", "processing", "."];
const TOP: Readonly<Record<string, readonly string[]>> = {
  "errors.ts": [],
  "version.ts": [],
  "config.ts": ["core", "config"],
  "places.ts": ["core", "read", "."],
  "node.ts": EVERYTHING,
  "halves.ts": EVERYTHING,
  "engine.ts": EVERYTHING,
  "index.ts": EVERYTHING,
};
/** Formats know the type `Files` and what works over any of them, never an implementation. */
const FILES_FOR_FORMATS = new Set(
  ["files", "keys", "zip", "read-with-info", "with-pinning"].map((name) => `src/files/${name}.ts`),
);

/** Protocols that know the catalogue; the rest knows `Access` alone. */
const CATALOG_PROTOCOLS = new Set(["stac", "opensearch"]);

/** The one pair of siblings: a reference set is a Zarr hierarchy whose chunks lie in other files. */
const SIBLINGS = new Set(["formats/kerchunk -> formats/zarr"]);

function importsOf(file: string): string[] {
  const source = readFileSync(file, "utf8");
  const found = source.matchAll(
    /^\s*(?:import|export)[^"'`;]*?from\s+"([^"]+)"|import\(\s*"([^"]+)"\s*\)|^import\s+"([^"]+)"/gm,
  );
  return [...found].map((match) => (match[1] ?? match[2] ?? match[3]) as string);
}

function folderOf(file: string): string {
  const parts = file.split("/");
  return parts.length === 2 ? "." : (parts[1] as string);
}

test("imports point down the layers only", () => {
  const wrong: string[] = [];
  for (const file of globSync("src/**/*.ts").sort()) {
    const folder = folderOf(file);
    const allowed =
      folder === "."
        ? TOP[file.slice("src/".length)]
        : ["publication", "processing"].includes(folder)
          ? EVERYTHING
          : ALLOWED[folder];
    assert.ok(allowed, `${file} lies in no layer: name it in test/layers.test.ts`);
    for (const specifier of importsOf(file)) {
      if (!specifier.startsWith(".")) continue;
      const target = normalize(join(dirname(file), specifier));
      const to = folderOf(target);
      const isError = target === "src/errors.ts" || target === "src/version.ts";
      const ok =
        isError ||
        to === folder ||
        (folder === "protocols" && to === "catalog" && CATALOG_PROTOCOLS.has(file.split("/")[2] as string)) ||
        (allowed.includes(to) && (folder !== "formats" || to !== "files" || FILES_FOR_FORMATS.has(target)));
      if (!ok) wrong.push(`${file} imports ${target}`);
    }
  }
  assert.deepEqual(wrong, []);
});

test("formats and protocols do not know their siblings", () => {
  const wrong: string[] = [];
  for (const layer of ["formats", "protocols"]) {
    const folders = globSync(`src/${layer}/*/`).map((path) => path.split("/")[2] as string);
    for (const file of globSync(`src/${layer}/*/**/*.ts`)) {
      const own = file.split("/")[2] as string;
      for (const specifier of importsOf(file).filter((s) => s.startsWith("."))) {
        const target = normalize(join(dirname(file), specifier));
        const other = target.split("/")[2] as string;
        const isNamed = SIBLINGS.has(`${layer}/${own} -> ${layer}/${other}`);
        if (target.startsWith(`src/${layer}/`) && other !== own && folders.includes(other) && !isNamed)
          wrong.push(`${file} imports ${target}`);
      }
    }
  }
  assert.deepEqual(wrong, []);
});

test("process.env is read in bin only", () => {
  const readers = globSync("src/**/*.ts").filter((file) => /process\.env\b/.test(readFileSync(file, "utf8")));
  assert.deepEqual(readers, []);
});
