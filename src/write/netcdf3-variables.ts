import type { ArraySpec, Attrs, Block, IoCall } from "../core/array.ts";
import { GyreError } from "../errors.ts";
import { dimensionsOf, netcdfSpec, noType } from "./netcdf-spec.ts";
import { type ClassicType, classicType } from "./netcdf3-header.ts";
import type { Source, SourceVariable } from "./source.ts";

/** A variable as the classic formats have it. */
export interface ClassicVariable {
  readonly name: string;
  readonly type: ClassicType;
  readonly dims: readonly string[];
  readonly shape: readonly number[];
  readonly attrs: Attrs;
  /** Describes the blocks: text has become bytes. */
  readonly spec: Pick<ArraySpec, "dtype">;
  readonly isRecord: boolean;
  blocks(call?: IoCall): AsyncIterable<Block>;
}

/**
 * The one dimension that may grow: the first unlimited one, unless some variable has it behind another dimension, which
 * the classic formats cannot store. Undefined: all dimensions are fixed.
 */
export function recordDimension(source: Source): string | undefined {
  for (const [name, { unlimited }] of source.dimensions) {
    if (!unlimited) continue;
    const variables = [...source.variables.values()];
    return variables.every(({ spec }) => spec.dims.lastIndexOf(name) <= 0) ? name : undefined;
  }
  return undefined;
}

/** Text is read through once, for the length of its longest; `dimensions` then gets one of that length. */
export async function classicVariable(
  source: Source,
  variable: SourceVariable,
  dimensions: Map<string, number>,
  record: string | undefined,
  call?: IoCall,
): Promise<ClassicVariable> {
  const spec = netcdfSpec(variable.name, variable.spec);
  dimensionsOf(source, variable.name, spec);
  const { dims, shape, attrs } = spec;
  const isRecord = dims[0] !== undefined && dims[0] === record;
  const shared = { name: variable.name, attrs, isRecord };
  if (spec.type !== "string") {
    const type = classicType(spec.type);
    if (type === undefined) throw noType(variable.name, spec.dtype);
    return { ...shared, type, dims, shape, spec, blocks: (io) => variable.blocks(io) };
  }
  const length = await longestText(variable, call);
  const dimension = textDimension(dimensions, length);
  return {
    ...shared,
    type: classicType("char")!,
    dims: [...dims, dimension],
    shape: [...shape, length],
    spec: { dtype: { kind: "fixed-bytes", length: 1 } },
    blocks: (io) => characters(variable, length, io),
  };
}

/** At least 1: a dimension of length 0 would be the record dimension. */
async function longestText(variable: SourceVariable, call?: IoCall): Promise<number> {
  let longest = 1;
  for await (const { data } of variable.blocks(call)) {
    for (const text of data as string[]) longest = Math.max(longest, Buffer.byteLength(text));
  }
  return longest;
}

/** `string12`, as xarray calls it. */
function textDimension(dimensions: Map<string, number>, length: number): string {
  let name = `string${length}`;
  while (dimensions.has(name) && dimensions.get(name) !== length) name += "_";
  dimensions.set(name, length);
  return name;
}

async function* characters(variable: SourceVariable, length: number, call?: IoCall): AsyncGenerator<Block> {
  for await (const { data } of variable.blocks(call)) {
    const texts = data as string[];
    const out = Buffer.alloc(texts.length * length);
    texts.forEach((text, i) => {
      if (Buffer.byteLength(text) > length) {
        throw new GyreError("Conflict", `${variable.name} changed while it was written`, { subject: variable.name });
      }
      out.write(text, i * length);
    });
    yield {
      dtype: { kind: "fixed-bytes", length: 1 },
      shape: [texts.length, length],
      data: new Uint8Array(out.buffer, out.byteOffset, out.length),
    };
  }
}
