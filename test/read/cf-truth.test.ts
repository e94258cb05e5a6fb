import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { test } from "node:test";
import { product, type Variable } from "../../src/core/array.ts";
import { textAttr } from "../../src/core/attrs.ts";
import { isFloat, isInteger } from "../../src/core/dtype.ts";
import { parseTimeUnits } from "../../src/core/time.ts";
import { createLocalFiles } from "../../src/files/local.ts";
import { hdf5 } from "../../src/formats/hdf5/hdf5.ts";
import { netcdf3 } from "../../src/formats/netcdf3/netcdf3.ts";
import { timeTexts } from "../../src/read/cf/times.ts";
import { decodeCf } from "../../src/read/cf.ts";
import { dataFolder, skipWithoutData, truth } from "../formats/data.ts";
import { openWith, readAll } from "../formats/values.ts";

interface VariableTruth {
  readonly shape: readonly number[];
  readonly dtype: string;
  readonly attributes: { readonly [name: string]: unknown };
  readonly decoded_stats?: {
    readonly size: number;
    readonly valid: number;
    readonly min?: number;
    readonly max?: number;
    readonly mean?: number;
  };
  readonly decoded_samples?: readonly { readonly index: readonly number[]; readonly value: number | string | null }[];
  readonly time_decoded?: { readonly first?: string; readonly last?: string; readonly error?: string };
}

interface GroupTruth {
  readonly variables: { readonly [name: string]: VariableTruth };
  readonly groups: { readonly [name: string]: GroupTruth };
}

const files = createLocalFiles();

function records(): string[] {
  if (dataFolder === undefined) return [];
  return ["netcdf3", "netcdf4"].flatMap((folder) =>
    readdirSync(new URL(`truth/${folder}/`, dataFolder), { recursive: true, encoding: "utf8" })
      .filter((name) => name.endsWith(".json"))
      .map((name) => `${folder}/${name.slice(0, -".json".length)}`),
  );
}

function* variablesOf(group: GroupTruth, path = ""): Generator<readonly [string, VariableTruth]> {
  for (const [name, variable] of Object.entries(group.variables)) yield [path + name, variable];
  for (const [name, sub] of Object.entries(group.groups)) yield* variablesOf(sub, `${path}${name}/`);
}

async function compare(variable: Variable, expected: VariableTruth): Promise<number> {
  const { spec, name } = variable;
  if (!isInteger(spec.dtype) && !isFloat(spec.dtype)) return 0;
  // netCDF4-python 1.6.2 takes any text of `_Unsigned` for true.
  if (textAttr(spec.attrs, "_Unsigned") === "false") return 0;
  const { decoded_stats: stats, decoded_samples: samples } = expected;
  if (stats === undefined || product(spec.shape) === 0) return 0;
  const decoded = decodeCf(await readAll(variable, files), spec, { defaultFill: "all" });
  const values = decoded.data as Float64Array | BigInt64Array;
  const at = (i: number): number | null =>
    decoded.mask?.[i] === 1 || Number.isNaN(Number(values[i])) ? null : Number(values[i]);
  let valid = 0;
  let min = Infinity;
  let max = -Infinity;
  let sum = 0;
  for (let i = 0; i < values.length; i++) {
    const value = at(i);
    if (value === null || !Number.isFinite(value)) continue;
    valid++;
    sum += value;
    min = Math.min(min, value);
    max = Math.max(max, value);
  }
  assert.equal(valid, stats.valid, `${name}: valid values`);
  // netCDF4-python computes packed values in double where xarray, and we, take the type of the attributes.
  const close = (a: number, b: number, what: string): void => {
    assert.ok(Math.abs(a - b) <= 1e-6 * Math.max(Math.abs(a), Math.abs(b), 1e-30), `${name}: ${what} ${a}, truth ${b}`);
  };
  if (valid > 0 && typeof stats.min === "number") {
    close(min, stats.min, "min");
    close(max, stats.max!, "max");
    if (Math.abs(stats.mean!) > 1e-6 * Math.max(Math.abs(min), Math.abs(max))) close(sum / valid, stats.mean!, "mean");
  }
  for (const { index, value } of samples ?? []) {
    const own = at(index.reduce((offset, i, axis) => offset * spec.shape[axis]! + i, 0));
    if (typeof value === "number" && own !== null) close(own, value, `[${index}]`);
    else if (value === null) assert.equal(own, null, `${name}[${index}]`);
  }
  const time = expected.time_decoded;
  if (time?.first !== undefined) {
    // A bounds variable has its coordinate's units and the truth says them.
    const units = parseTimeUnits(String(expected.attributes.units), textAttr(spec.attrs, "calendar"));
    const texts = timeTexts(decoded, units).filter((text) => text !== null);
    assert.equal(texts[0], time.first, `${name}: first time`);
    assert.equal(texts.at(-1), time.last, `${name}: last time`);
  }
  return 1;
}

for (const record of records()) {
  test(`${record}: decoded values and times are those of netCDF4-python and cftime`, skipWithoutData, async (t) => {
    const { root } = truth<{ root?: GroupTruth }>(record);
    if (root === undefined) return; // a file that the reference library could not open
    const url = new URL(record, dataFolder);
    // Folders name what files were collected for, not what they are.
    const head = (await files.read(url, { offset: 0, length: 1024 })) as Uint8Array;
    const format = netcdf3.sniff({ url, head }) ? netcdf3 : hdf5;
    const dataset = await openWith(format, url, files);
    let compared = 0;
    for (const [name, expected] of variablesOf(root)) {
      const variable = dataset.variables.get(name);
      if (variable !== undefined) compared += await compare(variable, expected);
    }
    t.diagnostic(`${compared} variables`);
  });
}
