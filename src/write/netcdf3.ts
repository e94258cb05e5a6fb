import { type Attrs, type IoCall, product } from "../core/array.ts";
import type { TypedArray } from "../core/dtype.ts";
import { badSource, GyreError } from "../errors.ts";
import { orderedBytes } from "./byte-order.ts";
import { bands } from "./chunks.ts";
import {
  type ClassicVersion,
  type HeaderAttribute,
  HeaderWriter,
  headerAttribute,
  versionFor,
} from "./netcdf3-header.ts";
import { type ClassicVariable, classicVariable, recordDimension } from "./netcdf3-variables.ts";
import type { Source } from "./source.ts";

export interface Netcdf3Options extends IoCall {
  /** CDF-1 (classic), 2 (64-bit offset) or 5 (64-bit data); without it the lowest one that can hold the data. */
  readonly version?: ClassicVersion;
}

/** Where a variable's values lie. */
interface Placed extends ClassicVariable {
  /** Bytes of the values, or of one record of them. */
  readonly size: number;
  begin: number;
}

/**
 * Writes a NetCDF classic file from the first byte to the last, in constant memory. Records are interleaved, so all
 * record variables are read side by side. Text becomes characters with a dimension of its own. Throws Unsupported for
 * groups and for types that the version lacks.
 */
export async function* writeNetcdf3(source: Source, options: Netcdf3Options = {}): AsyncGenerator<Uint8Array> {
  const call: IoCall = options.signal === undefined ? {} : { signal: options.signal };
  if (source.groups.size > 0) throw new GyreError("Unsupported", "NetCDF classic files have no groups");
  const record = recordDimension(source);
  const dimensions = new Map([...source.dimensions].map(([name, { size }]) => [name, size]));
  const variables: Placed[] = [];
  for (const variable of source.variables.values()) {
    const classic = await classicVariable(source, variable, dimensions, record, call);
    const perRecord = classic.isRecord ? classic.shape.slice(1) : classic.shape;
    variables.push({ ...classic, size: product(perRecord) * classic.type.size, begin: 0 });
  }
  for (const [name, size] of dimensions) {
    if (size === 0 && name !== record) {
      throw new GyreError("Unsupported", `NetCDF classic takes ${name}, of length 0, for growing`, { subject: name });
    }
  }
  const records = record === undefined ? 0 : (dimensions.get(record) as number);
  const plan = place(source.attrs, dimensions, record, records, variables, options.version);
  yield plan.header;

  for (const variable of variables) {
    if (variable.isRecord) continue;
    yield* padded(variable, [product(variable.shape)], variable.size, call);
  }
  const recordVariables = variables.filter((v) => v.isRecord);
  // A lone record variable is not padded between records (NetCDF classic format, note on padding).
  const align = recordVariables.length === 1 ? 1 : 4;
  const streams = recordVariables.map((variable) => {
    const sizes = new Array<number>(records).fill(product(variable.shape.slice(1)));
    return padded(variable, sizes, variable.size, call, align);
  });
  for (let r = 0; r < records; r++) {
    call.signal?.throwIfAborted();
    for (const [i, stream] of streams.entries()) {
      const next = await stream.next();
      if (next.done) throw badSource(recordVariables[i]!.name, undefined, `ends after ${r} of ${records} records`);
      yield next.value;
    }
  }
  // Only a stream that is asked once more notices that its source has values left.
  for (const stream of streams) await stream.next();
}

/** Bands of a variable in network byte order, each padded to a multiple of `align` bytes. */
async function* padded(
  { spec, blocks }: ClassicVariable,
  sizes: readonly number[],
  size: number,
  call: IoCall,
  align = 4,
): AsyncGenerator<Uint8Array> {
  if (size === 0) {
    for (const _ of sizes) yield new Uint8Array(0);
    return;
  }
  const rest = (align - (size % align)) % align;
  for await (const band of bands(spec.dtype, blocks(call), sizes)) {
    const bytes = orderedBytes(band as TypedArray, "big");
    if (rest === 0) {
      yield bytes;
      continue;
    }
    const whole = new Uint8Array(size + rest);
    whole.set(bytes);
    yield whole;
  }
}

/** Chooses the version, gives every variable its offset, and makes the header. */
function place(
  attrs: Attrs,
  dimensions: ReadonlyMap<string, number>,
  record: string | undefined,
  records: number,
  variables: readonly Placed[],
  wanted: ClassicVersion | undefined,
): { readonly header: Uint8Array } {
  const up = (size: number): number => Math.ceil(size / 4) * 4;
  const recordVariables = variables.filter((v) => v.isRecord);
  const recordBytes =
    recordVariables.length === 1 ? recordVariables[0]!.size : recordVariables.reduce((sum, v) => sum + up(v.size), 0);
  const fixedBytes = variables.reduce((sum, v) => sum + (v.isRecord ? 0 : up(v.size)), 0);
  const least = versionFor(variables, dimensions, fixedBytes + recordBytes * records);
  const version = wanted ?? least;
  if (version < least) {
    throw new GyreError("Unsupported", `CDF-${version} cannot hold this dataset; CDF-${least} can`, {
      allowed: [`CDF-${least}`],
    });
  }
  const global = [...attrs].map(([name, attr]) => headerAttribute(name, attr, version));
  const own = variables.map((v): HeaderAttribute[] =>
    [...v.attrs].map(([name, attr]) =>
      headerAttribute(name, attr, version, name === "_FillValue" ? v.type : undefined),
    ),
  );
  const encode = (): Uint8Array => {
    const out = new HeaderWriter(version);
    const names = [...dimensions.keys()];
    out.start(records);
    out.list(10, names, (name) => {
      out.name(name);
      out.count(name === record ? 0 : dimensions.get(name)!);
    });
    out.attributes(global);
    out.list(11, [...variables.entries()], ([i, v]) => {
      out.name(v.name);
      out.count(v.dims.length);
      for (const dim of v.dims) out.count(names.indexOf(dim));
      out.attributes(own[i]!);
      out.type(v.type.number);
      out.size(up(v.size));
      out.offset(v.begin);
    });
    return out.done();
  };
  // Offsets have a fixed width: the header is as long before they are known.
  let at = encode().length;
  for (const isRecord of [false, true]) {
    for (const variable of variables) {
      if (variable.isRecord !== isRecord) continue;
      variable.begin = at;
      at += up(variable.size);
    }
  }
  return { header: encode() };
}
