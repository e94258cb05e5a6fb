import type { Block, Variable } from "../../src/core/array.ts";
import { type DecodedBlock, decodeCf } from "../../src/read/cf.ts";
import { timeTexts, timeUnitsOf } from "../../src/read/cf/times.ts";
import type { NetcdfReader } from "./netcdf.ts";

/** Decodes as the records' tool does: default fill values count as missing, times are in the axis' own calendar. */
export function netcdfReader(read: (variable: Variable) => Promise<Block>): NetcdfReader {
  return {
    read,
    decode(variable, stored) {
      const block: DecodedBlock = decodeCf(stored, variable.spec, { defaultFill: true, validRange: true });
      return { block, isMasked: (i) => block.mask?.[i] === 1 };
    },
    times(variable, { block }) {
      const units = timeUnitsOf(variable.spec);
      const texts = units === undefined ? [] : timeTexts(block, units).filter((text) => text !== null);
      return { first: texts[0] ?? "none", last: texts.at(-1) ?? "none" };
    },
  };
}
