const STAC = "https://api.stacspec.org";
const CQL2 = "http://www.opengis.net/spec/cql2/1.0/conf";
const FEATURES = "http://www.opengis.net/spec/ogcapi-features";

/** Conformance classes of what every catalogue of ours answers; those of writes come with a door. */
export const READS: readonly string[] = [
  ...["core", "collections", "ogcapi-features", "item-search", "browseable"].map((part) => `${STAC}/v1.0.0/${part}`),
  ...["item-search", "ogcapi-features"].flatMap((part) =>
    ["fields", "sort", "query", "filter"].map((of) => `${STAC}/v1.0.0/${part}#${of}`),
  ),
  ...["item-search", "ogcapi-features", "collection-search"].map((part) => `${STAC}/v1.0.0-rc.1/${part}#free-text`),
  ...["", "#fields", "#sort", "#filter", "#query"].map((part) => `${STAC}/v1.0.0-rc.1/collection-search${part}`),
  ...["children", "language"].map((part) => `${STAC}/v1.0.0-rc.2/${part}`),
  `${STAC}/v0.3.0/aggregation`,
  "http://www.opengis.net/spec/ogcapi-common-2/1.0/conf/simple-query",
  ...["core", "oas30", "geojson"].map((part) => `${FEATURES}-1/1.0/conf/${part}`),
  ...["filter", "features-filter", "queryables"].map((part) => `${FEATURES}-3/1.0/conf/${part}`),
  ...[
    "cql2-text",
    "cql2-json",
    "basic-cql2",
    "advanced-comparison-operators",
    "case-insensitive-comparison",
    "accent-insensitive-comparison",
    "array-functions",
    "basic-spatial-functions",
    "basic-spatial-functions-plus",
    "spatial-functions",
    "temporal-functions",
    "arithmetic",
    "property-property",
  ].map((part) => `${CQL2}/${part}`),
];

/** Of a catalogue that takes writes. */
export const WRITES: readonly string[] = [
  `${STAC}/v1.0.0/ogcapi-features/extensions/transaction`,
  `${STAC}/v1.0.0/collections/extensions/transaction`,
  ...["create-replace-delete", "update", "features", "optimistic-locking-etags"].map(
    (part) => `${FEATURES}-4/1.0/conf/${part}`,
  ),
];
