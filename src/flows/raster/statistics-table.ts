import { writeFile } from "node:fs/promises";
import type { IoCall, Variable } from "../../core/array.ts";
import { product } from "../../core/array.ts";
import { textAttr } from "../../core/attrs.ts";
import { resolveName } from "../../core/axes.ts";
import { all } from "../../core/selection.ts";
import { timeTexts, timeUnitsOf } from "../../read/cf/times.ts";
import { decodeCf } from "../../read/cf.ts";
import type { Clipped, ClippedDataset } from "./clip.ts";
import { type Statistics, statisticsOf } from "./statistics.ts";

type Cell = string | number | null;

/** A table by columns, all of one length. */
export type StatisticsTable = ReadonlyMap<string, readonly Cell[]>;

const FIGURES = ["mean", "min", "max", "sum", "count", "area"] as const satisfies readonly (keyof Statistics)[];

/**
 * One row for each variable and position along its other dimensions: `layer`, `variable`, `units`, the coordinates of the
 * position (ISO text for times), and the statistics; `area` is in square metres.
 */
export async function statisticsTable(
  layers: AsyncIterable<readonly [name: string, clipped: ClippedDataset]>,
  call?: IoCall,
): Promise<StatisticsTable> {
  const rows: ReadonlyMap<string, Cell>[] = [];
  for await (const [layer, clipped] of layers) {
    for (const variable of clipped.variables) {
      const found = await statisticsOf(variable, call);
      const labels = await labelsOf(clipped, variable, call);
      const units = textAttr(variable.source.spec.attrs, "units") ?? null;
      found.forEach((statistics, position) => {
        const places = [...labels].map(([name, label]) => [name, label(position)] as const);
        const figures = FIGURES.map((name) => [name, finite(statistics[name])] as const);
        const named: readonly (readonly [string, Cell])[] = [
          ["layer", layer],
          ["variable", variable.name],
          ["units", units],
        ];
        rows.push(new Map<string, Cell>([...named, ...places, ...figures]));
      });
    }
  }
  return columnsOf(rows);
}

/** Columns that no row has are left out, the figures stand last. */
function columnsOf(rows: readonly ReadonlyMap<string, Cell>[]): StatisticsTable {
  const names = new Set(rows.flatMap((row) => [...row.keys()]));
  for (const name of FIGURES) if (names.delete(name)) names.add(name);
  const columns = [...names].map((name) => [name, rows.map((row) => row.get(name) ?? null)] as const);
  return new Map(
    columns.filter(([name, values]) => values.some((value) => value !== null && value !== "") || isFigure(name)),
  );
}

function isFigure(name: string): boolean {
  return (FIGURES as readonly string[]).includes(name);
}

function finite(value: number): number | null {
  return Number.isFinite(value) ? value : null;
}

/** Of each other dimension: what its coordinate says at a position; the index where there is no coordinate. */
async function labelsOf(
  { dataset, read }: ClippedDataset,
  { source, spec, xDim, yDim }: Clipped,
  call?: IoCall,
): Promise<Map<string, (position: number) => Cell>> {
  const labels = new Map<string, (position: number) => Cell>();
  for (const [dim, name] of spec.dims.entries()) {
    if (dim === xDim || dim === yDim) continue;
    const inner = product(spec.shape.filter((_, i) => i > dim && i !== xDim && i !== yDim));
    const path = resolveName(dataset, source.name, name);
    const coordinate = path === undefined ? undefined : dataset.variables.get(path);
    const texts = coordinate && (await coordinateCells(coordinate, read, call));
    labels.set(name, (position) => {
      const index = Math.floor(position / inner) % spec.shape[dim]!;
      return texts?.[index] ?? (texts === undefined ? index : null);
    });
  }
  return labels;
}

async function coordinateCells(
  variable: Variable,
  read: ClippedDataset["read"],
  call?: IoCall,
): Promise<readonly Cell[] | undefined> {
  const { spec } = variable;
  if (spec.dims.length !== 1) return undefined;
  const block = decodeCf(await read(variable, all(spec.shape), call), spec);
  const units = timeUnitsOf(spec);
  if (units !== undefined) return timeTexts(block, units);
  if (block.dtype === "string") return block.data as string[];
  if (!ArrayBuffer.isView(block.data)) return undefined;
  return Array.from(block.data as Float64Array | BigInt64Array, Number);
}

/** Comma-separated values (RFC 4180) with a header; numbers with all their digits, nothing where there is none. */
export async function writeCsv(path: string, table: StatisticsTable, call?: IoCall): Promise<void> {
  const columns = [...table.values()];
  const lines = [[...table.keys()].map(quoted).join(",")];
  for (let row = 0; row < (columns[0]?.length ?? 0); row++) {
    lines.push(columns.map((values) => quoted(values[row] ?? "")).join(","));
  }
  await writeFile(path, `${lines.join("\r\n")}\r\n`, { flag: "wx", ...call });
}

function quoted(value: string | number): string {
  const text = String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** Parquet with a column of text or of doubles for each. */
export async function writeParquet(path: string, table: StatisticsTable, call?: IoCall): Promise<void> {
  const { parquetWriteBuffer } = await import("hyparquet-writer");
  const columnData = [...table].map(([name, values]) => {
    const isText = values.some((value) => typeof value === "string");
    const data = isText ? values.map((value) => (value === null ? null : String(value))) : [...values];
    return { name, data, type: isText ? ("STRING" as const) : ("DOUBLE" as const), nullable: true };
  });
  const buffer = parquetWriteBuffer({ columnData });
  await writeFile(path, new Uint8Array(buffer), { flag: "wx", ...call });
}
