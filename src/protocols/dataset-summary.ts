import { type ArraySpec, chunkGrid, type Dataset, type Json, product, type Variable } from "../core/array.ts";
import { scalarToJson, textAttr } from "../core/attrs.ts";
import { resolveName } from "../core/axes.ts";
import { type DType, isNumeric, itemSize } from "../core/dtype.ts";
import { attributesOf } from "../write/zarr-fill.ts";
import { dtypeToV2, supported, toZarrV2 } from "../write/zarr-v2.ts";
import { storedDataset } from "./published.ts";

/** One group of a dataset as protocols of whole datasets show it, with names as they are inside the group. */
export interface GroupSummary {
  /** `""` for the root. */
  readonly path: string;
  readonly attrs: Dataset["attrs"];
  /** Sizes of the dimensions that its variables have. */
  readonly dimensions: ReadonlyMap<string, { readonly size: number; readonly unlimited: boolean }>;
  readonly variables: readonly VariableSummary[];
}

export interface VariableSummary {
  /** Name inside its group. */
  readonly name: string;
  readonly variable: Variable;
  readonly isCoordinate: boolean;
  /** Decoded; undefined for types of variable length. */
  readonly bytes: number | undefined;
  readonly chunkCount: number;
  /** Whether the raw API can describe it. */
  readonly isRaw: boolean;
}

/** A group with its own variables; undefined when there is no such group. */
export function summarize(dataset: Dataset, path: string): GroupSummary | undefined {
  const group = path === "" ? dataset : dataset.groups.get(path);
  if (group === undefined) return undefined;
  const prefix = path === "" ? "" : `${path}/`;
  const own = [...dataset.variables.values()].filter(
    ({ name }) => name.startsWith(prefix) && !name.includes("/", prefix.length),
  );
  const coordinates = coordinatesOf(dataset, own);
  const dimensions = new Map<string, { size: number; unlimited: boolean }>();
  for (const { spec } of own) {
    spec.dims.forEach((dim, i) => {
      dimensions.set(dim, { size: spec.shape[i]!, unlimited: group.dimensions.get(dim)?.unlimited ?? false });
    });
  }
  const described = storedDataset(dataset).variables;
  const variables = own.map((variable): VariableSummary => {
    const { spec } = variable;
    const size = itemSize(spec.dtype);
    return {
      name: variable.name.slice(prefix.length),
      variable,
      isCoordinate: coordinates.has(variable.name),
      bytes: size === undefined ? undefined : size * product(spec.shape),
      chunkCount: product(chunkGrid(spec)),
      isRaw: described.has(variable.name) && supported(() => toZarrV2(spec)) !== undefined,
    };
  });
  return { path, attrs: group.attrs, dimensions, variables };
}

/** What xarray takes for coordinates: variables named like their dimension, and those named by `coordinates`. */
function coordinatesOf(dataset: Dataset, variables: readonly Variable[]): ReadonlySet<string> {
  const names = new Set<string>();
  for (const variable of variables) {
    const { dims, attrs } = variable.spec;
    if (
      dims.length === 1 &&
      variable.name.endsWith(dims[0]!) &&
      resolveName(dataset, variable.name, dims[0]!) === variable.name
    ) {
      names.add(variable.name);
    }
    for (const word of textAttr(attrs, "coordinates")?.split(/\s+/) ?? []) {
      const path = resolveName(dataset, variable.name, word);
      if (path !== undefined) names.add(path);
    }
  }
  return names;
}

/** What xarray's `to_dict(data=False)` says of a dataset. */
export function toDict({ attrs, dimensions, variables }: GroupSummary): Json {
  const describe = (of: readonly VariableSummary[]): Json =>
    object(
      of.map(({ name, variable: { spec } }) => [
        name,
        { dims: spec.dims, attrs: attributesOf(spec.attrs), dtype: numpyText(spec.dtype), shape: spec.shape },
      ]),
    );
  return {
    coords: describe(variables.filter((v) => v.isCoordinate)),
    attrs: attributesOf(attrs),
    dims: object([...dimensions].map(([name, { size }]) => [name, size])),
    data_vars: describe(variables.filter((v) => !v.isCoordinate)),
  };
}

/** xpublish's `/info`, near NCO-JSON, with what is known of storage beside each variable's own members. */
export function toInfo({ attrs, dimensions, variables }: GroupSummary): { readonly [key: string]: Json } {
  return {
    dimensions: object([...dimensions].map(([name, { size }]) => [name, size])),
    variables: object(
      variables.map(({ name, variable: { spec }, bytes, chunkCount, isRaw }) => [
        name,
        {
          type: numpyName(spec.dtype),
          dimensions: spec.dims,
          attributes: attributesOf(spec.attrs),
          shape: spec.shape,
          chunks: spec.chunks,
          chunk_count: chunkCount,
          bytes: bytes ?? null,
          fill: spec.fill === null ? null : scalarToJson(spec.fill),
          codecs: codecsToJson(spec),
          raw: isRaw,
        },
      ]),
    ),
    global_attributes: attributesOf(attrs),
  };
}

function codecsToJson({ codecs }: ArraySpec): Json {
  return codecs.map(({ name, configuration = {} }) => ({ name, configuration }));
}

/** Keys come from files and may be `__proto__`. */
function object(entries: readonly (readonly [string, Json])[]): { [key: string]: Json } {
  return Object.fromEntries(entries);
}

/** `str(dtype)` of NumPy: `float32`, `|S8`, `datetime64[ns]`, `object`. */
function numpyText(dtype: DType): string {
  if (isNumeric(dtype)) return dtype;
  if (typeof dtype === "string") return "object";
  switch (dtype.kind) {
    case "enum":
      return dtype.base;
    case "datetime64":
    case "timedelta64":
      return `${dtype.kind}${/\[.*\]$/.exec(String(dtypeToV2(dtype, "<")))?.[0] ?? ""}`;
    case "vlen":
      return "object";
    case "struct":
      return JSON.stringify(dtypeToV2(dtype, "<"));
    default:
      return String(dtypeToV2(dtype, "<"));
  }
}

/** `dtype.name` of NumPy: as above, but sizes in bits: `bytes64`, `str160`, `void32`. */
function numpyName(dtype: DType): string {
  const bits = 8 * (itemSize(dtype) ?? 0);
  if (typeof dtype === "object") {
    if (dtype.kind === "fixed-bytes") return `bytes${bits}`;
    if (dtype.kind === "fixed-utf32") return `str${bits}`;
    if (dtype.kind === "raw" || dtype.kind === "struct") return `void${bits}`;
  }
  return numpyText(dtype);
}
