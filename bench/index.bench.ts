import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { fileURLToPath } from "node:url";
import { peer } from "../scripts/peers.ts";
import type { Dataset } from "../src/core/array.ts";
import { createEngine } from "../src/engine.ts";
import { tableOf } from "../src/read/index/table.ts";
import { kerchunkJson } from "../src/write/kerchunk.ts";
import { type Bench, needed, type Row } from "./bench.ts";
import { benchData } from "./data.ts";
import { type Python, startPython } from "./python.ts";

const FLOOR = 10;
const GOAL = 30;
const FILES = [
  ["usual.nc", "483 chunks", 31],
  ["many.nc", "62,503 chunks", 9],
] as const;
/** Before anything is measured: a scan opens thousands of files, most of them with machine code that is made. */
const WARM_UP = 100;

type Place = readonly [key: string, offset: number, length: number];

interface Timed<T> {
  readonly result: T;
  readonly milliseconds: number;
}

/** Opens a file as `gyre index` does, and as for the first time: no handle, no format and no page of it is kept. */
async function opened<T>(url: URL, work: (dataset: Dataset) => Promise<T>): Promise<Timed<T>> {
  const engine = createEngine({ allow: [new URL("./", url)], isAlone: true });
  try {
    const start = performance.now();
    const result = await work(await engine.formats.open(url));
    return { result, milliseconds: performance.now() - start };
  } finally {
    await engine.close();
  }
}

async function references(dataset: Dataset): Promise<Uint8Array[]> {
  return Array.fromAsync(kerchunkJson(dataset, { href: fileURLToPath }));
}

async function tables(dataset: Dataset): Promise<number> {
  const found = await Promise.all(Array.from(dataset.variables.values(), (variable) => tableOf(variable)));
  return found.reduce((chunks, table) => chunks + (table?.offsets.length ?? 0), 0);
}

/** As `readers.py` makes it. */
function digest(places: readonly Place[]): { count: number; sha256: string } {
  const lines = places.map((place) => place.join(" ")).sort();
  return { count: lines.length, sha256: createHash("sha256").update(lines.join("\n")).digest("hex") };
}

async function placesOf(url: URL): Promise<Place[]> {
  const text = Buffer.concat((await opened(url, references)).result).toString();
  const { refs } = JSON.parse(text) as { refs: Record<string, string | [string, number, number]> };
  return Object.entries(refs).flatMap(([key, ref]): Place[] => (Array.isArray(ref) ? [[key, ref[1], ref[2]]] : []));
}

function rows(url: URL, what: string, rounds: number, python: Python): Row[] {
  const path = fileURLToPath(url);
  const row = (form: string, name: string, argument: string, work: (dataset: Dataset) => Promise<unknown>): Row => ({
    name: `${form}, ${what}`,
    unit: "ms",
    kind: "time",
    rounds,
    ours: async () => (await opened(url, work)).milliseconds,
    peer: {
      name,
      floor: FLOOR,
      goal: GOAL,
      measure: async () => (await python.call(argument, path)).seconds * 1000,
      async same() {
        const { result } = await python.call(`${argument}:digest`, path);
        assert.deepEqual(result, digest(await placesOf(url)), `${name} finds other chunks in ${path}`);
      },
    },
  });
  return [
    row("references in JSON", "kerchunk", "kerchunk", references),
    row("tables", "VirtualiZarr", "virtualizarr", tables),
  ];
}

export const bench: Bench = {
  summary: "from the address of a NetCDF-4 file to the places of all its chunks",
  async prepare(log) {
    const folder = benchData("indexed", log);
    for (let i = 0; i < WARM_UP; i++) {
      for (const work of [references, tables]) await opened<unknown>(new URL(FILES[0][0], folder), work);
    }
    const python = startPython(needed(peer("readers")));
    return {
      rows: FILES.flatMap(([name, what, rounds]) => rows(new URL(name, folder), what, rounds, python)),
      close: () => python.close(),
    };
  },
};
