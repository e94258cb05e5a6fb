import type { RouteCall } from "../protocol.ts";
import { jsonAnswer } from "./answer.ts";
import { type StacOptions, selfUrl } from "./context.ts";
import { checkCollection } from "./documents.ts";
import { SCHEMA_TYPE } from "./links.ts";

const SOME = {
  id: { title: "Id", type: "string" },
  datetime: { title: "Time", type: "string", format: "date-time" },
  geometry: { title: "Footprint", $ref: "https://geojson.org/schema/Geometry.json" },
};
/** Of every item, whatever its properties. */
const OF_ITEMS = { ...SOME, collection: { title: "Collection", type: "string" } };
/** Of collections: their fields, a time and a place that are their extent's. */
const OF_COLLECTIONS = {
  ...SOME,
  title: { title: "Title", type: "string" },
  description: { title: "Description", type: "string" },
  license: { title: "License", type: "string" },
  keywords: { title: "Keywords", type: "array", items: { type: "string" } },
};

/** `GET /queryables` of the catalogue and of a collection (OGC 19-079r2, 6): what filters may name. */
export async function answerQueryables(route: RouteCall, options: StacOptions): Promise<Response> {
  const { params, call } = route;
  const { collection } = params;
  await checkCollection(collection, options, call);
  const title = collection === undefined ? "Queryables" : `Queryables of ${collection}`;
  return answerSchema(route, title, { ...OF_ITEMS, ...(await options.catalog.queryables(collection, call)) });
}

/** `GET /collection-queryables`: those of the Collection Search extension, whose path is free. */
export async function answerCollectionQueryables(route: RouteCall): Promise<Response> {
  return answerSchema(route, "Queryables of collections", OF_COLLECTIONS);
}

function answerSchema({ request, base }: RouteCall, title: string, properties: object): Response {
  const body = {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    $id: selfUrl(request, base).href,
    type: "object",
    title,
    properties,
    additionalProperties: true,
  };
  return jsonAnswer(body, { type: SCHEMA_TYPE });
}
