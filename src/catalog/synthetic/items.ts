import { createHash } from "node:crypto";
import { createRandom, type Random } from "../../core/random.ts";
import type { Geometry, Json, StacAsset, StacItem } from "../../core/stac.ts";
import { DOMAINS, type Domain, EXPERIMENTS, MODELS, REGIONAL_MODELS, VARIABLES } from "./vocabulary.ts";

export type Project = "CMIP6" | "CORDEX-CMIP6";

const SCHEMAS: Readonly<Record<Project, string>> = {
  CMIP6: "https://esgf.github.io/stac-transaction-api/cmip6/v3.0.4/schema.json",
  "CORDEX-CMIP6": "https://esgf.github.io/stac-transaction-api/cordex-cmip6/v3.1.2/schema.json",
};
const EXTENSIONS = [
  "https://stac-extensions.github.io/file/v2.1.0/schema.json",
  "https://stac-extensions.github.io/alternate-assets/v1.2.0/schema.json",
];
/** Publication dates: any day of these years. */
const PUBLISHED = { from: Date.UTC(2019, 0, 1), days: 1461 };
const NODE = "data.gyre.invalid";
/** Every tenth record is a regional one. */
const CORDEX_EVERY = 10;

/**
 * Records as an archive would publish them: real controlled vocabularies, facets that agree with the id, no two of one
 * id, the same for the same seed. Nine of ten are CMIP6, of which a fifth is `historical`; `project` makes all of one.
 */
export function* syntheticItems(count: number, seed: number, project?: Project): Generator<StacItem> {
  for (let i = 0; i < count; i++) {
    const isRegional = project === undefined ? i % CORDEX_EVERY === CORDEX_EVERY - 1 : project === "CORDEX-CMIP6";
    const regional = Math.floor(i / CORDEX_EVERY);
    const index = project !== undefined ? i : isRegional ? regional : i - regional;
    yield isRegional ? cordexItem(index, seed) : cmip6Item(index, seed);
  }
}

/** One of each list, another combination for each index; what is left over counts realizations. */
function pick<T extends readonly (readonly unknown[])[]>(
  index: number,
  seed: number,
  ...lists: T
): { readonly of: { readonly [K in keyof T]: T[K][number] }; readonly round: number } {
  let rest = index;
  const of = lists.map((list, i) => {
    const at = rest % list.length;
    rest = Math.floor(rest / list.length);
    // A rotation by seed and by what is left keeps the combinations distinct and mixes them.
    return list[(at + rotation(seed, i, rest)) % list.length];
  });
  return { of: of as { readonly [K in keyof T]: T[K][number] }, round: rest };
}

function rotation(seed: number, list: number, rest: number): number {
  return Math.floor(createRandom(seed, list, rest)() * 1000);
}

function cmip6Item(index: number, seed: number): StacItem {
  const { of, round } = pick(index, seed, EXPERIMENTS, MODELS, VARIABLES);
  const [experiment, model, variable] = of;
  const variant = `r${round + 1}i1p1f1`;
  const parts = ["CMIP6", experiment.activity, model.institution, model.source, experiment.id, variant];
  const base = [...parts, variable.table, variable.id, model.grid];
  const stem = [variable.id, variable.table, model.source, experiment.id, variant, model.grid].join("_");
  const end =
    variable.frequency === "day"
      ? [`${experiment.years[0]}0101`, `${experiment.years[1]}1231`]
      : [`${experiment.years[0]}01`, `${experiment.years[1]}12`];
  const properties = {
    "cmip6:activity_id": [experiment.activity],
    "cmip6:data_specs_version": "01.00.33",
    "cmip6:experiment": experiment.title,
    "cmip6:experiment_id": experiment.id,
    "cmip6:frequency": variable.frequency,
    "cmip6:grid_label": model.grid,
    "cmip6:institution_id": model.institution,
    "cmip6:member_id": variant,
    "cmip6:nominal_resolution": model.resolution,
    "cmip6:product": "model-output",
    "cmip6:realm": [variable.realm],
    "cmip6:source_id": model.source,
    "cmip6:source_type": model.types,
    "cmip6:sub_experiment_id": "none",
    "cmip6:table_id": variable.table,
    "cmip6:variable_cf_standard_name": variable.standardName,
    "cmip6:variable_id": variable.id,
    "cmip6:variable_long_name": variable.longName,
    "cmip6:variable_units": variable.units,
    "cmip6:variant_label": variant,
  };
  return item("CMIP6", base, createRandom(seed, base.join(".")), {
    prefix: "cmip6",
    handle: "21.14100",
    file: `${stem}_${end.join("-")}.nc`,
    years: experiment.years,
    box: [-180, -90, 180, 90],
    properties,
    citation: true,
  });
}

function cordexItem(index: number, seed: number): StacItem {
  const scenarios = EXPERIMENTS.filter(({ id }) => id !== "piControl");
  const variables = VARIABLES.filter(({ realm, frequency }) => realm === "atmos" && frequency === "mon");
  const { of, round } = pick(index, seed, scenarios, DOMAINS, REGIONAL_MODELS, variables, MODELS);
  const [experiment, domain, model, variable, driver] = of;
  const variant = `r${round + 1}i1p1f1`;
  const realization = "v1-r1";
  const base = [
    "CORDEX-CMIP6",
    "DD",
    domain.id,
    model.institution,
    driver.source,
    experiment.id,
    variant,
    model.source,
    realization,
    variable.frequency,
    variable.id,
  ];
  const stem = [
    variable.id,
    ...base.slice(2, 3),
    driver.source,
    experiment.id,
    variant,
    ...base.slice(3, 4),
    model.source,
    realization,
    variable.frequency,
  ];
  const properties = {
    "cordex-cmip6:activity_id": ["DD"],
    "cordex-cmip6:domain": domain.name,
    "cordex-cmip6:domain_id": domain.id,
    "cordex-cmip6:driving_experiment_id": experiment.id,
    "cordex-cmip6:driving_institution_id": driver.institution,
    "cordex-cmip6:driving_source_id": driver.source,
    "cordex-cmip6:driving_variant_label": variant,
    "cordex-cmip6:frequency": variable.frequency,
    "cordex-cmip6:grid": "rotated-pole latitude-longitude",
    "cordex-cmip6:institution_id": model.institution,
    "cordex-cmip6:license": "CC-BY-4.0",
    "cordex-cmip6:mip_era": "CMIP6",
    "cordex-cmip6:product": "model-output",
    "cordex-cmip6:project_id": "CORDEX-CMIP6",
    "cordex-cmip6:source_id": model.source,
    "cordex-cmip6:source_type": model.type,
    "cordex-cmip6:variable_cf_standard_name": variable.standardName,
    "cordex-cmip6:variable_id": variable.id,
    "cordex-cmip6:variable_long_name": variable.longName,
    "cordex-cmip6:variable_units": variable.units,
    "cordex-cmip6:version_realization": realization,
    "cordex-cmip6:version_realization_info": "none",
  };
  return item("CORDEX-CMIP6", base, createRandom(seed, base.join(".")), {
    prefix: "cordex-cmip6",
    handle: "21.14103",
    file: `${stem.join("_")}_${experiment.years[0]}01-${experiment.years[1]}12.nc`,
    years: experiment.years,
    box: domain.box,
    properties,
    citation: false,
  });
}

interface Parts {
  readonly prefix: string;
  readonly handle: string;
  readonly file: string;
  readonly years: readonly [number, number];
  readonly box: Domain["box"];
  readonly properties: { readonly [name: string]: Json };
  /** Whether the project's schema wants a link to a citation. */
  readonly citation: boolean;
}

function item(project: Project, base: readonly string[], random: Random, parts: Parts): StacItem {
  const baseId = base.join(".");
  const published = new Date(PUBLISHED.from + Math.floor(random() * PUBLISHED.days) * 86_400_000);
  const created = published.toISOString().replace(".000", "");
  const version = created.slice(0, 10).replaceAll("-", "");
  const id = `${baseId}.v${version}`;
  const handle = `hdl:${parts.handle}/${uuid(id)}`;
  const size = 1_000_000 + Math.floor(random() * 2_000_000_000);
  const path = `${base.join("/")}/v${version}`;
  const { prefix, file } = parts;
  const asset: StacAsset = {
    href: `https://${NODE}/${path}/${file}`,
    type: "application/netcdf",
    title: file,
    roles: ["data"],
    "alternate:name": NODE,
    "file:size": size,
    "file:checksum": `1220${createHash("sha256").update(id).digest("hex")}`,
    "file:local_path": `${path}/${file}`,
    [`${prefix}:tracking_id`]: handle,
    created,
    protocol: "https",
  };
  const [from, to] = parts.years;
  return {
    type: "Feature",
    stac_version: "1.1.0",
    stac_extensions: [...EXTENSIONS, SCHEMAS[project]],
    id,
    collection: project,
    ...footprint(parts.box),
    properties: {
      title: baseId,
      datetime: null,
      start_datetime: `${from}-01-01T00:00:00Z`,
      end_datetime: `${to}-12-31T23:59:59Z`,
      created,
      updated: created,
      version,
      latest: true,
      retracted: false,
      project,
      size,
      access: ["HTTPServer"],
      base_id: baseId,
      [`${prefix}:pid`]: handle,
      ...parts.properties,
    },
    links: [
      // An item that names its collection must link to it.
      { rel: "collection", type: "application/json", href: `https://${NODE}/stac/collections/${project}` },
      ...(parts.citation
        ? [
            {
              rel: "cite-as",
              type: "application/json",
              title: "Citation URL",
              href: `https://cera-www.dkrz.de/WDCC/meta/CMIP6/${id}.json`,
            },
          ]
        : []),
    ],
    assets: { [file]: asset },
  };
}

/** The box as bbox and geometry; one across the antimeridian is cut there (RFC 7946, 3.1.9 and 5.2). */
function footprint([west, south, east, north]: Domain["box"]): {
  readonly bbox: number[];
  readonly geometry: Geometry;
} {
  const ring = (w: number, e: number): number[][] => [
    [w, south],
    [e, south],
    [e, north],
    [w, north],
    [w, south],
  ];
  const bbox = [west, south, east, north];
  if (west <= east) return { bbox, geometry: { type: "Polygon", coordinates: [ring(west, east)] } };
  return { bbox, geometry: { type: "MultiPolygon", coordinates: [[ring(west, 180)], [ring(-180, east)]] } };
}

/** A name-based UUID (RFC 9562, 5.5), so that the same record always has the same handle. */
function uuid(name: string): string {
  const hash = createHash("sha1").update(name).digest();
  hash[6] = ((hash[6] as number) & 0x0f) | 0x50;
  hash[8] = ((hash[8] as number) & 0x3f) | 0x80;
  const hex = hash.toString("hex");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20, 32)].join("-");
}
