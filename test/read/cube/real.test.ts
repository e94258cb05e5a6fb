import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { test } from "node:test";
import { pathToFileURL } from "node:url";
import { createCodecRegistry } from "../../../src/codecs/registry.ts";
import { ANONYMOUS } from "../../../src/core/principal.ts";
import { createLocalFiles } from "../../../src/files/local.ts";
import { createMemoryFiles } from "../../../src/files/memory.ts";
import { hdf5 } from "../../../src/formats/hdf5/hdf5.ts";
import { createFormatRegistry } from "../../../src/formats/registry.ts";
import { decodedChunk } from "../../../src/read/chunk.ts";
import type { ReadValues } from "../../../src/read/cube.ts";
import { createDatasetIndex } from "../../../src/read/index.ts";
import { createRegistry } from "../../../src/read/registry.ts";
import { createScanner } from "../../../src/read/scan.ts";
import { selectFrom } from "../../../src/read/select.ts";
import { decoder, readAll } from "./memory.ts";

const DATA = process.env.GYRE_DATA === undefined ? undefined : pathToFileURL(`${process.env.GYRE_DATA}/`);
const FOLDER = new URL("netcdf4/", DATA ?? new URL("../../../../shared/data/", import.meta.url));
const skip = existsSync(FOLDER) ? false : "the shared data are not there";

/** SHA-256 (its beginning) of stored values, C order, little-endian, of `xarray.open_mfdataset(..., decode_cf=False)`. */
const CUBES = [
  {
    id: "fgoals",
    glob: "cmip6/ta_Amon_FGOALS*.nc",
    concat: "time",
    digests: {
      ta: "0fe63b90b3bf0d34",
      time: "416ce3329f8104d7",
      time_bnds: "01ade75dae047cb3",
      plev: "bb1df843a6113f4d",
      lat: "bc265f9ebe58108b",
      lat_bnds: "ec3bae809f32ceee",
      lon: "0827fd05442d5279",
      lon_bnds: "209efda53b67ab2d",
    },
  },
  {
    // The dimension's coordinate is 0 in both files: the time lies in an auxiliary coordinate.
    id: "nemo",
    glob: "nemo_1m*.nc",
    concat: "time_counter",
    digests: {
      tos: "9240d6d4f2b8de8c",
      time_centered: "72e7c0eb3e279086",
      time_centered_bounds: "59b7183b290b15d7",
      time_counter: "374708fff7719dd5",
      nav_lat: "5a55be04962c3120",
      nav_lon: "1fe0181e474a9809",
      bounds_lon: "297bcb40949b7032",
      bounds_lat: "53b2c1fbda0caedc",
    },
  },
] as const;

test("cubes of real files hold the values that xarray reads, also when opened from the index", { skip }, async () => {
  const files = createLocalFiles();
  const objects = createMemoryFiles();
  const formats = createFormatRegistry([hdf5], files, createCodecRegistry());
  const read: ReadValues = (_dataset, variable, selection, call) =>
    variable.read?.(selection, call) ??
    selectFrom(variable, selection, (chunk) => decodedChunk({ files, decoder }, variable, chunk, call), call);
  const index = createDatasetIndex(objects, new URL("memory:///objects/"));
  for (const state of ["fresh", "indexed"]) {
    const registry = await createRegistry({ files, formats, read, index });
    const scanner = createScanner({ files, formats, registry });
    for (const { id, glob, concat, digests } of CUBES) {
      await scanner.addCube({ id, globs: [new URL(glob, FOLDER)], rules: { concat }, root: "gyre.yaml" });
      const { dataset } = (await registry.open(id, { who: ANONYMOUS }))!;
      assert.deepEqual(dataset.problems, []);
      for (const [name, digest] of Object.entries(digests)) {
        const { data } = await readAll(dataset, name, read);
        const bytes = data as Float64Array;
        const hash = createHash("sha256").update(new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength));
        assert.equal(hash.digest("hex").slice(0, 16), digest, `${state} ${id} ${name}`);
      }
    }
    await registry.settled();
  }
  await files.close?.();
});
