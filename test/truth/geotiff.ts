import type { Block, Dataset, Variable } from "../../src/core/array.ts";
import type { Findings } from "./findings.ts";

export type GeotiffRecord = Record<string, unknown>;

export async function compareGeotiff(
  _record: GeotiffRecord,
  _dataset: Dataset,
  _read: (variable: Variable) => Promise<Block>,
  _findings: Findings,
): Promise<void> {}
