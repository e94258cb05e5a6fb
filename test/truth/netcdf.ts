import type { Block, Dataset, Group, Variable } from "../../src/core/array.ts";
import type { Findings } from "./findings.ts";
import { FILTERS, filterNumbers } from "./hdf5.ts";
import { compareAttributes, compareStats, digest, numpyName, type Stats, statistics, valueAt } from "./values.ts";

interface Sample {
  readonly index: readonly number[];
  readonly value: unknown;
}

export interface NetcdfVariable {
  readonly dims: readonly string[];
  readonly shape: readonly number[];
  readonly dtype: string;
  readonly usertype?: string;
  readonly attributes: Record<string, unknown>;
  readonly chunking: "contiguous" | readonly number[] | null;
  readonly filters: Record<string, boolean | number> | null;
  readonly endian?: string | null;
  readonly stored_stats?: Stats;
  readonly stored_sha256_C_little_endian?: string;
  readonly stored_samples?: readonly Sample[];
  readonly decoded_stats?: Stats;
  readonly decoded_samples?: readonly Sample[];
  readonly time_decoded?: { readonly first?: string; readonly last?: string; readonly error?: string };
}

interface NetcdfGroup {
  readonly dimensions: Record<string, { readonly size: number; readonly unlimited: boolean }>;
  readonly attributes: Record<string, unknown>;
  readonly variables: Record<string, NetcdfVariable>;
  readonly groups?: Record<string, NetcdfGroup>;
}

export interface NetcdfRecord {
  readonly format?: string;
  readonly open_error?: string;
  readonly root?: NetcdfGroup;
}

/** Decodes by the CF conventions as netCDF4-python does. */
export interface Decoded {
  /** Values in float64 or as they are; `isMasked` says which are missing. */
  readonly block: Block;
  isMasked(i: number): boolean;
}

export interface NetcdfReader {
  read(variable: Variable): Promise<Block>;
  decode(variable: Variable, stored: Block): Decoded;
  /** First and last time in ISO form, in the variable's own calendar. */
  times(variable: Variable, decoded: Decoded): { readonly first: string; readonly last: string };
}

export async function compareNetcdf(
  record: NetcdfRecord,
  dataset: Dataset,
  reader: NetcdfReader,
  findings: Findings,
  listing: string,
): Promise<void> {
  if (record.root === undefined) {
    // The independent tool gave up on this file; that we list its variables is all that can be said.
    findings.equal("opens", dataset.variables.size > 0, true);
    return;
  }
  const expected = new Set<string>();
  await compareGroup(record.root, "");
  // netCDF4-python leaves out types it has no form for (opaque, vlen of vlen); ncdump lists them.
  for (const name of dataset.variables.keys())
    if (!expected.has(name)) findings.equal(`variables/${name}`, listing.includes(` ${name.split("/").at(-1)}`), true);

  async function compareGroup(theirs: NetcdfGroup, prefix: string): Promise<void> {
    const ours: Group | undefined = prefix === "" ? dataset : dataset.groups.get(prefix.slice(0, -1));
    if (ours === undefined) {
      findings.fail(`groups/${prefix}`, "absent", "group");
      return;
    }
    compareAttributes(findings, `${prefix}attributes`, ours.attrs, theirs.attributes);
    const dimensions = Object.fromEntries([...ours.dimensions].map(([name, d]) => [name, `${d.size} ${d.unlimited}`]));
    for (const name of new Set([...Object.keys(dimensions), ...Object.keys(theirs.dimensions)])) {
      const their = theirs.dimensions[name];
      findings.equal(`${prefix}dimensions/${name}`, dimensions[name], their && `${their.size} ${their.unlimited}`);
    }
    for (const [name, variable] of Object.entries(theirs.variables)) {
      expected.add(prefix + name);
      const own = dataset.variables.get(prefix + name);
      const where = `${prefix}variables/${name}`;
      if (own === undefined) findings.fail(where, "absent", `variable ${variable.dtype}`);
      else await compareVariable(variable, own, where);
    }
    for (const [name, group] of Object.entries(theirs.groups ?? {})) await compareGroup(group, `${prefix}${name}/`);
  }

  async function compareVariable(theirs: NetcdfVariable, variable: Variable, where: string): Promise<void> {
    const { spec } = variable;
    findings.equal(`${where}/dims`, spec.dims, theirs.dims);
    findings.equal(`${where}/shape`, spec.shape, theirs.shape);
    if (!theirs.dtype.startsWith("{")) findings.equal(`${where}/dtype`, numpyName(spec.dtype), theirs.dtype);
    compareAttributes(findings, `${where}/attributes`, spec.attrs, theirs.attributes);
    compareLayout(theirs, variable, where);
    const stored = await reader.read(variable);
    if (theirs.stored_sha256_C_little_endian !== undefined && ArrayBuffer.isView(stored.data)) {
      findings.equal(`${where}/stored_sha256`, digest(stored), theirs.stored_sha256_C_little_endian);
    }
    for (const { index, value } of theirs.stored_samples ?? []) {
      findings.equal(`${where}/stored_samples`, valueAt(stored, index), value);
    }
    if (theirs.stored_stats !== undefined && ArrayBuffer.isView(stored.data)) {
      compareStats(
        findings,
        `${where}/stored_stats`,
        statistics(stored.data as Float64Array),
        theirs.stored_stats,
        1e-12,
      );
    }
    if (theirs.decoded_stats !== undefined && ArrayBuffer.isView(stored.data))
      compareDecoded(theirs, variable, stored, where);
  }

  function compareDecoded(theirs: NetcdfVariable, variable: Variable, stored: Block, where: string): void {
    const decoded = reader.decode(variable, stored);
    // The oracle multiplies in the type of scale_factor, we in xarray's: float32 sums differ in the last digits.
    const tolerance = 2e-6;
    const values = decoded.block.data as Float64Array;
    compareStats(
      findings,
      `${where}/decoded`,
      statistics(values, decoded.isMasked),
      theirs.decoded_stats as Stats,
      tolerance,
    );
    const steps = decoded.block.shape;
    for (const { index, value } of theirs.decoded_samples ?? []) {
      const flat = index.reduce((sum, n, i) => sum * steps[i]! + n, 0);
      const masked = decoded.isMasked(flat) || Number.isNaN(Number(values[flat]));
      if (masked || typeof value !== "number") findings.equal(`${where}/decoded_samples`, masked, isMissing(value));
      else findings.close(`${where}/decoded_samples`, Number(values[flat]), value, tolerance);
    }
    if (theirs.time_decoded?.first !== undefined) {
      const { first, last } = reader.times(variable, decoded);
      findings.equal(`${where}/time_decoded/first`, first, theirs.time_decoded.first);
      findings.equal(`${where}/time_decoded/last`, last, theirs.time_decoded.last);
    }
  }

  function compareLayout(theirs: NetcdfVariable, variable: Variable, where: string): void {
    const { codecs, chunks } = variable.spec;
    const inlined = codecs[0]?.name !== "bytes";
    if (Array.isArray(theirs.chunking)) findings.equal(`${where}/chunking`, chunks, theirs.chunking);
    if (inlined || theirs.filters === null || theirs.filters === undefined) return;
    const wanted = Object.entries(theirs.filters)
      .filter(([name, on]) => on === true && name !== "complevel")
      .map(([name]) => FILTERS[name === "bzip2" ? "bz2" : name] as number);
    findings.equal(`${where}/filters`, filterNumbers(codecs).sort(ascending), wanted.sort(ascending));
    if (theirs.endian === "big") findings.equal(`${where}/endian`, codecs[0]?.configuration?.endian, "big");
  }
}

const ascending = (a: number, b: number): number => a - b;

function isMissing(value: unknown): boolean {
  return value === null || value === "nan" || value === "--" || value === "masked";
}
