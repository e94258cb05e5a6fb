import type { ArraySpec, Attr, Block, CodecSpec, Dimension } from "../../core/array.ts";
import { dayNumber } from "../../core/calendar.ts";
import { parseTimeUnits } from "../../core/time.ts";
import { inMemory, type Source, type SourceVariable } from "../source.ts";
import { CLIMATES, type Earth, keepBits, MISSING } from "./climate.ts";
import { drsParts, type Facets, facetsOf, fileStem, globalAttributes, text } from "./cmip6.ts";
import { createWeather } from "./weather.ts";

/** What is left of a month's weather in the next one. */
const PERSISTENCE = 0.35;

/** A stretch of months of a dataset. */
export interface Stretch {
  /** From the dataset's first month on. */
  readonly firstMonth: number;
  readonly months: number;
}

/** One synthetic dataset: names, and sources for any stretch of it. */
export interface SyntheticDataset {
  /** DRS id, dots between its parts. */
  readonly id: string;
  /** Folder of the DRS, without a slash at the end. */
  readonly folder: string;
  readonly facets: Facets;
  readonly earth: Earth;
  readonly months: number;
  /** `..._201301-201312`. */
  name(stretch: Stretch): string;
  /** `codecs` are those of the field; its chunks are single months unless `chunkMonths` says otherwise. */
  source(stretch: Stretch, codecs: readonly CodecSpec[], chunkMonths?: number): Source;
  /** The fields of a stretch, a month at a time: south to north, from 0 degrees east. */
  fields(stretch: Stretch): Iterable<Float32Array>;
}

/** A dataset split in time, in pieces of so many months; the last may be shorter. */
export function pieces({ months }: SyntheticDataset, length: number): Stretch[] {
  return Array.from({ length: Math.ceil(months / length) }, (_, i) => ({
    firstMonth: i * length,
    months: Math.min(length, months - i * length),
  }));
}

/** The `index`-th dataset of an archive. The same index, seed and grid give the same bytes. */
export function syntheticDataset(index: number, seed: number, earth: Earth, months: number): SyntheticDataset {
  const facets = facetsOf(index);
  const parts = drsParts(facets);
  const stem = fileStem(facets);
  const month = (n: number): string => {
    const year = facets.experiment.firstYear + Math.floor(n / 12);
    return `${year}${String((n % 12) + 1).padStart(2, "0")}`;
  };
  const name = ({ firstMonth, months: count }: Stretch): string =>
    `${stem}_${month(firstMonth)}-${month(firstMonth + count - 1)}`;
  const dataset: SyntheticDataset = {
    id: parts.join("."),
    folder: parts.join("/"),
    facets,
    earth,
    months,
    name,
    source(stretch, codecs, chunkMonths = 1) {
      const attrs = globalAttributes(facets, name(stretch), seed);
      return sourceOf(facets, earth, stretch, attrs, { codecs, chunkMonths, fields: () => dataset.fields(stretch) });
    },
    *fields({ firstMonth, months: count }) {
      const { experiment, variable } = facets;
      // The weather of a scenario differs from that of history, but not by file or stretch.
      const weather = createWeather(earth.rows, earth.columns, PERSISTENCE, seed, stem);
      for (let n = 0; n < firstMonth; n++) weather.next();
      for (let n = firstMonth; n < firstMonth + count; n++) {
        const out = new Float32Array(earth.rows * earth.columns);
        const warming = experiment.warming[0] + (n / 12) * experiment.warming[1];
        CLIMATES[variable.id](earth, { yearPart: ((n % 12) + 0.5) / 12, warming }, weather.next(), out);
        keepBits(out, variable.keepBits);
        yield out;
      }
    },
  };
  return dataset;
}

const PLAIN: readonly CodecSpec[] = [{ name: "bytes", configuration: { endian: "little" } }];

interface Field {
  readonly codecs: readonly CodecSpec[];
  readonly chunkMonths: number;
  fields(): Iterable<Float32Array>;
}

function sourceOf(facets: Facets, earth: Earth, stretch: Stretch, attrs: Map<string, Attr>, field: Field): Source {
  const { rows, columns } = earth;
  const { variable } = facets;
  const dimensions = new Map<string, Dimension>([
    ["time", { size: stretch.months, unlimited: true }],
    ["lat", { size: rows, unlimited: false }],
    ["lon", { size: columns, unlimited: false }],
    ["bnds", { size: 2, unlimited: false }],
  ]);
  const variables: SourceVariable[] = [
    ...timeVariables(facets, stretch),
    ...axisVariables("lat", "latitude", "degrees_north", "Y", earth.latitudes, 180 / rows),
    ...axisVariables("lon", "longitude", "degrees_east", "X", earth.longitudes, 360 / columns),
  ];
  if (variable.height !== undefined) variables.push(heightVariable(variable.height));
  variables.push(fieldVariable(facets, [stretch.months, rows, columns], field));
  return { attrs, dimensions, groups: new Map(), variables: new Map(variables.map((v) => [v.name, v])) };
}

function spec(
  dims: readonly string[],
  shape: readonly number[],
  attrs: readonly (readonly [string, Attr])[],
): ArraySpec {
  return { dtype: "float64", dims, shape, chunks: shape, codecs: PLAIN, fill: null, attrs: new Map(attrs) };
}

function timeVariables({ model, experiment }: Facets, { firstMonth, months }: Stretch): SourceVariable[] {
  const { calendar, epoch } = parseTimeUnits(model.unitsSince, model.calendar);
  const start = (n: number): number => {
    const date = { year: experiment.firstYear + Math.floor(n / 12), month: (n % 12) + 1, day: 1 };
    return (dayNumber(calendar, date) as number) - epoch.day;
  };
  const values = new Float64Array(months);
  const bounds = new Float64Array(months * 2);
  for (let i = 0; i < months; i++) {
    bounds[2 * i] = start(firstMonth + i);
    bounds[2 * i + 1] = start(firstMonth + i + 1);
    values[i] = (bounds[2 * i]! + bounds[2 * i + 1]!) / 2;
  }
  const attrs = [
    ["axis", text("T")],
    ["bounds", text("time_bnds")],
    ["calendar", text(model.calendar)],
    ["long_name", text("time")],
    ["standard_name", text("time")],
    ["units", text(model.unitsSince)],
  ] as const;
  return [
    inMemory("time", { ...spec(["time"], [months], attrs), chunks: [512] }, values),
    inMemory("time_bnds", { ...spec(["time", "bnds"], [months, 2], []), chunks: [512, 2] }, bounds),
  ];
}

function axisVariables(
  name: string,
  standardName: string,
  units: string,
  axis: string,
  values: Float64Array,
  step: number,
): SourceVariable[] {
  const bounds = new Float64Array(values.length * 2);
  values.forEach((value, i) => {
    bounds[2 * i] = value - step / 2;
    bounds[2 * i + 1] = value + step / 2;
  });
  const attrs = [
    ["axis", text(axis)],
    ["bounds", text(`${name}_bnds`)],
    ["long_name", text(standardName)],
    ["standard_name", text(standardName)],
    ["units", text(units)],
  ] as const;
  return [
    inMemory(name, spec([name], [values.length], attrs), values),
    inMemory(`${name}_bnds`, spec([name, "bnds"], [values.length, 2], []), bounds),
  ];
}

function heightVariable(metres: number): SourceVariable {
  const attrs = [
    ["axis", text("Z")],
    ["long_name", text("height")],
    ["positive", text("up")],
    ["standard_name", text("height")],
    ["units", text("m")],
  ] as const;
  return inMemory("height", spec([], [], attrs), Float64Array.of(metres));
}

function fieldVariable({ variable }: Facets, shape: readonly number[], field: Field): SourceVariable {
  const missing: Attr = { dtype: "float32", value: MISSING };
  const attrs = new Map<string, Attr>([
    ["_FillValue", missing],
    ["cell_measures", text(variable.cellMeasures)],
    ["cell_methods", text(variable.cellMethods)],
    ["comment", text("synthetic")],
    ...(variable.height === undefined ? [] : [["coordinates", text("height")] as const]),
    ["long_name", text(variable.longName)],
    ["missing_value", missing],
    ["standard_name", text(variable.standardName)],
    ["units", text(variable.units)],
  ]);
  const chunks = [Math.min(field.chunkMonths, shape[0]!), ...shape.slice(1)];
  return {
    name: variable.id,
    spec: { dtype: "float32", dims: ["time", "lat", "lon"], shape, chunks, codecs: field.codecs, fill: MISSING, attrs },
    async *blocks(): AsyncGenerator<Block> {
      for (const data of field.fields()) yield { dtype: "float32", shape: [1, ...shape.slice(1)], data };
    },
  };
}
