import type { RouteCall } from "../protocol.ts";
import { jsonAnswer } from "./answer.ts";
import { type StacOptions, selfUrl } from "./context.ts";
import { checkCollection } from "./documents.ts";

/** Of every item, whatever its properties. */
const ALWAYS = {
  id: { title: "Id", type: "string" },
  collection: { title: "Collection", type: "string" },
  datetime: { title: "Time", type: "string", format: "date-time" },
  geometry: { title: "Footprint", $ref: "https://geojson.org/schema/Geometry.json" },
};

/** `GET /queryables` of the catalogue and of a collection (OGC 19-079r2, 6): what filters may name. */
export async function answerQueryables(route: RouteCall, options: StacOptions): Promise<Response> {
  const { request, params, call, base } = route;
  const { collection } = params;
  await checkCollection(collection, options, call);
  const body = {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    $id: selfUrl(request, base).href,
    type: "object",
    title: collection === undefined ? "Queryables" : `Queryables of ${collection}`,
    properties: { ...ALWAYS, ...(await options.catalog.queryables(collection, call)) },
    additionalProperties: true,
  };
  return jsonAnswer(body, { type: "application/schema+json" });
}
