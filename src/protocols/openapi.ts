import { z } from "zod";
import type { Json } from "../core/array.ts";
import type { Protocol, Route } from "./protocol.ts";

/** OpenAPI as it is, and as clients of OGC API - Features 1.0 read it (its conformance class `oas30`). */
export type OpenApiVersion = "3.1" | "3.0";

/** As much of OpenAPI as routes declare. */
export interface OpenApi {
  readonly openapi: "3.1.0" | "3.0.3";
  readonly info: { readonly title: string; readonly version: string; readonly [name: string]: Json };
  readonly servers: readonly { readonly url: string }[];
  readonly tags: readonly { readonly name: string; readonly description: string }[];
  readonly paths: { readonly [path: string]: { readonly [method: string]: Operation } };
  readonly components: { readonly schemas: { readonly [name: string]: Json } };
}

interface Content {
  readonly [type: string]: { readonly schema?: Json };
}

export interface Operation {
  readonly tags: readonly string[];
  readonly summary: string;
  readonly parameters: readonly Parameter[];
  readonly requestBody?: { readonly required: true; readonly content: Content };
  readonly responses: { readonly [status: string]: { readonly description: string; readonly content?: Content } };
}

export interface Parameter {
  readonly name: string;
  readonly in: "path" | "query";
  readonly required: boolean;
  readonly schema: Json;
}

const PROBLEM = "application/problem+json";
/** How schemas are written: 3.1 has those of JSON Schema, 3.0 a language of its own. */
const WRITTEN = {
  "3.1": { io: "input", unrepresentable: "any", target: "draft-2020-12" },
  "3.0": { io: "input", unrepresentable: "any", target: "openapi-3.0" },
} as const;

/** RFC 9457, with what this software adds (`http/problem.ts`). */
const problem = z.looseObject({
  type: z.string().describe("a URI reference"),
  title: z.string(),
  status: z.int().min(400).max(599),
  detail: z.string(),
  subject: z.string().optional().describe("the parameter, member or name that was refused"),
  allowed: z.array(z.string()).optional().describe("what would have been accepted"),
  errors: z
    .array(z.object({ pointer: z.string().describe("JSON Pointer (RFC 6901)"), detail: z.string() }))
    .optional()
    .describe("what is wrong with a document, place by place"),
});

/** The description of all routes that protocols declare. */
export function openapi(
  protocols: readonly Protocol[],
  version: string,
  base: URL,
  dialect: OpenApiVersion = "3.1",
): OpenApi {
  const isOld = dialect === "3.0";
  const paths: Record<string, Record<string, Operation>> = {};
  for (const protocol of protocols) {
    for (const route of protocol.routes) {
      const path = pathTemplate(route.path);
      paths[path] = { ...paths[path], [route.method.toLowerCase()]: operation(protocol, route, dialect) };
    }
  }
  return {
    openapi: isOld ? "3.0.3" : "3.1.0",
    info: {
      title: "Gyre",
      version,
      ...(isOld ? {} : { summary: "An Earth data node" }),
      license: { name: "Apache-2.0", ...(isOld ? {} : { identifier: "Apache-2.0" }) },
    },
    servers: [{ url: base.href.replace(/\/$/, "") }],
    tags: protocols.map(({ name, summary }) => ({ name, description: summary })),
    paths,
    components: { schemas: { Problem: jsonSchema(problem, dialect) } },
  };
}

/** A route's path as OpenAPI writes it: `/datasets/{id}/zarr/{key}`. */
export function pathTemplate(path: string): string {
  return path.replace(/:([A-Za-z]+)(?:\{[^}]*\})?/g, "{$1}");
}

function operation(protocol: Protocol, route: Route, dialect: OpenApiVersion): Operation {
  const names = [...route.path.matchAll(/:([A-Za-z]+)/g)].map((match) => match[1] as string);
  const pathSchemas = schemasOf(route.params, dialect).properties;
  const { properties: queries, required } = schemasOf(route.query, dialect);
  return {
    tags: [protocol.name],
    summary: route.summary,
    parameters: [
      ...names.map((name): Parameter => {
        return { name, in: "path", required: true, schema: pathSchemas[name] ?? { type: "string" } };
      }),
      ...Object.entries(queries).map(([name, schema]): Parameter => {
        return { name, in: "query", required: required.includes(name), schema };
      }),
    ],
    ...(route.body === undefined ? {} : { requestBody: { required: true, content: bodyContent(route.body, dialect) } }),
    responses: {
      ...Object.fromEntries(
        Object.entries(route.responses).map(([status, { description, types }]) => [
          status,
          types === undefined ? { description } : { description, content: answerContent(types) },
        ]),
      ),
      // A protocol with documents of its own for errors declares them.
      ...(protocol.error === undefined
        ? { default: { description: "A problem", content: answerContent([PROBLEM]) } }
        : {}),
    },
  };
}

function bodyContent(types: NonNullable<Route["body"]>, dialect: OpenApiVersion): Content {
  return Object.fromEntries(
    Object.entries(types).map(([type, schema]) => [type, { schema: jsonSchema(schema, dialect) }]),
  );
}

function answerContent(types: readonly string[]): Content {
  const schema = { $ref: "#/components/schemas/Problem" };
  return Object.fromEntries(types.map((type) => [type, type === PROBLEM ? { schema } : {}]));
}

function jsonSchema(schema: z.ZodType, dialect: OpenApiVersion): Json {
  const { $schema: _schema, $defs, definitions = $defs, ...rest } = z.toJSONSchema(schema, WRITTEN[dialect]);
  return definitions === undefined ? (rest as Json) : withoutReferences(rest as Json);
}

/** What refers to itself is any value here: within the whole document its references would lead elsewhere. */
function withoutReferences(schema: Json): Json {
  if (Array.isArray(schema)) return schema.map(withoutReferences);
  if (typeof schema !== "object" || schema === null) return schema;
  if ("$ref" in schema) return {};
  return Object.fromEntries(Object.entries(schema).map(([key, part]) => [key, withoutReferences(part as Json)]));
}

function schemasOf(
  schema: z.ZodType | undefined,
  dialect: OpenApiVersion,
): { properties: Record<string, Json>; required: readonly string[] } {
  if (schema === undefined) return { properties: {}, required: [] };
  const { properties = {}, required = [] } = z.toJSONSchema(schema, WRITTEN[dialect]);
  return { properties: properties as Record<string, Json>, required };
}
