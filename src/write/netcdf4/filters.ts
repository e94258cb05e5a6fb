import type { CodecSpec } from "../../core/array.ts";
import { GyreError } from "../../errors.ts";
import type { ByteOrder } from "./datatype.ts";
import type { Filter } from "./header.ts";

/** How chunks are stored, in HDF5's words. */
export interface Filtered {
  readonly order: ByteOrder;
  readonly filters: readonly Filter[];
}

/** The HDF5 filters of a codec chain. Throws Unsupported naming a codec that HDF5 has no filter for. */
export function filtersOf(codecs: readonly CodecSpec[], elementSize: number): Filtered {
  let order: ByteOrder = "little";
  const filters: Filter[] = [];
  for (const { name, configuration = {} } of codecs) {
    if (name === "bytes") order = configuration.endian === "big" ? "big" : "little";
    else if (name === "shuffle")
      filters.push({ id: 2, name, values: [number(configuration.elementsize, elementSize)] });
    else if (name === "zlib") filters.push({ id: 1, name: "deflate", values: [number(configuration.level, 1)] });
    else if (name === "zstd") filters.push({ id: 32015, name, values: [number(configuration.level, 3)] });
    else
      throw new GyreError("Unsupported", `this NetCDF-4 writer has no filter for the codec ${name}`, { subject: name });
  }
  return { order, filters };
}

function number(value: unknown, fallback: number): number {
  return typeof value === "number" && value >= 0 ? value : fallback;
}

/** Codecs of NetCDF-4's usual compression: shuffle and deflate. */
export function deflated(elementSize: number, level = 4): CodecSpec[] {
  const bytes: CodecSpec = { name: "bytes", configuration: { endian: "little" } };
  const zlib: CodecSpec = { name: "zlib", configuration: { level } };
  return elementSize === 1
    ? [bytes, zlib]
    : [bytes, { name: "shuffle", configuration: { elementsize: elementSize } }, zlib];
}
