import assert from "node:assert/strict";
import { before, test } from "node:test";
import { profileOf } from "../../../../src/catalog/profiles/profile.ts";
import { geometryFaults } from "../../../../src/catalog/validate/geometry-faults.ts";
import { facetFaults, profileFaults } from "../../../../src/catalog/validate/profile-faults.ts";
import { stacFaults } from "../../../../src/catalog/validate/stac-faults.ts";
import type { Opened } from "../../../../src/core/access.ts";
import type { Attr, Json } from "../../../../src/core/array.ts";
import { attrsFromJson } from "../../../../src/core/attrs.ts";
import type { StacItem } from "../../../../src/core/stac.ts";
import { GyreError } from "../../../../src/errors.ts";
import { withRetractions } from "../../../../src/protocols/stac/dataset-item/retractions.ts";
import { datasetItems } from "../../../../src/protocols/stac/dataset-item/route.ts";
import { testProtocol } from "../../../contract/protocol.ts";
import { BASE, call, createArchive, type Stored, serve } from "../../archive.ts";
import { createGrid } from "../../grid.ts";

let archive: Awaited<ReturnType<typeof createArchive>>;
let fetch: ReturnType<typeof serve>;

before(async () => {
  archive = await createArchive();
  archive.add("grid", await createGrid(archive));
  fetch = serve(archive.access, [datasetItems]);
});

testProtocol("dataset items", async () => ({
  fetch,
  base: BASE,
  entities: ["datasets/grid/stac", "datasets/alias/stac?collection=c"],
  missing: ["datasets/nothing/stac"],
  bad: ["datasets/grid/stac?collection=", "datasets/grid/stac?nonsense=1"],
}));

interface Answer {
  readonly item: StacItem;
  readonly warnings: readonly string[];
}

/** The item of a dataset of these variables, valid by our own rules. */
async function itemOf(
  id: string,
  variables: Readonly<Record<string, Stored>>,
  attrs: Readonly<Record<string, Json>> = {},
  more: Partial<Opened> = {},
): Promise<Answer> {
  const stored = await Promise.all(Object.entries(variables).map(([name, each]) => archive.store(id, name, each)));
  const sizes = stored.flatMap(({ spec }) => spec.dims.map((dim, i) => [dim, spec.shape[i]!] as const));
  archive.add(
    id,
    {
      format: "test",
      version: id,
      attrs: attrsFromJson(attrs) as ReadonlyMap<string, Attr>,
      dimensions: new Map(sizes.map(([dim, size]) => [dim, { size, unlimited: false }])),
      groups: new Map(),
      variables: new Map(stored.map((variable) => [variable.name, variable])),
    },
    more,
  );
  const response = await fetch(new Request(`http://inside.test/datasets/${id}/stac?collection=c`));
  assert.equal(response.status, 200, await response.clone().text());
  const item = (await response.json()) as StacItem;
  assert.deepEqual([...stacFaults({ ...item }, "item"), ...(await geometryFaults({ ...item }))], []);
  const warnings = JSON.parse(response.headers.get("gyre-warnings") ?? "[]") as string[];
  return { item, warnings: warnings.map(decodeURIComponent) };
}

function axis(dim: string, values: readonly number[], attrs: Readonly<Record<string, Json>>): Stored {
  return { dtype: "float64", dims: [dim], shape: [values.length], values: Float64Array.from(values), attrs };
}

function field(dims: readonly string[], shape: readonly number[], attrs: Readonly<Record<string, Json>> = {}): Stored {
  const count = shape.reduce((product, n) => product * n, 1);
  return { dtype: "float32", dims, shape, values: new Float32Array(count), attrs };
}

const LAT = { units: "degrees_north", standard_name: "latitude" };
const LON = { units: "degrees_east", standard_name: "longitude" };

test("axes with edges, in any turn and direction, and packed", async () => {
  const { item } = await itemOf("edges", {
    lat: axis("lat", [60, 50, 40], { ...LAT, bounds: "lat_bnds" }),
    lat_bnds: { ...field(["lat", "nv"], [3, 2]), values: Float32Array.of(65, 55, 55, 45, 45, 35) },
    lon: {
      ...axis("lon", [], { ...LON, scale_factor: 0.5, add_offset: 100 }),
      dtype: "int16",
      shape: [3],
      values: Int16Array.of(140, 160, 180),
    },
    tas: field(["lat", "lon"], [3, 3], { units: "K", long_name: "Temperature" }),
  });
  assert.deepEqual(item.bbox, [170, 35, -170, 65]);
  assert.equal(item.geometry?.type, "MultiPolygon");
  const { "cube:dimensions": dimensions, "cube:variables": variables } = item.properties as Record<string, Json>;
  assert.deepEqual(dimensions, {
    lat: { type: "spatial", axis: "y", extent: [40, 60], step: -10, reference_system: 4326 },
    lon: { type: "spatial", axis: "x", extent: [170, 190], step: 10, reference_system: 4326 },
  });
  assert.deepEqual(variables, {
    tas: {
      dimensions: ["lat", "lon"],
      type: "data",
      description: "Temperature",
      unit: "K",
      shape: [3, 3],
      chunks: [3, 3],
      data_type: "float32",
    },
  });
});

test("a dataset without places and times says so", async () => {
  const { item, warnings } = await itemOf("bare", { x: field(["n"], [4]) }, { creation_date: "2020-05-06T07:08:09Z" });
  assert.equal(item.geometry, null);
  assert.equal(item.properties.datetime, "2020-05-06T07:08:09Z");
  assert.deepEqual(warnings, [
    "its coordinates say no place: no geometry",
    "it has no time: 2020-05-06T07:08:09Z is when it was made",
  ]);
});

const CORDEX = {
  project_id: "CORDEX-CMIP6",
  mip_era: "CMIP6",
  activity_id: "DD",
  domain_id: "EUR-12",
  domain: "Europe",
  institution_id: "CLMcom-Hereon",
  driving_source_id: "MPI-ESM1-2-HR",
  driving_experiment_id: "historical",
  driving_institution_id: "MPI-M",
  driving_variant_label: "r1i1p1f1",
  source_id: "ICON-CLM-202407-1-1",
  source_type: "ARCM",
  version_realization: "v1-r1",
  version_realization_info: "none",
  frequency: "mon",
  variable_id: "tas",
  grid: "rotated-pole latitude-longitude",
  product: "model-output",
  license: "https://cordex.org/data-access/cordex-cmip6-data/cordex-cmip6-terms-of-use CC-BY-4.0",
  tracking_id: "hdl:21.14103/6f1ae1c6-9a3b-4d57-8d3e-0c8b3b0c3a55",
  creation_date: "2024-10-01T00:00:00Z",
};
const TAS = { standard_name: "air_temperature", long_name: "Near-Surface Air Temperature", units: "K" };

test("a regional dataset on a rotated grid is the project's item, and only what the file cannot know is missing", async () => {
  const { item, warnings } = await itemOf(
    "cordex.v20241001",
    {
      rlat: axis("rlat", [-20, 0, 20], { standard_name: "grid_latitude", units: "degrees", axis: "Y" }),
      rlon: axis("rlon", [-20, 0, 20], { standard_name: "grid_longitude", units: "degrees", axis: "X" }),
      time: axis("time", [15, 45], { units: "days since 1950-01-01", calendar: "360_day", standard_name: "time" }),
      crs: {
        ...field([], []),
        attrs: {
          grid_mapping_name: "rotated_latitude_longitude",
          grid_north_pole_latitude: 39.25,
          grid_north_pole_longitude: -162,
        },
      },
      tas: field(["time", "rlat", "rlon"], [2, 3, 3], { ...TAS, grid_mapping: "crs" }),
    },
    CORDEX,
  );
  const profile = (await profileOf("CORDEX-CMIP6"))!;
  assert.equal(
    item.id,
    "CORDEX-CMIP6.DD.EUR-12.CLMcom-Hereon.MPI-ESM1-2-HR.historical.r1i1p1f1.ICON-CLM-202407-1-1.v1-r1.mon.tas.v20241001",
  );
  assert.equal(item.collection, "CORDEX-CMIP6");
  assert.deepEqual(warnings, []);
  const faults = [...profileFaults({ ...item }, profile), ...facetFaults({ ...item }, profile)];
  // A handle is given on publication, and memory has no size.
  assert.deepEqual(
    faults.map(({ pointer }) => pointer).filter((p) => !/pid$|size$/.test(p)),
    [],
    JSON.stringify(faults),
  );
  const [west, south, east, north] = item.bbox as [number, number, number, number];
  assert.ok(west < -10 && east > 40 && south > 20 && south < 35 && north > 65, String(item.bbox));
  assert.equal(item.properties["cordex-cmip6:license"], "CC-BY-4.0");
  assert.equal(item.properties.start_datetime, "1950-01-16T00:00:00Z");
});

test("observations of obs4MIPs are items of their project", async () => {
  const { item } = await itemOf(
    "obs",
    { lat: axis("lat", [0, 1], LAT), lon: axis("lon", [0, 1], LON), pr: field(["lat", "lon"], [2, 2]) },
    {
      activity_id: "obs4MIPs",
      institution_id: "NASA-GSFC",
      source_id: "GPCP-2-3",
      frequency: "mon",
      variable_id: "pr",
      grid_label: "gn",
      creation_date: "2020-01-02T00:00:00Z",
    },
  );
  assert.equal(item.id, "obs4MIPs.NASA-GSFC.GPCP-2-3.mon.pr.gn.v20200102");
  assert.equal(item.collection, "obs4MIPs");
});

test("hostile names and values make a plain item", async () => {
  const long = "x".repeat(100_000);
  const { item } = await itemOf(
    "hostile",
    {
      lat: axis("lat", [Number.NaN, 91, 500], LAT),
      lon: axis("lon", [1e300, Number.POSITIVE_INFINITY, 0], LON),
      time: axis("time", [1e300, Number.NaN], { units: "days since 2000-01-01", bounds: "time" }),
      __proto__x: field(["time"], [2]),
      v: field(["lat", "lon"], [3, 3], { long_name: long, units: long, grid_mapping: "v", coordinates: "v v /v ../v" }),
    },
    {
      mip_era: "CMIP6",
      activity_id: "../../etc",
      title: "a\0b\0",
      summary: `${"x".repeat(4999)}\u{1f30d}`,
      license: long,
      further_info_url: "javascript:alert(1)",
      creator_url: "file:///etc/passwd",
      creation_date: long,
      history: long,
      keywords: ",".repeat(50_000),
    },
  );
  assert.equal(item.id, "hostile");
  assert.equal(item.collection, "c");
  assert.equal(item.geometry, null);
  assert.equal(item.properties.title, "ab");
  assert.ok(String(item.properties.description).isWellFormed());
  const text = JSON.stringify(item);
  assert.ok(text.length < 60_000, `${text.length}`);
  assert.doesNotMatch(text, /javascript:|file:|secret/);
});

test("axes of which no value is known are no place", async () => {
  for (const [i, [lat, lon]] of [
    [
      [Number.NaN, Number.NaN],
      [0, 1],
    ],
    [
      [0, 1],
      [Number.NaN, Number.NaN],
    ],
    [
      [-100, 0],
      [0, 1],
    ],
    [
      [0, 1],
      [Number.POSITIVE_INFINITY, Number.NaN],
    ],
  ].entries()) {
    const { item } = await itemOf(`nowhere${i}`, {
      lat: axis("lat", lat!, LAT),
      lon: axis("lon", lon!, LON),
      v: field(["lat", "lon"], [2, 2]),
    });
    assert.equal(item.geometry, null);
  }
});

test("a name that objects have is a variable like any other", async () => {
  const variables = Object.fromEntries([["__proto__", field(["constructor"], [2])]]);
  const { item } = await itemOf("names", variables);
  assert.deepEqual(Object.keys(item.properties["cube:variables"] as object), ["__proto__"]);
  assert.deepEqual(Object.keys(item.properties["cube:dimensions"] as object), ["constructor"]);
});

test("coordinates are read once, and data never", async () => {
  await itemOf("read", {
    lat: axis("lat", [0, 1], LAT),
    lon: axis("lon", [0, 1], LON),
    tas: field(["lat", "lon"], [2, 2]),
  });
  const { dataset } = (await archive.access.open("read", call))!;
  archive.add("again", { ...dataset });
  const read: string[] = [];
  const counting = serve(
    {
      ...archive.access,
      select(of, variable, selection, by) {
        read.push(variable.name);
        return archive.access.select(of, variable, selection, by);
      },
    },
    [datasetItems],
  );
  const text = async (): Promise<string> =>
    (await counting(new Request("http://inside.test/datasets/again/stac"))).text();
  const first = await text();
  const before = read.length;
  assert.deepEqual([...new Set(read)].sort(), ["lat", "lon"]);
  assert.equal(await text(), first);
  assert.equal(read.length, before);
});

test("retracted datasets are gone from event to event; while nobody can be asked what is known stays", async () => {
  let state: number | undefined;
  let isAway = false;
  const asked: string[] = [];
  const retracted = new Set<string>();
  const access = withRetractions(archive.access, {
    state: () => state,
    async among(ids) {
      asked.push(...ids);
      if (isAway) throw new GyreError("Busy", "away");
      return new Set(ids.filter((id) => retracted.has(id)));
    },
  });
  const opens = (): Promise<boolean> => access.open("cordex.v20241001", call).then((opened) => opened !== undefined);
  assert.ok(await opens(), "before there is a catalogue");
  assert.deepEqual(asked, []);
  state = 1;
  assert.ok(await opens());
  assert.ok(await opens());
  assert.equal(asked.length, 1);
  assert.match(asked[0]!, /^CORDEX-CMIP6\./, "it is asked for by its item's id");
  retracted.add(asked[0]!);
  state = 2;
  await assert.rejects(opens, { tag: "Gone" });
  state = undefined;
  await assert.rejects(opens, { tag: "Gone" });
  isAway = true;
  state = 3;
  assert.ok(await opens(), "data is served also while the catalogue is away");
  isAway = false;
  await assert.rejects(opens, { tag: "Gone" });
});

test("lists leave retracted datasets out, by the ids of their items, and ask once between two events", async () => {
  const items = new Map([["two", "CMIP6.two"]]);
  const listed = ["one", "two", "three"];
  let state: number | undefined = 1;
  let isAway = false;
  const asked: (readonly string[])[] = [];
  const retracted = new Set(["CMIP6.two"]);
  const access = withRetractions(
    {
      ...archive.access,
      async *list() {
        yield* listed;
      },
      item: (id) => items.get(id),
    },
    {
      state: () => state,
      async among(ids) {
        asked.push(ids);
        if (isAway) throw new GyreError("Busy", "away");
        return new Set(ids.filter((id) => retracted.has(id)));
      },
    },
  );
  const list = (): Promise<string[]> => Array.fromAsync(access.list(call));
  assert.deepEqual(await list(), ["one", "three"]);
  assert.deepEqual(await Promise.all([list(), list()]), [
    ["one", "three"],
    ["one", "three"],
  ]);
  assert.deepEqual(asked, [["one", "CMIP6.two", "three"]]);
  retracted.add("one").delete("CMIP6.two");
  assert.deepEqual(await list(), ["one", "three"], "no event, no question");
  state = 2;
  assert.deepEqual(await list(), ["two", "three"]);
  assert.equal(asked.length, 2);
  state = undefined;
  assert.deepEqual(await list(), ["two", "three"], "what is known stays while nobody can be asked");
  [state, isAway] = [3, true];
  assert.deepEqual(await list(), listed, "data is served also while the catalogue is away");
  isAway = false;
  assert.deepEqual(await list(), ["two", "three"]);
  const before = asked.length;
  for (let i = listed.length; i < 2500; i++) listed.push(`d${i}`);
  state = 4;
  assert.equal((await list()).length, 2499);
  assert.equal(asked.length - before, 3, "many are asked about in a few questions");
  // No scan has opened this one, so that nobody knew its item.
  listed.push("cordex.v20241001");
  assert.ok((await list()).includes("cordex.v20241001"));
  const id = await access.open("cordex.v20241001", call).then(() => asked.at(-1)![0]!);
  retracted.add(id);
  state = 5;
  assert.ok(!(await list()).includes("cordex.v20241001"));
});
