import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { chunkGrid, type Dataset, product, strides } from "../../../src/core/array.ts";
import { isGyreError } from "../../../src/errors.ts";
import { createMemoryFiles } from "../../../src/files/memory.ts";
import { hdf5 } from "../../../src/formats/hdf5/hdf5.ts";
import { contextOf, fixture } from "./reading.ts";

// Damaged files must give an answer or an error of ours, and soon. GYRE_FUZZ=n runs n times as many rounds by hand.
const ROUNDS = 40 * Number(process.env.GYRE_FUZZ ?? 1);
const MOST_CHUNKS = 32;
const URL_PREFIX = "memory://fuzz/";

/** xorshift32: the same damage in every run. */
function randomOf(seed: number): (below: number) => number {
  let state = seed | 1;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}

/** Metadata is what matters: bytes of ordinary values, extremes, and a few cuts. */
function damage(bytes: Uint8Array, random: (below: number) => number): Uint8Array {
  if (random(8) === 0) return bytes.slice(0, random(bytes.byteLength));
  const out = bytes.slice();
  for (let n = 1 + random(4); n > 0; n--) {
    const at = random(out.byteLength);
    const kind = random(4);
    if (kind === 0) out[at] = out[at]! ^ (1 << random(8));
    else if (kind === 1) out[at] = random(256);
    else if (kind === 2) out.fill(0xff, at, at + 1 + random(8));
    else out.copyWithin(at, random(out.byteLength), random(out.byteLength));
  }
  return out;
}

async function exercise(dataset: Dataset): Promise<void> {
  for (const variable of dataset.variables.values()) {
    const grid = chunkGrid(variable.spec);
    const steps = strides(grid);
    for (let n = 0; n < Math.min(product(grid), MOST_CHUNKS); n++) {
      await variable.locate(steps.map((step, d) => Math.floor(n / step) % grid[d]!));
    }
  }
}

for (const name of readdirSync(fixture("")).filter((file) => /\.(h5|nc)$/.test(file))) {
  test(`damaged ${name} never does worse than an error`, { timeout: 600_000 }, async () => {
    const bytes = new Uint8Array(readFileSync(fixture(name)));
    const random = randomOf([...name].reduce((n, letter) => n * 31 + letter.charCodeAt(0), 7));
    for (let round = 0; round < ROUNDS; round++) {
      const url = new URL(name, URL_PREFIX);
      const files = createMemoryFiles([[url.href, damage(bytes, random)]]);
      try {
        await exercise(await hdf5.open(url, contextOf(files)));
      } catch (error) {
        assert.ok(isGyreError(error), `round ${round}: ${(error as Error).stack}`);
      }
    }
  });
}
