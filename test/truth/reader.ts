import type { Block, Variable } from "../../src/core/array.ts";
import { storageType } from "../../src/core/dtype.ts";
import { timeTexts, timeUnitsOf } from "../../src/read/cf/times.ts";
import { type DecodedBlock, decodeCf } from "../../src/read/cf.ts";
import type { NetcdfReader } from "./netcdf.ts";

/** Decodes as the records' tool does: default fill values count as missing, times are in the axis' own calendar. */
export function netcdfReader(read: (variable: Variable) => Promise<Block>): NetcdfReader {
  return {
    read,
    decode(variable, stored) {
      const { spec } = variable;
      // An enumeration's numbers have a fill value like others.
      const dtype = storageType(spec.dtype) ?? spec.dtype;
      const block: DecodedBlock = decodeCf(
        { ...stored, dtype },
        { ...spec, dtype },
        { defaultFill: true, validRange: true },
      );
      const byteFill = defaultByteFill(variable);
      const values = stored.data as Float64Array;
      return { block, isMasked: (i) => block.mask?.[i] === 1 || values[i] === byteFill };
    },
    times(variable, { block }) {
      const units = timeUnitsOf(variable.spec);
      const texts = units === undefined ? [] : timeTexts(block, units).filter((text) => text !== null);
      return { first: texts[0] ?? "none", last: texts.at(-1) ?? "none" };
    },
  };
}

/** This version of the records' tool masks the default fill of bytes too, which the NetCDF User's Guide advises against. */
function defaultByteFill({ spec }: Variable): number | undefined {
  if (spec.attrs.has("_FillValue") || spec.attrs.has("_Unsigned")) return undefined;
  const stored = storageType(spec.dtype);
  return stored === "int8" ? -127 : stored === "uint8" ? 255 : undefined;
}
