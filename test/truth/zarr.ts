import type { Block, Dataset, Variable } from "../../src/core/array.ts";
import { dtypeName } from "../../src/core/dtype.ts";
import type { Findings } from "./findings.ts";
import { compareStats, digest, elementAt, type Stats, statistics, valueAt } from "./values.ts";

interface ZarrArray {
  readonly node_type?: "group";
  readonly error?: string;
  readonly shape?: readonly number[];
  readonly chunks?: readonly number[];
  readonly chunk_shape?: readonly number[];
  readonly dtype?: string;
  readonly data_type?: string;
  readonly codecs?: readonly string[];
  readonly compressor?: string;
  readonly order?: string;
  readonly fill_value?: unknown;
  readonly stats?: Stats;
  readonly samples?: readonly { readonly index: readonly number[]; readonly value: unknown }[];
  readonly sha256_C_little_endian?: string;
  readonly first?: readonly unknown[];
}

export interface ZarrRecord {
  readonly store: string;
  readonly v2: Record<string, ZarrArray>;
  readonly v3: Record<string, ZarrArray>;
}

export async function compareZarr(
  record: ZarrRecord,
  dataset: Dataset,
  read: (variable: Variable) => Promise<Block>,
  findings: Findings,
): Promise<void> {
  const expected = new Set<string>();
  const arrays = Object.entries({ ...record.v2, ...record.v3 });
  // In an archive whose store is one folder deep, the record has that folder in front of every name.
  const archive = record.store.endsWith(".zip")
    ? `${record.store
        .split("/")
        .at(-1)
        ?.replace(/\.zip$/, "")}/`
    : "";
  for (const [name, array] of arrays) {
    const path = name === "." ? "" : archive !== "" && name.startsWith(archive) ? name.slice(archive.length) : name;
    if (array.node_type === "group") {
      findings.equal(`groups/${path}`, path === "" || dataset.groups.has(path), true);
      continue;
    }
    expected.add(path);
    const variable = dataset.variables.get(path);
    if (variable === undefined) findings.fail(`arrays/${path}`, "absent", `array ${array.dtype ?? array.data_type}`);
    else await compareArray(array, variable, read, findings, `arrays/${path}`);
  }
  for (const name of dataset.variables.keys())
    if (!expected.has(name)) findings.fail(`arrays/${name}`, "array", "absent");
}

async function compareArray(
  array: ZarrArray,
  variable: Variable,
  read: (variable: Variable) => Promise<Block>,
  findings: Findings,
  where: string,
): Promise<void> {
  const { spec } = variable;
  const block = await read(variable);
  // The tool that wrote this record could not read the array: that we can is all that is compared.
  if (array.error !== undefined) {
    findings.equal(`${where}/reads`, block.shape, spec.shape);
    return;
  }
  findings.equal(`${where}/shape`, spec.shape, array.shape);
  const isSharded = array.codecs?.includes("sharding_indexed") ?? false;
  // A sharded array is served by its inner chunks; the record has the shape of a shard.
  if (!isSharded) {
    findings.equal(`${where}/chunks`, spec.chunks, array.chunks ?? array.chunk_shape);
    if (array.codecs !== undefined)
      findings.equal(
        `${where}/codecs`,
        spec.codecs.map((c) => c.name),
        array.codecs.map(canonicalCodec),
      );
  } else {
    const whole = array.chunk_shape?.every((n, i) => n % (spec.chunks[i] ?? 0) === 0);
    findings.equal(`${where}/chunks divide the shard`, whole, true);
  }
  const theirType = array.data_type ?? plainType(array.dtype as string);
  if (theirType !== undefined) findings.equal(`${where}/dtype`, ourType(variable), theirType);
  if (array.sha256_C_little_endian !== undefined)
    findings.equal(`${where}/sha256`, digest(block), array.sha256_C_little_endian);
  if (array.stats !== undefined && ArrayBuffer.isView(block.data)) {
    compareStats(findings, `${where}/stats`, statistics(block.data as Float64Array), array.stats, 1e-12);
  }
  for (const { index, value } of array.samples ?? [])
    findings.equal(`${where}/samples`, asRecorded(valueAt(block, index), value), value);
  for (const [i, value] of array.first?.entries() ?? [])
    findings.equal(`${where}/first/${i}`, elementAt(block, i), value);
}

/** Booleans are stored as 0 and 1. */
function asRecorded(ours: unknown, theirs: unknown): unknown {
  return typeof theirs === "boolean" ? ours === 1 : ours;
}

function ourType(variable: Variable): string {
  const { dtype } = variable.spec;
  return typeof dtype === "string" ? dtype : dtypeName(dtype);
}

/** `>U13` is `U13` in another byte order, `object` is text in every record. */
function plainType(dtype: string): string | undefined {
  if (dtype === "object") return "string";
  const match = /^[<>|]([a-zA-Z])(\d+)$/.exec(dtype);
  if (match === null) return dtype;
  const [, kind, size] = match as unknown as [string, string, string];
  if (kind === "U" || kind === "S") return `${kind}${size}`;
  const names: Record<string, string> = { f: "float", i: "int", u: "uint", c: "complex" };
  return kind === "b" ? "bool" : names[kind] === undefined ? undefined : `${names[kind]}${Number(size) * 8}`;
}

/** The registry has one id for an encoding, numcodecs' own; Zarr v3 metadata may say it with a prefix. */
function canonicalCodec(name: string): string {
  return name.replace(/^numcodecs\./, "");
}
