import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { ANONYMOUS } from "../../core/principal.ts";
import { GyreError } from "../../errors.ts";
import { type LoadReport, loadBoundaries } from "../../flows/boundaries/load-boundaries.ts";
import type { CommandIo } from "../command.ts";
import { OPTIONS, withBoundaries } from "./opened.ts";

/** Repairs that are printed; the report of --json has more. */
const MOST_PRINTED = 20;

/** `gyre boundaries load`. */
export async function load(argv: readonly string[], io: CommandIo): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...argv],
    allowPositionals: true,
    options: {
      ...OPTIONS,
      "name-column": { type: "string" },
      "long-name-column": { type: "string" },
      "admin-level": { type: "string", default: "0" },
      layer: { type: "string" },
      replace: { type: "boolean", default: false },
    },
  });
  const [path, ...more] = positionals;
  if (path === undefined || more.length > 0) throw new GyreError("BadRequest", "load takes one FILE");
  const adminLevel = values["admin-level"];
  if (!/^\d{1,2}$/.test(adminLevel)) throw new GyreError("BadRequest", "--admin-level is a number from 0 to 99");
  const { layer, "name-column": nameColumn, "long-name-column": longNameColumn } = values;
  const request = {
    path: resolve(path),
    adminLevel: Number(adminLevel),
    replace: values.replace,
    ...(nameColumn === undefined ? {} : { nameColumn }),
    ...(longNameColumn === undefined ? {} : { longNameColumn }),
    ...(layer === undefined ? {} : { layer }),
  };
  const call = { who: ANONYMOUS, signal: io.signal };
  const report = await withBoundaries(values, io, (boundaries) => loadBoundaries(boundaries, request, call));
  if (values.json) io.out(JSON.stringify(report));
  else print(report, io);
  return 0;
}

function print(report: LoadReport, io: CommandIo): void {
  const { added, changed, unchanged, removed, skipped, repaired, repairedCount } = report;
  if (report.isCrsAssumed) io.err("the file names no CRS: taken as degrees of WGS 84");
  for (const { name, faults } of repaired.slice(0, MOST_PRINTED)) io.err(`repaired ${name}: ${faults.join(", ")}`);
  if (repairedCount > MOST_PRINTED) io.err(`repaired ${repairedCount - MOST_PRINTED} more`);
  if (skipped.withoutName > 0) io.err(`left out ${skipped.withoutName} without a name`);
  if (skipped.withoutPolygon > 0) io.err(`left out ${skipped.withoutPolygon} without a polygon`);
  io.out(`${added} added, ${changed} changed, ${unchanged} unchanged, ${removed} taken away`);
}
