import { z } from "zod";
import type { Json } from "../core/array.ts";
import type { Protocol, Route } from "../protocols/protocol.ts";

/** The OpenAPI 3.1 description of all routes that protocols declare. */
export function openapi(protocols: readonly Protocol[], version: string, base: URL): Json {
  const paths: Record<string, Record<string, Json>> = {};
  for (const protocol of protocols) {
    for (const route of protocol.routes) {
      const path = route.path.replace(/:([A-Za-z]+)(?:\{[^}]*\})?/g, "{$1}");
      paths[path] = { ...paths[path], [route.method.toLowerCase()]: operation(protocol, route) };
    }
  }
  return {
    openapi: "3.1.0",
    info: {
      title: "Gyre",
      version,
      summary: "An Earth data node",
      license: { name: "Apache-2.0", identifier: "Apache-2.0" },
    },
    servers: [{ url: base.href.replace(/\/$/, "") }],
    tags: protocols.map(({ name, summary }) => ({ name, description: summary })),
    paths,
  };
}

function operation(protocol: Protocol, route: Route): Json {
  const names = [...route.path.matchAll(/:([A-Za-z]+)/g)].map((match) => match[1] as string);
  const pathSchemas = properties(route.params);
  const queries = Object.entries(properties(route.query));
  const responses: Record<string, Json> = {};
  for (const [status, { description, types }] of Object.entries(route.responses)) {
    responses[status] = {
      description,
      ...(types === undefined ? {} : { content: Object.fromEntries(types.map((type) => [type, {}])) }),
    };
  }
  return {
    tags: [protocol.name],
    summary: route.summary,
    parameters: [
      ...names.map((name) => ({ name, in: "path", required: true, schema: pathSchemas[name] ?? { type: "string" } })),
      ...queries.map(([name, schema]) => ({ name, in: "query", required: false, schema })),
    ],
    responses,
  };
}

function properties(schema: z.ZodType | undefined): Record<string, Json> {
  if (schema === undefined) return {};
  const json = z.toJSONSchema(schema, { io: "input", unrepresentable: "any" }) as { properties?: Record<string, Json> };
  return json.properties ?? {};
}
