import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { fileURLToPath } from "node:url";
import { peer } from "../scripts/peers.ts";
import type { Block } from "../src/core/array.ts";
import { asBytes, type TypedArray } from "../src/core/dtype.ts";
import { createEngine, type Engine } from "../src/engine.ts";
import { type Bench, needed, type Row } from "./bench.ts";
import { benchData } from "./data.ts";
import { type Python, startPython } from "./python.ts";

const FLOOR = 1.2;
const GOAL = 2;
const VARIABLE = "tas";
const FILES = [
  ["whole-small.nc", "chunks of 221 kB"],
  ["whole-large.nc", "chunks of 2.7 MB"],
] as const;

async function readWhole(engine: Engine, url: URL): Promise<Block> {
  const dataset = await engine.formats.open(url);
  const variable = dataset.variables.get(VARIABLE);
  assert.ok(variable !== undefined);
  return engine.readAll(dataset, variable);
}

function rows(url: URL, what: string, engine: Engine, python: Python): Row[] {
  const path = fileURLToPath(url);
  return (["h5py", "netCDF4"] as const).map((name) => ({
    name: `323 MB, ${what}`,
    unit: "s",
    kind: "time",
    async ours() {
      const start = performance.now();
      await readWhole(engine, url);
      return (performance.now() - start) / 1000;
    },
    peer: {
      name,
      floor: FLOOR,
      goal: GOAL,
      measure: async () => (await python.call(name, path, VARIABLE)).seconds,
      async same() {
        const { result } = await python.call(`${name}:digest`, path, VARIABLE);
        const { data } = await readWhole(engine, url);
        const own = createHash("sha256")
          .update(asBytes(data as TypedArray))
          .digest("hex");
        assert.equal(result, own, `${name} reads other values from ${path}`);
      },
    },
  }));
}

export const bench: Bench = {
  summary: "open a NetCDF-4 file, read and decode (deflate, shuffle) a whole variable",
  async prepare(log) {
    const folder = benchData("whole", log);
    const python = startPython(needed(peer("readers")));
    const engine = createEngine({ allow: [folder] });
    return {
      rows: FILES.flatMap(([name, what]) => rows(new URL(name, folder), what, engine, python)),
      async close() {
        await engine.close();
        await python.close();
      },
    };
  },
};
