import type { Shape } from "./shape.ts";

type Members = Readonly<Record<string, Shape>>;
type Version = "1.0" | "1.1";

const TEXT: Shape = { kind: "text" };
const NAMED: Shape = { kind: "text", shortest: 1 };
const TEXTS: Shape = { kind: "list", of: TEXT };
const UTC: Shape = { kind: "text", format: "utc" };
const NUMBER: Shape = { kind: "number" };
const LICENSE: Shape = { kind: "text", pattern: "^[\\w\\-\\.\\+]+$" };

function provider(name: Shape): Shape {
  return {
    kind: "object",
    required: ["name"],
    members: {
      name,
      description: TEXT,
      roles: { kind: "list", of: { kind: "text", oneOf: "producer|licensor|processor|host" } },
      url: { kind: "text", format: "iri" },
    },
  };
}

const TIMES: Members = {
  datetime: { kind: "either", of: [UTC, { kind: "null" }] },
  start_datetime: UTC,
  end_datetime: UTC,
  created: UTC,
  updated: UTC,
};

const INSTRUMENT: Members = {
  platform: TEXT,
  instruments: TEXTS,
  constellation: TEXT,
  mission: TEXT,
  gsd: { kind: "number", above: 0 },
};

/** Common metadata of STAC 1.0 (item-spec/json-schema: basics, datetime, instrument, licensing, provider). */
const COMMON_1_0: Members = {
  title: TEXT,
  description: TEXT,
  ...TIMES,
  ...INSTRUMENT,
  license: LICENSE,
  providers: { kind: "list", of: provider(NAMED) },
};

const STATISTICS: Shape = {
  kind: "object",
  least: 1,
  members: {
    minimum: NUMBER,
    maximum: NUMBER,
    mean: NUMBER,
    stddev: NUMBER,
    count: { kind: "integer", least: 0 },
    valid_percent: { kind: "number", least: 0, most: 100 },
  },
};

const COMMON_1_1_ALONE: Members = {
  ...COMMON_1_0,
  description: NAMED,
  keywords: TEXTS,
  roles: TEXTS,
  data_type: {
    kind: "text",
    oneOf:
      "int8|int16|int32|int64|uint8|uint16|uint32|uint64|float16|float32|float64|cint16|cint32|cfloat32|cfloat64|other",
  },
  nodata: { kind: "either", of: [NUMBER, { kind: "text", oneOf: "nan|inf|-inf" }] },
  statistics: STATISTICS,
  unit: TEXT,
};

/** Common metadata of STAC 1.1, which adds bands and values; a band has common metadata itself. */
const COMMON_1_1: Members = {
  ...COMMON_1_1_ALONE,
  bands: { kind: "list", of: { kind: "object", members: { ...COMMON_1_1_ALONE, name: TEXT } } },
};

const COMMON: Readonly<Record<Version, Members>> = { "1.0": COMMON_1_0, "1.1": COMMON_1_1 };

function link(version: Version): Shape {
  const members: Members = {
    href: { kind: "text", shortest: 1, format: "iri-reference" },
    rel: NAMED,
    type: TEXT,
    title: TEXT,
  };
  if (version === "1.0") return { kind: "object", required: ["rel", "href"], members };
  const method: Shape = { kind: "text", pattern: "^[A-Z]+$" };
  const headers: Shape = { kind: "object", others: { kind: "either", of: [TEXT, TEXTS] } };
  return { kind: "object", required: ["rel", "href"], members: { ...COMMON_1_1, ...members, method, headers } };
}

function asset(version: Version): Shape {
  const own: Members = { title: TEXT, description: TEXT, type: TEXT, roles: TEXTS };
  const href: Shape = { kind: "text", shortest: 1, format: "iri-reference" };
  return { kind: "object", required: ["href"], members: { ...own, ...COMMON[version], href } };
}

/** Each has a schema to check by: more are no list of extensions. */
export const MAX_EXTENSIONS = 100;
const EXTENSIONS: Shape = { kind: "list", isSet: true, longest: MAX_EXTENSIONS, of: { kind: "text", format: "iri" } };

/** STAC Item 1.0.0 and 1.1.0, but for its geometry and what depends on several members. */
export function itemShape(version: Version): Shape {
  return {
    kind: "object",
    required: ["stac_version", "id", "type", "geometry", "links", "assets", "properties"],
    members: {
      stac_extensions: EXTENSIONS,
      id: NAMED,
      type: { kind: "text", oneOf: "Feature" },
      collection: NAMED,
      links: { kind: "list", of: link(version) },
      assets: { kind: "object", others: asset(version) },
      properties: { kind: "object", required: ["datetime"], members: COMMON[version] },
    },
  };
}

const BOX: Shape = {
  kind: "either",
  of: [
    { kind: "list", of: NUMBER, shortest: 4, longest: 4 },
    { kind: "list", of: NUMBER, shortest: 6, longest: 6 },
  ],
};

const INTERVAL: Shape = {
  kind: "list",
  shortest: 2,
  longest: 2,
  of: { kind: "either", of: [UTC, { kind: "null" }] },
};

/** In STAC 1.1 the first box holds all others, so there are never two. */
const BOXES: Readonly<Record<Version, Shape>> = {
  "1.0": { kind: "list", shortest: 1, of: BOX },
  "1.1": {
    kind: "either",
    of: [
      { kind: "list", shortest: 1, longest: 1, of: BOX },
      { kind: "list", shortest: 3, of: BOX },
    ],
  },
};

const extent = (version: Version): Shape => ({
  kind: "object",
  required: ["spatial", "temporal"],
  members: {
    spatial: { kind: "object", required: ["bbox"], members: { bbox: BOXES[version] } },
    temporal: {
      kind: "object",
      required: ["interval"],
      members: { interval: { kind: "list", shortest: 1, of: INTERVAL } },
    },
  },
});

/** An asset that every item has, without its address. */
const ITEM_ASSET: Shape = { kind: "object", least: 2, members: COMMON_1_1 };

/** A range, a list of values, or a JSON Schema. */
const SUMMARY: Shape = {
  kind: "either",
  of: [
    { kind: "list", shortest: 1 },
    { kind: "object", least: 1 },
  ],
};

/** STAC Collection 1.0.0 and 1.1.0. */
export function collectionShape(version: Version): Shape {
  return {
    kind: "object",
    required: ["stac_version", "type", "id", "description", "license", "extent", "links"],
    members: {
      ...(version === "1.1" ? COMMON_1_1 : { providers: { kind: "list", of: provider(TEXT) } }),
      stac_extensions: EXTENSIONS,
      type: { kind: "text", oneOf: "Collection" },
      id: NAMED,
      title: TEXT,
      description: NAMED,
      keywords: TEXTS,
      license: LICENSE,
      extent: extent(version),
      assets: { kind: "object", others: asset(version) },
      links: { kind: "list", of: link(version) },
      ...(version === "1.1" ? { item_assets: { kind: "object", others: ITEM_ASSET } } : {}),
      summaries: { kind: "object", others: SUMMARY },
    },
  };
}
