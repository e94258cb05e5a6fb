import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { bytesOf, fixture, openLocal, readAll } from "./reading.ts";

// Fixtures are written by h5py, netCDF4 and h5repack (test/fixtures/hdf5/make.py) with what h5py reads back.
interface Truth {
  readonly shape: readonly number[] | null;
  readonly dtype: string;
  readonly sha256?: string;
}

/** Decoding these needs a codec that Gyre does not have; they open all the same. */
const UNDECODED = new Set(["filters.h5/unknown"]);
/** Datasets that NetCDF takes for dimensions only. */
const NO_VARIABLES = new Set(["dims.nc/later", "dims.nc/g/x", "longer.nc/t", "longer.nc/x"]);
/** Unlimited dimensions are as long as their longest variable: these have more elements than their dataset. */
const LONGER = new Set(["dims.nc/time", "dims.nc/g/above", "longer.nc/short"]);

for (const name of readdirSync(fixture("")).filter((file) => /\.(h5|nc)$/.test(file))) {
  test(`${name} reads as h5py reads it`, async () => {
    const truth: Record<string, Truth> = JSON.parse(readFileSync(fixture(`${name}.json`), "utf8"));
    const dataset = await openLocal(fixture(name));
    const differences: string[] = [];
    for (const [path, { shape, sha256 }] of Object.entries(truth)) {
      const where = `${name}/${path}`;
      const plain = path.replace("_nc4_non_coord_", "");
      const variable = dataset.variables.get(plain);
      if (NO_VARIABLES.has(where) || (plain === path && truth[`_nc4_non_coord_${path}`] !== undefined)) continue;
      if (variable === undefined) {
        differences.push(`${where} is not there: ${dataset.problems}`);
        continue;
      }
      if (LONGER.has(where)) continue;
      if (variable.spec.shape.join() !== (shape ?? [0]).join())
        differences.push(`${where} has [${variable.spec.shape}]`);
      if (sha256 === undefined || UNDECODED.has(where)) continue;
      try {
        const own = createHash("sha256")
          .update(bytesOf(await readAll(variable)))
          .digest("hex");
        if (own !== sha256) differences.push(`${where} has other values`);
      } catch (error) {
        differences.push(`${where}: ${error}`);
      }
    }
    assert.deepEqual(differences, []);
  });
}
