import { createDecoder } from "../../src/codecs/pool.ts";
import { type ArraySpec, type Attr, type CodecSpec, product } from "../../src/core/array.ts";
import { allocate, type DType, type Values } from "../../src/core/dtype.ts";
import type { Source, SourceVariable } from "../../src/write/source.ts";
import { codecs } from "../formats/values.ts";

export const encoder = createDecoder({ registry: codecs, workers: 0 });

export const text = (value: string): Attr => ({ dtype: "string", value });
export const LITTLE: readonly CodecSpec[] = [{ name: "bytes", configuration: { endian: "little" } }];
export const BIG: readonly CodecSpec[] = [{ name: "bytes", configuration: { endian: "big" } }];
export const CHAR = { kind: "fixed-bytes", length: 1 } as const;

/** A variable whose blocks are cut at odd places: no writer may rely on where they end. */
export function variable(
  name: string,
  dtype: DType,
  dims: readonly string[],
  shape: readonly number[],
  more: Partial<ArraySpec> = {},
): SourceVariable {
  const spec: ArraySpec = { dtype, dims, shape, chunks: shape, codecs: LITTLE, fill: null, attrs: new Map(), ...more };
  const whole = valuesOf(dtype, product(shape));
  return {
    name,
    spec,
    async *blocks() {
      const step = Math.max(1, Math.floor(whole.length / 3));
      for (let at = 0; at < whole.length; at += step) {
        const data = whole.slice(at, at + step) as Values;
        yield { dtype, shape: [data.length], data };
      }
    },
  };
}

function valuesOf(dtype: DType, count: number): Values {
  if (dtype === "string") return Array.from({ length: count }, (_, i) => (i === 1 ? "" : `né${"x".repeat(i)}`));
  if (typeof dtype === "object") return Uint8Array.from({ length: count }, (_, i) => 97 + (i % 26));
  const values = allocate(dtype, count) as Float64Array | BigInt64Array;
  for (let i = 0; i < count; i++) {
    values[i] = values instanceof BigInt64Array ? BigInt(i) * 1_000_000_007n : (i * 37) % 101;
  }
  return values;
}

export function sourceOf(variables: readonly SourceVariable[], more: Partial<Source> = {}): Source {
  const dimensions = new Map<string, { size: number; unlimited: boolean }>();
  for (const { name, spec } of variables) {
    if (name.includes("/")) continue;
    for (const [i, dim] of spec.dims.entries()) {
      dimensions.set(dim, { size: spec.shape[i]!, unlimited: dim === "time" });
    }
  }
  return {
    attrs: new Map([["title", text("a sample, größer als ASCII")]]),
    dimensions,
    groups: new Map(),
    variables: new Map(variables.map((v) => [v.name, v])),
    ...more,
  };
}

/** What every NetCDF writer must carry: a growing dimension, coordinates, scalars, characters, text, odd sizes. */
export function classicSample(): Source {
  return sourceOf([
    variable("time", "float64", ["time"], [7], { attrs: new Map([["units", text("days since 2000-01-01")]]) }),
    variable("lat", "float32", ["lat"], [3], { codecs: BIG, attrs: new Map([["units", text("degrees_north")]]) }),
    variable("tas", "int16", ["time", "lat", "lon"], [7, 3, 5], {
      fill: -9,
      attrs: new Map<string, Attr>([
        ["_FillValue", { dtype: "int16", value: -9 }],
        ["scale_factor", { dtype: "float64", value: 0.1 }],
        ["flags", { dtype: "int8", value: [1, 2, -3] }],
        ["empty", text("")],
      ]),
    }),
    variable("odd", "int8", ["time", "three"], [7, 3]),
    variable("crs", "int32", [], []),
    variable("label", CHAR, ["lat", "letters"], [3, 5]),
    variable("name", "string", ["lat"], [3]),
  ]);
}
