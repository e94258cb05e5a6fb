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
      // The tool masks the default fill of bytes too, which the NetCDF User's Guide advises against.
      const options = { defaultFill: "all", validRange: true } as const;
      const block: DecodedBlock = decodeCf({ ...stored, dtype }, { ...spec, dtype }, options);
      return { block, isMasked: (i) => block.mask?.[i] === 1 };
    },
    times(variable, { block }) {
      const units = timeUnitsOf(variable.spec);
      const texts = units === undefined ? [] : timeTexts(block, units).filter((text) => text !== null);
      return { first: texts[0] ?? "none", last: texts.at(-1) ?? "none" };
    },
  };
}
