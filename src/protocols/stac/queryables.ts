import type { RouteCall } from "../protocol.ts";
import { type StacOptions, selfUrl } from "./context.ts";
import { noCollection } from "./documents.ts";

/** `GET /queryables` of the catalogue and of a collection (OGC 19-079r2, 6): what filters may name. */
export async function answerQueryables(route: RouteCall, { catalog }: StacOptions): Promise<Response> {
  const { request, params, call, base } = route;
  const { collection } = params;
  if (collection !== undefined && (await catalog.collection(collection, call)) === undefined) {
    throw noCollection(collection);
  }
  const body = {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    $id: selfUrl(request, base).href,
    type: "object",
    title: collection === undefined ? "Queryables" : `Queryables of ${collection}`,
    properties: await catalog.queryables(collection, call),
    additionalProperties: true,
  };
  return new Response(JSON.stringify(body), {
    headers: { "Content-Type": "application/schema+json", "Cache-Control": "no-cache" },
  });
}
