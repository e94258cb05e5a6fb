import { chunkGrid, product } from "../../src/core/array.ts";
import { FORMATS } from "../../src/engine.ts";
import { isGyreError } from "../../src/errors.ts";
import { createFormatRegistry } from "../../src/formats/registry.ts";
import { createApp } from "../../src/http/app.ts";
import { PROTOCOLS } from "../../src/node.ts";
import { createInfo } from "../../src/protocols/info.ts";
import { createAccess } from "../../src/read/access.ts";
import { codecs, decoder, filesOf, mainOf } from "./exercise.ts";
import type { Base, Input, Target } from "./target.ts";

const PATHS = [
  "",
  "tree",
  "keys",
  "dict",
  "info",
  "groups",
  "kerchunk/.zmetadata",
  "zarr/.zmetadata",
  "zarr/zarr.json",
];
/** Whole sets of references are only asked of what has few chunks. */
const REFERENCES = ["kerchunk.json"];
const MOST_CHUNKS = 2000;
const MOST_BODY = 64 * 1024 * 1024;

/** Damaged sources behind every protocol: whatever they say of themselves, no answer is "internal error". */
export function served(bases: () => readonly Base[]): Target {
  let made: readonly Base[] | undefined;
  return { name: "served", kind: "binary", namesSource: true, bases: () => (made ??= bases()), run: serveAll };
}

async function serveAll(input: Input): Promise<void> {
  const files = filesOf(input);
  const source = mainOf(input);
  const dataset = await createFormatRegistry(FORMATS, files, codecs).open(source);
  const opened = { id: "d", dataset, source: source.href, tape: false };
  const holdings = {
    async *list() {
      yield "d";
    },
    open: async (id: string) => (id === "d" ? opened : undefined),
  };
  const faults: unknown[] = [];
  const fetch = createApp({
    access: createAccess(holdings, { files, decoder }, { cacheBytes: 0 }),
    protocols: [...PROTOCOLS, createInfo({ version: "0", plugins: new Map(), protocols: PROTOCOLS })],
    publicUrl: new URL("https://data.example/"),
    onError: (error) => faults.push(error),
  });
  const few = [...dataset.variables.values()].every(({ spec }) => product(chunkGrid(spec)) < MOST_CHUNKS);
  for (const path of few ? [...PATHS, ...REFERENCES] : PATHS) {
    const response = await fetch(new Request(`https://data.example/datasets/d/${path}`));
    const reader = response.body?.getReader();
    try {
      for (let size = 0; size < MOST_BODY; ) {
        const part = await reader?.read();
        if (part?.value === undefined) break;
        size += part.value.byteLength;
      }
    } catch (error) {
      if (!isGyreError(error)) throw error;
    } finally {
      await reader?.cancel().catch(() => undefined);
    }
    if (response.status === 500) throw faults.at(-1) ?? new Error(`500 for ${path}`);
  }
}
