const QUERYABLES = "http://www.opengis.net/def/rel/ogc/1.0/queryables";

/** Relations that every catalogue writes itself; what a document says of them is where it came from. */
export const OWN_LINKS: ReadonlySet<string> = new Set([
  ...["self", "root", "parent", "collection", "item", "items", "aggregate", "aggregations"],
  ...["queryables", QUERYABLES],
]);
