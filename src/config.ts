import { parseDocument } from "yaml";
import { z } from "zod";
import { boundaries } from "./config/boundaries.ts";
import { catalogue, secretKeys, subscriptions, validation } from "./config/catalogue.ts";
import { catalog, cube, dataset, datasetId } from "./config/datasets.ts";
import { type Environment, expand, override } from "./config/environment.ts";
import { flows } from "./config/flows.ts";
import { follow, kafka, retention, topics } from "./config/log.ts";
import { packages } from "./config/packages.ts";
import { processors } from "./config/processors.ts";
import { also, limits, listen } from "./config/serving.ts";
import { s3, swift } from "./config/storage.ts";
import { GyreError } from "./errors.ts";

export type { Environment } from "./config/environment.ts";

/** What `gyre.yaml` may say. Unknown keys are refused. */
export const configSchema = z.strictObject({
  sources: z.array(z.string().min(1)).default([]).describe("files, folders, globs, remote prefixes, catalogues"),
  allow: z.array(z.string().min(1)).default([]).describe("prefixes that may be read beside the sources' own"),
  datasets: z.record(datasetId, dataset).default({}),
  cubes: z.array(cube).default([]),
  catalogs: z.array(catalog).default([]),
  listen: listen.prefault({}),
  publicUrl: z.url().optional().describe("scheme, host and path prefix of every link that the node writes"),
  trustForwarded: z.boolean().default(false).describe("believe X-Forwarded-* headers"),
  dataDir: z.string().min(1).default(".gyre"),
  objects: z
    .string()
    .min(1)
    .optional()
    .describe("where indexes lie: a folder or s3://bucket/prefix; default in dataDir"),
  rescanSeconds: z.int().min(0).default(60).describe("how often sources are looked through again; 0: never"),
  limits: limits.prefault({}),
  s3: z.record(z.string(), s3).default({}).describe("by bucket, or * for all others"),
  swift: z.record(z.string(), swift).default({}).describe("by container, or * for all others"),
  plugins: z.array(z.string().min(1)).default([]).describe("npm names or paths"),
  name: z
    .string()
    .regex(/^[a-z][a-z0-9_]{0,39}$/, "has 1 to 40 of a-z 0-9 _, a letter first")
    .refine((name) => name !== "log" && name !== "public", "is a schema of something else")
    .default("gyre")
    .describe("the node: its schema in the database, and its name as a consumer"),
  database: z
    .union([z.enum(["embedded", "none"]), z.string().regex(/^postgres(ql)?:\/\//, "is no postgres:// address")])
    .default("embedded")
    .describe("embedded: a private PostgreSQL that the node starts; none: no catalogue"),
  databaseFolder: z
    .string()
    .min(1)
    .optional()
    .describe("of the embedded database; default in dataDir; nodes may share one"),
  log: z
    .union([z.literal("database"), z.string().regex(/^kafka:\/\//), kafka])
    .default("database")
    .describe("the event log: in the database, or Apache Kafka"),
  topics: topics.prefault({}),
  follow: z
    .array(follow)
    .default([{ topics: ".*", narrowed: "keep" }])
    .describe("what this node's catalogue is made of"),
  retention: retention.prefault({}).describe("days after which they are forgotten; never without a number"),
  catalog: catalogue.prefault({}),
  subscriptions: subscriptions.prefault({}),
  secretKeys: secretKeys.default([]),
  validation: validation.prefault({}),
  also: z
    .array(also)
    .default([])
    .describe("further ports: one that leads to the pages, one for the founding system's ingest API"),
  roles: z
    .array(z.enum(["api", "worker", "consumer"]))
    .min(1)
    .default(["api", "worker", "consumer"])
    .describe("what this process does: answers, works on flows, follows logs"),
  flows: flows.prefault({}),
  boundaries: boundaries.prefault({}),
  processors: processors.prefault({}),
  packages: packages.prefault({}),
});

/** The whole configuration, defaults filled in. */
export type Config = z.output<typeof configSchema>;
export type CubeConfig = Config["cubes"][number];
export type CatalogConfig = Config["catalogs"][number];
export type S3Config = Config["s3"][string];
export type KafkaConfig = z.output<typeof kafka>;
export type FollowConfig = Config["follow"][number];
export type SwiftConfig = Config["swift"][string];

/** JSON Schema (2020-12) of `gyre.yaml`, for editors. */
export function configJsonSchema(): object {
  return {
    $id: "https://gyre.earth/schemas/gyre.json",
    title: "gyre.yaml",
    ...z.toJSONSchema(configSchema, { io: "input" }),
  };
}

/**
 * Reads `gyre.yaml` (empty text: all defaults): `${NAME}` and `${NAME:-default}` come from `env`, and `GYRE_*` variables
 * override top-level keys and, with `__`, those below (`GYRE_LISTEN__PORT=9010`). Throws BadRequest naming the key.
 */
export function loadConfig(text: string, env: Environment = {}): Config {
  const document = parseDocument(text, { schema: "core", merge: false, uniqueKeys: true, prettyErrors: true });
  const [problem] = document.errors;
  if (problem !== undefined) throw new GyreError("BadRequest", `gyre.yaml: ${problem.message}`);
  const raw: unknown = contentOf(document) ?? {};
  if (typeof raw !== "object" || raw === null || Array.isArray(raw)) {
    throw new GyreError("BadRequest", "gyre.yaml is no mapping of keys to values");
  }
  const settings = expand(raw, env) as { [key: string]: unknown };
  override(settings, env, configSchema);
  const result = configSchema.safeParse(settings);
  if (result.success) return result.data;
  const lines = result.error.issues.map((issue) => `${issue.path.join(".") || "gyre.yaml"}: ${issue.message}`);
  throw new GyreError("BadRequest", `the configuration is not valid\n  ${lines.join("\n  ")}`, {
    subject: lines[0]!.slice(0, lines[0]!.indexOf(":")),
  });
}

/** Aliases that lead nowhere, or to more than the text could hold, are only found here. */
function contentOf(document: ReturnType<typeof parseDocument>): unknown {
  try {
    return document.toJS({ maxAliasCount: 20 });
  } catch (cause) {
    throw new GyreError("BadRequest", `gyre.yaml: ${(cause as Error).message}`, { cause });
  }
}
