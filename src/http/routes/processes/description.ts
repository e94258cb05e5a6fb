import { z } from "zod";
import type { AnyFlow } from "../../../flows/flow.ts";
import { VERSION } from "../../../version.ts";

const REL = "http://www.opengis.net/def/rel/ogc/1.0/";
/** The one input or output of a flow whose schema is no object of named ones. */
export const WHOLE = "value";

type Schema = { readonly [key: string]: unknown };

/** A process as the list shows it (processSummary.yaml). */
export function processSummary({ name, title, description }: AnyFlow, root: URL): object {
  const self = new URL(`processes/${encodeURIComponent(name)}`, root).href;
  return {
    id: name,
    version: VERSION,
    title,
    description,
    jobControlOptions: ["async-execute", "dismiss"],
    outputTransmission: ["value"],
    links: [
      { rel: "self", href: self, type: "application/json", title: "Description" },
      { rel: `${REL}execute`, href: `${self}/execution`, type: "application/json", title: "Execute" },
    ],
  };
}

/** A process with what it takes and what it answers (process.yaml). */
export function processDescription(flow: AnyFlow, root: URL): object {
  const input = schemaOf(flow.input, "input");
  const required = new Set(input.required as readonly string[] | undefined);
  const isWhole = !isNamed(input);
  return {
    ...processSummary(flow, root),
    inputs: Object.fromEntries(
      Object.entries(namedSchemas(input, `${flow.name}:input`)).map(([name, schema]) => [
        name,
        { ...titled(name, schema), minOccurs: isWhole || required.has(name) ? 1 : 0, schema },
      ]),
    ),
    outputs: Object.fromEntries(
      Object.entries(namedSchemas(schemaOf(flow.output, "output"), `${flow.name}:output`)).map(([name, schema]) => [
        name,
        { ...titled(name, schema), schema },
      ]),
    ),
  };
}

/** Whether a flow's inputs have names of their own. */
export function hasNamedInputs(flow: AnyFlow): boolean {
  return isNamed(schemaOf(flow.input, "input"));
}

function schemaOf(schema: z.ZodType, io: "input" | "output"): Schema {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { io, unrepresentable: "any" });
  return rest;
}

function isNamed(schema: Schema): schema is Schema & { readonly properties: { readonly [name: string]: Schema } } {
  return schema.type === "object" && typeof schema.properties === "object";
}

/** Definitions that parts refer to come with each of them: `$id` makes it what their references start from. */
function namedSchemas(schema: Schema, id: string): { readonly [name: string]: Schema } {
  const { $defs } = schema;
  const named = isNamed(schema) ? schema.properties : { [WHOLE]: schema };
  if ($defs === undefined) return named;
  return Object.fromEntries(
    Object.entries(named).map(([name, part]) => {
      // Beside an `$id` Ajv does not find where a `$ref` leads.
      const inner = "$ref" in part ? { allOf: [part] } : part;
      return [name, { ...inner, $id: `urn:gyre:${id}:${name}`, $defs }];
    }),
  );
}

function titled(name: string, { title = name, description }: Schema): object {
  return { title, ...(description === undefined ? {} : { description }) };
}
