import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import type { Dataset } from "../../../src/core/array.ts";
import { attrsToJson } from "../../../src/core/attrs.ts";
import { createLocalFiles } from "../../../src/files/local.ts";
import { netcdf3 } from "../../../src/formats/netcdf3/netcdf3.ts";
import { dataFiles, dataFolder, skipWithoutData, truth } from "../data.ts";
import { openWith, readAll, sha256 } from "../values.ts";

interface Truth {
  readonly format: string;
  readonly root: {
    readonly dimensions: { readonly [name: string]: { size: number; unlimited: boolean } };
    readonly attributes: { readonly [name: string]: unknown };
    readonly variables: {
      readonly [name: string]: {
        readonly dims: string[];
        readonly shape: number[];
        readonly dtype: string;
        readonly attributes: { readonly [name: string]: unknown };
        readonly stored_sha256_C_little_endian?: string;
      };
    };
  };
}

const files = createLocalFiles();

test("real classic files are what netCDF4-python says", skipWithoutData, async (t) => {
  let compared = 0;
  for (const name of dataFiles("netcdf3/")) {
    const { format, root } = truth<Truth>(`netcdf3/${name}`);
    const url = new URL(`netcdf3/${encodeURIComponent(name)}`, dataFolder);
    const isClassic = netcdf3.sniff({ url, head: new Uint8Array(readFileSync(url)).subarray(0, 1024) });
    assert.equal(isClassic, format.startsWith("NETCDF3"), name);
    if (!isClassic) continue;
    await t.test(name, async () => compare(await openWith(netcdf3, url, files), root));
    compared++;
  }
  assert.ok(compared >= 20);
});

async function compare(dataset: Dataset, root: Truth["root"]): Promise<void> {
  assert.equal(dataset.problems, undefined);
  assert.deepEqual(Object.fromEntries(dataset.dimensions), root.dimensions);
  assert.deepEqual(comparable(attrsToJson(dataset.attrs)), comparable(root.attributes));
  assert.deepEqual([...dataset.variables.keys()].sort(), Object.keys(root.variables).sort());
  for (const [name, variable] of dataset.variables) {
    const { spec } = variable;
    const said = root.variables[name]!;
    assert.deepEqual([spec.dims, spec.shape], [said.dims, said.shape], name);
    assert.equal(typeof spec.dtype === "string" ? spec.dtype : "|S1", said.dtype, name);
    assert.deepEqual(comparable(attrsToJson(spec.attrs)), comparable(said.attributes), name);
    if (said.stored_sha256_C_little_endian === undefined) continue;
    const block = await readAll(variable, files);
    assert.equal(sha256(block.data), said.stored_sha256_C_little_endian, name);
  }
}

/** Attributes without what the two sides spell differently: non-finite numbers, 64-bit digits, bytes that are no text. */
function comparable(attributes: object): unknown {
  const text = JSON.stringify(attributes, (_, value: unknown) => {
    if (typeof value === "number" && !Number.isSafeInteger(value)) return value.toPrecision(12);
    if (typeof value !== "string") return value;
    if (/^-?\d{16,}$/.test(value)) return Number(value).toPrecision(12);
    const word = { NaN: "nan", Infinity: "inf", "-Infinity": "-inf" }[value];
    return word ?? value.replace(/[\0\u0080-\uffff]/g, "");
  });
  return JSON.parse(text);
}
