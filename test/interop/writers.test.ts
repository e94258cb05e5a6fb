import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath, pathToFileURL } from "node:url";
import { createLocalFiles } from "../../src/files/local.ts";
import { writeNetcdf3 } from "../../src/write/netcdf3.ts";
import { deflated } from "../../src/write/netcdf4/filters.ts";
import { writeNetcdf4 } from "../../src/write/netcdf4/write.ts";
import type { Source } from "../../src/write/source.ts";
import { writeZarr } from "../../src/write/zarr.ts";
import { classicSample, encoder, LITTLE, sourceOf, variable } from "../write/sample.ts";

const python = fileURLToPath(new URL("../../.peers/py/bin/python", import.meta.url));
const script = fileURLToPath(new URL("writers.py", import.meta.url));
const needsPython = { skip: !existsSync(python) && "no .peers/py with the reference libraries" };
const folder = mkdtempSync(join(tmpdir(), "gyre-writers-"));
after(() => rmSync(folder, { recursive: true, force: true }));

interface Seen {
  readonly dims: readonly (string | null)[] | null;
  readonly values: { readonly shape: number[]; readonly sum: number; readonly last: number | null } | string[];
  readonly attrs: readonly string[];
}

function seenBy(library: string, path: string): Record<string, Seen> {
  return JSON.parse(execFileSync(python, ["-W", "ignore", script, library, path], { encoding: "utf8" }));
}

async function save(name: string, parts: AsyncIterable<Uint8Array>): Promise<string> {
  const path = join(folder, name);
  const all: Uint8Array[] = [];
  for await (const part of parts) all.push(part);
  writeFileSync(path, Buffer.concat(all));
  return path;
}

async function assertSeen(seen: Record<string, Seen>, source: Source): Promise<void> {
  for (const [name, { spec, blocks }] of source.variables) {
    const found = seen[name];
    assert.ok(found, `${name} was not seen`);
    if (typeof spec.dtype === "object" || spec.dtype === "string") continue;
    const values: number[] = [];
    for await (const { data } of blocks())
      for (const value of data as Iterable<number | bigint>) values.push(Number(value));
    assert.ok(!Array.isArray(found.values));
    assert.deepEqual(found.values.shape, spec.shape, name);
    assert.equal(
      found.values.sum,
      values.reduce((a, b) => a + b, 0),
      name,
    );
    assert.equal(found.values.last, values.at(-1) ?? null, name);
    if (found.dims !== null) assert.deepEqual(found.dims, spec.dims, name);
  }
}

const chunked = (): Source =>
  sourceOf([
    variable("time", "float64", ["time"], [300], { chunks: [512] }),
    variable("lon", "float32", ["lon"], [5]),
    variable("tas", "float32", ["time", "lon", "lat"], [300, 5, 3], {
      chunks: [1, 2, 3],
      codecs: deflated(4),
      fill: 7,
    }),
    variable("big", "int32", ["lat", "lon"], [3, 5], { codecs: [{ name: "bytes", configuration: { endian: "big" } }] }),
  ]);

for (const library of ["netcdf4", "h5py", "xarray"]) {
  test(`${library} reads our NetCDF-4`, needsPython, async () => {
    const path = await save(`chunked-${library}.nc`, writeNetcdf4(chunked(), { encoder, keepBytes: 1000 }));
    await assertSeen(seenBy(library, path), chunked());
  });
}

test("netCDF4-python reads text, characters and attributes of our NetCDF-4", needsPython, async () => {
  const seen = seenBy("netcdf4", await save("classic4.nc", writeNetcdf4(classicSample(), { encoder })));
  await assertSeen(seen, classicSample());
  assert.deepEqual(seen.name?.values, ["né", "", "néxx"]);
  assert.deepEqual(seen.label?.dims, ["lat", "letters"]);
  assert.deepEqual(seen.tas?.attrs, ["_FillValue", "empty", "flags", "scale_factor"]);
});

for (const version of [1, 2, 5] as const) {
  test(`netCDF4-python and xarray read our CDF-${version}`, needsPython, async () => {
    const path = await save(`classic${version}.nc`, writeNetcdf3(classicSample(), { version }));
    for (const library of ["netcdf4", "xarray"]) await assertSeen(seenBy(library, path), classicSample());
  });
}

for (const version of [2, 3] as const) {
  test(`xarray reads our Zarr v${version}`, needsPython, async () => {
    const source = sourceOf([
      variable("time", "float64", ["time"], [30], { chunks: [7] }),
      variable("tas", "float32", ["time", "lon", "lat"], [30, 5, 3], {
        chunks: [4, 2, 3],
        codecs: [...LITTLE, { name: "zstd", configuration: { level: 3 } }],
        fill: 7,
      }),
    ]);
    const path = join(folder, `v${version}.zarr`);
    await writeZarr(source, pathToFileURL(`${path}/`), { files: createLocalFiles(), encoder, version });
    await assertSeen(seenBy("xarray", path), source);
  });
}
