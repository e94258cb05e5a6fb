import { createHash } from "node:crypto";
import type { Attr } from "../../core/array.ts";
import type { CLIMATES } from "./climate.ts";

/** A variable of a CMIP6 table. */
export interface TableVariable {
  readonly id: keyof typeof CLIMATES;
  readonly table: string;
  readonly realm: string;
  readonly standardName: string;
  readonly longName: string;
  readonly units: string;
  readonly cellMethods: string;
  readonly cellMeasures: string;
  /** Metres above the ground, where the variable has one. */
  readonly height?: number;
  /** Bits of the mantissa that carry signal. */
  readonly keepBits: number;
}

/** A model of no institution: its output must never be taken for that of a real one. */
export interface Model {
  readonly id: string;
  readonly calendar: "noleap" | "360_day" | "standard";
  readonly unitsSince: string;
}

export interface Experiment {
  readonly id: string;
  readonly activity: string;
  readonly title: string;
  readonly firstYear: number;
  readonly parent: string;
  /** Kelvin above pre-industrial in the first year, and per year. */
  readonly warming: readonly [number, number];
}

export const VARIABLES: readonly TableVariable[] = [
  {
    id: "tas",
    table: "Amon",
    realm: "atmos",
    standardName: "air_temperature",
    longName: "Near-Surface Air Temperature",
    units: "K",
    cellMethods: "area: time: mean",
    cellMeasures: "area: areacella",
    height: 2,
    keepBits: 13,
  },
  {
    id: "pr",
    table: "Amon",
    realm: "atmos",
    standardName: "precipitation_flux",
    longName: "Precipitation",
    units: "kg m-2 s-1",
    cellMethods: "area: time: mean",
    cellMeasures: "area: areacella",
    keepBits: 8,
  },
  {
    id: "tos",
    table: "Omon",
    realm: "ocean",
    standardName: "sea_surface_temperature",
    longName: "Sea Surface Temperature",
    units: "degC",
    cellMethods: "area: mean where sea time: mean",
    cellMeasures: "area: areacello",
    keepBits: 10,
  },
  {
    id: "psl",
    table: "Amon",
    realm: "atmos",
    standardName: "air_pressure_at_mean_sea_level",
    longName: "Sea Level Pressure",
    units: "Pa",
    cellMethods: "area: time: mean",
    cellMeasures: "area: areacella",
    keepBits: 14,
  },
  {
    id: "sfcWind",
    table: "Amon",
    realm: "atmos",
    standardName: "wind_speed",
    longName: "Near-Surface Wind Speed",
    units: "m s-1",
    cellMethods: "area: time: mean",
    cellMeasures: "area: areacella",
    height: 10,
    keepBits: 9,
  },
];

export const MODELS: readonly Model[] = [
  { id: "GYRE-ESM1", calendar: "noleap", unitsSince: "days since 1850-01-01" },
  { id: "GYRE-ESM1-360", calendar: "360_day", unitsSince: "days since 1850-01-01" },
  { id: "GYRE-CM2", calendar: "standard", unitsSince: "days since 1850-01-01" },
];

export const EXPERIMENTS: readonly Experiment[] = [
  {
    id: "historical",
    activity: "CMIP",
    title: "all-forcing simulation of the recent past",
    firstYear: 2013,
    parent: "piControl",
    warming: [1, 0.025],
  },
  {
    id: "ssp585",
    activity: "ScenarioMIP",
    title: "update of RCP8.5 based on SSP5",
    firstYear: 2090,
    parent: "historical",
    warming: [4.6, 0.06],
  },
  {
    id: "ssp245",
    activity: "ScenarioMIP",
    title: "update of RCP4.5 based on SSP2",
    firstYear: 2090,
    parent: "historical",
    warming: [2.6, 0.02],
  },
];

const INSTITUTION = "GYRE";
const GRID = "gn";
const VERSION = "v20250101";

/** What a dataset is: one choice of each facet. */
export interface Facets {
  readonly variable: TableVariable;
  readonly model: Model;
  readonly experiment: Experiment;
  /** Realization index. */
  readonly member: number;
}

/** The `index`-th dataset: variables and models change first, so that a few datasets differ in all that matters. */
export function facetsOf(index: number): Facets {
  const perExperiment = VARIABLES.length * MODELS.length;
  const experiment = Math.floor(index / perExperiment) + Math.floor((index % perExperiment) / MODELS.length);
  return {
    variable: VARIABLES[index % VARIABLES.length]!,
    model: MODELS[index % MODELS.length]!,
    experiment: EXPERIMENTS[experiment % EXPERIMENTS.length]!,
    member: 1 + Math.floor(index / (perExperiment * EXPERIMENTS.length)),
  };
}

/** `r1i1p1f1`. */
function memberId({ member }: Facets): string {
  return `r${member}i1p1f1`;
}

/** Parts of the data reference syntax, from the era to the version. */
export function drsParts(facets: Facets): readonly string[] {
  const { variable, model, experiment } = facets;
  const member = memberId(facets);
  return [
    "CMIP6",
    experiment.activity,
    INSTITUTION,
    model.id,
    experiment.id,
    member,
    variable.table,
    variable.id,
    GRID,
    VERSION,
  ];
}

/** `tas_Amon_GYRE-ESM1_historical_r1i1p1f1_gn`; the time range and the suffix follow. */
export function fileStem(facets: Facets): string {
  const { variable, model, experiment } = facets;
  return [variable.id, variable.table, model.id, experiment.id, memberId(facets), GRID].join("_");
}

export const text = (value: string): Attr => ({ dtype: "string", value });
const int = (value: number): Attr => ({ dtype: "int32", value });

/** Global attributes after the CMIP6 controlled vocabulary. `name` is the file's own: it makes the tracking id. */
export function globalAttributes(facets: Facets, name: string, seed: number): Map<string, Attr> {
  const { variable, model, experiment } = facets;
  const member = memberId(facets);
  const child = experiment.parent !== "piControl";
  return new Map<string, Attr>([
    ["Conventions", text("CF-1.7 CMIP-6.2")],
    ["activity_id", text(experiment.activity)],
    ["branch_method", text("standard")],
    ["branch_time_in_child", { dtype: "float64", value: 0 }],
    ["branch_time_in_parent", { dtype: "float64", value: 0 }],
    ["creation_date", text("2025-01-01T00:00:00Z")],
    ["data_specs_version", text("01.00.33")],
    ["experiment", text(experiment.title)],
    ["experiment_id", text(experiment.id)],
    ["external_variables", text(variable.cellMeasures.replace("area: ", ""))],
    ["forcing_index", int(1)],
    ["frequency", text("mon")],
    [
      "further_info_url",
      text(`https://furtherinfo.es-doc.org/CMIP6.${INSTITUTION}.${model.id}.${experiment.id}.none.${member}`),
    ],
    ["grid", text("regular latitude-longitude grid")],
    ["grid_label", text(GRID)],
    ["history", text(`gyre generate --seed ${seed}`)],
    ["initialization_index", int(1)],
    ["institution", text("Gyre: synthetic fields, not the output of a climate model")],
    ["institution_id", text(INSTITUTION)],
    ["license", text("Synthetic data made by `gyre generate`; dedicated to the public domain (CC0 1.0).")],
    ["mip_era", text("CMIP6")],
    ["nominal_resolution", text("250 km")],
    ["parent_activity_id", text("CMIP")],
    ["parent_experiment_id", text(experiment.parent)],
    ["parent_mip_era", text("CMIP6")],
    ["parent_source_id", text(model.id)],
    ["parent_time_units", text(model.unitsSince)],
    ["parent_variant_label", text(child ? member : "r1i1p1f1")],
    ["physics_index", int(1)],
    ["product", text("model-output")],
    ["realization_index", int(facets.member)],
    ["realm", text(variable.realm)],
    ["source", text(`${model.id} (2025): analytic climate with random weather on real coastlines`)],
    ["source_id", text(model.id)],
    ["source_type", text("AOGCM")],
    ["sub_experiment", text("none")],
    ["sub_experiment_id", text("none")],
    ["table_id", text(variable.table)],
    ["title", text(`${model.id} output prepared for CMIP6`)],
    ["tracking_id", text(`hdl:21.14100/${uuid(`${seed}/${name}`)}`)],
    ["variable_id", text(variable.id)],
    ["variant_label", text(member)],
  ]);
}

/** A name-based UUID (RFC 9562, version 8): the same file of the same seed has the same tracking id. */
function uuid(name: string): string {
  const bytes = createHash("sha256").update(name).digest().subarray(0, 16);
  bytes[6] = (bytes[6]! & 0x0f) | 0x80;
  bytes[8] = (bytes[8]! & 0x3f) | 0x80;
  return bytes.toString("hex").replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}
