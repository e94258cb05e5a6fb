/**
 * Writes `src/catalog/profiles/*.json`, what the projects of ESGF ask of an item, out of the JSON Schemas that the
 * federation publishes. Run by hand when a project has a new version: `node scripts/profiles.ts FOLDER`, with the
 * folder that holds `cmip6/v3.0.4/schema.json` and the others; then `npm run format`.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Profile } from "../src/catalog/profiles/profile.ts";
import type { Shape } from "../src/catalog/validate/shape.ts";

interface Node {
  readonly [key: string]: unknown;
}

/** The newest version of each, and the facets that its ids are made of (data reference syntax of the project). */
const PROJECTS = [
  {
    project: "CMIP6",
    path: "cmip6/v3.0.4",
    facets: "mip_era.activity_id.institution_id.source_id.experiment_id.member_id.table_id.variable_id.grid_label",
  },
  {
    project: "CMIP6Plus",
    path: "cmip6plus/v2.0.1",
    facets: "mip_era.activity_id.institution_id.source_id.experiment_id.member_id.table_id.variable_id.grid_label",
  },
  {
    project: "CMIP7",
    path: "cmip7/v3.0.6",
    facets:
      "drs_specs.mip_era.activity_id.institution_id.source_id.experiment_id.variant_label.region.frequency.variable_id.variable_branding_suffix.grid_label",
  },
  {
    project: "CORDEX-CMIP6",
    path: "cordex-cmip6/v3.1.2",
    facets:
      "project_id.activity_id.domain_id.institution_id.driving_source_id.driving_experiment_id.driving_variant_label.source_id.version_realization.frequency.variable_id",
  },
  {
    project: "obs4MIPs",
    path: "obs4mips/v1.0.0",
    facets: "activity_id.institution_id.source_id.frequency.variable.grid_label",
  },
] as const;

function profileOf({ project, path, facets }: (typeof PROJECTS)[number], schema: Node): Profile {
  const definitions = schema.definitions as Readonly<Record<string, Node>>;
  const item = (schema.oneOf as readonly Node[])[0] as Node;
  const members = (item.properties ?? {}) as Readonly<Record<string, Node>>;
  const fields = (definitions.item_fields ?? definitions.fields) as Node;
  const conditions = (definitions.require_asset_fields?.allOf ?? []) as readonly Node[];
  const any = (definitions.require_any?.anyOf ?? []) as readonly Node[];
  const links = (members.links?.allOf ?? []) as readonly Node[];
  return {
    project,
    prefix: path.slice(0, path.indexOf("/")),
    facets: facets.split("."),
    schema: String(schema.$id).replace(/#$/, ""),
    extensions: extensionsOf(schema).filter((url) => !url.includes(`/${path}/`)),
    ...(members.collection === undefined ? {} : { collection: String(members.collection.const) }),
    head: shapesOf({ properties: pick(members, ["id", "base_id", "version"]) }),
    required: requiredOf(definitions.require_item_fields),
    ...(any.length === 0 ? {} : { requiredAny: any.flatMap((one) => one.required as string[]) }),
    properties: shapesOf(fields),
    asset: {
      required: requiredOf(definitions.require_asset_fields),
      netcdf: conditions.flatMap(({ then }) => ((then as Node | undefined)?.required ?? []) as string[]),
      members: shapesOf(definitions.asset_fields ?? {}),
    },
    link: {
      required: links.map(({ contains }) => String(at(contains, "properties", "rel", "const"))),
      isAbsolute: definitions.link_fields !== undefined,
      rules: ((definitions.link_fields?.allOf ?? []) as readonly Node[]).map(ruleOf),
    },
  };
}

function extensionsOf(schema: Node): string[] {
  const wanted = (schema.properties as Readonly<Record<string, Node>>).stac_extensions as Node;
  return ((wanted.allOf ?? [wanted]) as readonly Node[]).map(({ contains }) => String((contains as Node).const));
}

function requiredOf(node: Node | undefined): string[] {
  return ((node?.allOf ?? []) as readonly Node[]).flatMap(({ required }) => (required ?? []) as string[]);
}

function ruleOf(rule: Node): Profile["link"]["rules"][number] {
  const text = (...path: readonly string[]): string | undefined => at(rule, "then", "properties", ...path) as string;
  const [href, title, type] = [text("href", "pattern"), text("title", "const"), text("type", "const")];
  return {
    rel: String(at(rule, "if", "properties", "rel", "const")),
    ...(href === undefined ? {} : { href }),
    ...(title === undefined ? {} : { title }),
    ...(type === undefined ? {} : { type }),
  };
}

function shapesOf(node: Node): Record<string, Shape> {
  return Object.fromEntries(
    Object.entries((node.properties ?? {}) as Readonly<Record<string, Node>>).map(([name, of]) => [name, shapeOf(of)]),
  );
}

function shapeOf(node: Node): Shape {
  switch (node.type) {
    case "string": {
      const values = node.const === undefined ? (node.enum as unknown[]) : [node.const];
      const patterns = (node.anyOf as readonly Node[] | undefined)?.map(({ pattern }) => String(pattern));
      const pattern = patterns === undefined ? (node.pattern as string | undefined) : [...new Set(patterns)].join("|");
      return {
        kind: "text",
        ...(values === undefined ? {} : { oneOf: values.filter((value) => typeof value === "string").join("|") }),
        ...(pattern === undefined ? {} : { pattern }),
        ...(node.maxLength === undefined ? {} : { longest: Number(node.maxLength) }),
      };
    }
    case "array":
      return {
        kind: "list",
        of: shapeOf(node.items as Node),
        ...(node.minItems === undefined ? {} : { shortest: Number(node.minItems) }),
        ...(node.uniqueItems === undefined ? {} : { isSet: true }),
      };
    case "integer":
    case "number":
      return { kind: node.type, ...(node.minimum === undefined ? {} : { least: Number(node.minimum) }) };
    case "boolean":
      return { kind: "boolean" };
    default:
      throw new Error(`a schema of a kind that profiles do not know: ${JSON.stringify(node)}`);
  }
}

function pick<T>(from: Readonly<Record<string, T>>, names: readonly string[]): Record<string, T> {
  return Object.fromEntries(names.flatMap((name) => (from[name] === undefined ? [] : [[name, from[name]]])));
}

function at(node: unknown, ...path: readonly string[]): unknown {
  return path.reduce((part, key) => (part as Node | undefined)?.[key], node);
}

const [folder] = process.argv.slice(2);
if (folder === undefined) throw new Error("node scripts/profiles.ts FOLDER");
for (const project of PROJECTS) {
  const schema = JSON.parse(readFileSync(join(folder, project.path, "schema.json"), "utf8")) as Node;
  const profile = profileOf(project, schema);
  const target = new URL(`../src/catalog/profiles/${profile.prefix}.json`, import.meta.url);
  writeFileSync(target, `${JSON.stringify(profile, null, 2)}\n`);
}
