import { parseDocument } from "yaml";
import { z } from "zod";
import { GyreError } from "./errors.ts";

const MiB = 1024 * 1024;

const bytes = z
  .union([z.int().positive(), z.string().regex(/^\d+(\.\d+)?\s*([kMGT]i?)?B?$/)])
  .transform((value) => (typeof value === "number" ? value : parseBytes(value)))
  .describe("a number of bytes, or text like 256MiB");

const datasetId = z
  .string()
  .max(200)
  .regex(/^[A-Za-z0-9_-][A-Za-z0-9._-]*$/, "has characters other than A-Z a-z 0-9 . _ -, or a dot in front");

const newDimension = z.strictObject({
  name: z.string().min(1),
  values: z.array(z.union([z.number(), z.string()])).optional(),
  pattern: z.string().max(500).optional().describe("a regular expression over the member's address"),
});

const cube = z
  .strictObject({
    id: datasetId,
    glob: z.union([z.string(), z.array(z.string()).min(1)]).describe("members: addresses with *, ** and ?"),
    concat: z.string().min(1).optional().describe("the existing dimension along which members follow each other"),
    newDim: newDimension.optional(),
    drop: z.array(z.string()).optional(),
    tape: z.boolean().optional(),
  })
  .refine((c) => c.concat === undefined || c.newDim === undefined, "takes either concat or newDim");

const dataset = z.strictObject({
  source: z.string().min(1),
  tape: z.boolean().optional().describe("the source lies on tape: faults answer with a long Retry-After"),
  drop: z.array(z.string()).optional().describe("variables left out, by name or pattern"),
});

const catalog = z.strictObject({
  source: z.string().min(1),
  id: z.string().optional().describe("pattern for ids: {id} is the entry's own, {name} any of its parameters"),
  allow: z.array(z.string()).optional().describe("entries taken, by name or pattern; all without it"),
  drop: z.array(z.string()).optional(),
  maxEntries: z.int().positive().optional(),
});

const s3 = z.strictObject({
  endpoint: z.url().optional(),
  region: z.string().default("us-east-1"),
  accessKeyId: z.string().optional(),
  secretAccessKey: z.string().optional(),
  sessionToken: z.string().optional(),
  pathStyle: z.boolean().default(true),
  anonymous: z.boolean().default(false),
});

const swift = z.strictObject({
  authUrl: z.url(),
  region: z.string().optional(),
  username: z.string().optional(),
  password: z.string().optional(),
  userDomain: z.string().default("Default"),
  project: z.string().optional(),
  projectDomain: z.string().default("Default"),
  token: z.string().optional(),
});

const listen = z.strictObject({
  host: z.string().default("127.0.0.1"),
  port: z.int().min(0).max(65535).default(8080),
});

const limits = z.strictObject({
  selection: bytes.prefault(256 * MiB).describe("most bytes that one selection answers"),
  cache: bytes.prefault(256 * MiB).describe("bytes of decoded chunks that are kept"),
  block: bytes.prefault(8 * MiB).describe("bytes of one block of a streamed reply"),
  body: bytes.prefault(16 * MiB).describe("bytes of one request's body"),
  openDatasets: z.int().positive().default(256),
  openFiles: z.int().positive().default(256),
  scanConcurrency: z.int().min(1).max(256).default(8),
});

const kafka = z.strictObject({
  brokers: z.array(z.string().regex(/^[^\s/]+:\d+$/, "is not host:port")).min(1),
  topic: z.string().min(1).max(200).default("gyre.events").describe("the one topic, with the facets as a header"),
  perFacet: z.boolean().default(false).describe("a topic for each value of the template, created on the fly"),
  prefix: z.string().max(100).optional().describe("before every topic of a facet; others of the brokers are not read"),
  partitions: z.int().min(1).max(1000).optional().describe("of topics made here; default 8, or 1 for each facet"),
  replication: z.int().min(1).max(10).optional(),
  refreshSeconds: z.int().min(1).default(30).describe("how often new topics are looked for"),
  tls: z
    .union([z.boolean(), z.strictObject({ ca: z.string(), cert: z.string(), key: z.string() }).partial()])
    .default(false),
  sasl: z
    .strictObject({
      mechanism: z.enum(["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"]),
      username: z.string(),
      password: z.string(),
    })
    .optional(),
});

const follow = z.strictObject({
  log: z
    .union([z.string(), kafka])
    .optional()
    .describe("another node's /events, or Apache Kafka; without it the node's own log"),
  topics: z.string().min(1).max(1000).default(".*").describe("a regular expression for whole names of topics"),
  group: z
    .string()
    .regex(/^[A-Za-z0-9._-]{1,200}$/)
    .optional()
    .describe("name as a consumer; nodes of one name share the work. Default: the node's own"),
  target: z.url().optional().describe("an external STAC API with Transaction; without it this node's catalogue"),
  narrowed: z.enum(["keep", "remove"]).default("keep").describe("what no topic brings any more"),
});

const subscriptions = z.strictObject({
  allow: z.array(z.url()).default([]).describe("where webhooks may lead: beginnings of addresses; none without it"),
  private: z.boolean().default(false).describe("webhooks may lead to this machine and its network"),
});

const validation = z.strictObject({
  policy: z
    .enum(["off", "warn", "refuse"])
    .default("warn")
    .describe("for published schemas; STAC itself is always checked"),
  collections: z.record(z.string(), z.enum(["off", "warn", "refuse"])).default({}),
  schemas: z
    .string()
    .min(1)
    .optional()
    .describe("where schemas are kept: a folder or s3://bucket/prefix; default in dataDir"),
});

const catalogue = z.strictObject({
  id: z.string().min(1).max(200).optional(),
  title: z.string().max(500).optional(),
  description: z.string().max(5000).optional(),
  writable: z.boolean().default(true).describe("false: the node only follows, and writes answer 405"),
});

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
  topics: z
    .strictObject({
      template: z.string().min(1).max(500).default("{mip_era}.{experiment_id}.{source_id}"),
      fallback: z
        .string()
        .min(1)
        .max(200)
        .default("other.unknown.unknown")
        .describe("the topic of items without these facets"),
    })
    .prefault({}),
  follow: z
    .array(follow)
    .default([{ topics: ".*", narrowed: "keep" }])
    .describe("what this node's catalogue is made of"),
  retention: z
    .strictObject({
      events: z.number().positive().optional().describe("of the log, for all nodes that share it"),
      statuses: z.number().positive().optional().describe("of what became of each event at this node"),
    })
    .prefault({})
    .describe("days after which they are forgotten; never without a number"),
  catalog: catalogue.prefault({}),
  subscriptions: subscriptions.prefault({}),
  validation: validation.prefault({}),
  also: z
    .array(z.strictObject({ port: z.int().min(0).max(65535), serves: z.enum(["redirect", "ingest"]) }))
    .default([])
    .describe("further ports: one that leads to the pages, one for the founding system's ingest API"),
});

/** The whole configuration, defaults filled in. */
export type Config = z.output<typeof configSchema>;
export type CubeConfig = Config["cubes"][number];
export type CatalogConfig = Config["catalogs"][number];
export type S3Config = Config["s3"][string];
export type KafkaConfig = z.output<typeof kafka>;
export type FollowConfig = Config["follow"][number];
export type SwiftConfig = Config["swift"][string];

/** Environment variables; only `bin` reads those of the process. */
export type Environment = Readonly<Record<string, string | undefined>>;

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
  const settings = expand(raw, env, []) as { [key: string]: unknown };
  override(settings, env);
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

function expand(value: unknown, env: Environment, path: readonly string[]): unknown {
  if (typeof value === "string") {
    return value.replace(/\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}/g, (_, name: string, fallback?: string) => {
      const found = env[name] ?? fallback;
      if (found === undefined) {
        throw new GyreError("BadRequest", `${path.join(".")}: the environment has no ${name}`, { subject: name });
      }
      return found;
    });
  }
  if (Array.isArray(value)) return value.map((entry, i) => expand(entry, env, [...path, String(i)]));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, entry]) => [key, expand(entry, env, [...path, key])]));
}

/** Variables that speak to the scripts, the tests, or say where the configuration itself lies. */
const NOT_SETTINGS = new Set([
  "GYRE_BENCH_ROUNDS",
  "GYRE_CONFIG",
  "GYRE_DATA",
  "GYRE_DEMO_PORT",
  "GYRE_REQUIRE_SERVICES",
]);

/** What Kubernetes and container links put into the environment of every neighbour of a service called `gyre`. */
function isServiceLink(variable: string, text: string): boolean {
  return /^GYRE_(SERVICE_(HOST|PORT)|PORT_\d+_)/.test(variable) || (variable === "GYRE_PORT" && text.includes("://"));
}

/** `GYRE_DATA_DIR` and `GYRE_DATADIR` both mean `dataDir`: case and single underscores do not count. */
function override(settings: { [key: string]: unknown }, env: Environment): void {
  for (const [variable, text] of Object.entries(env)) {
    if (!variable.startsWith("GYRE_") || text === undefined || NOT_SETTINGS.has(variable)) continue;
    if (isServiceLink(variable, text)) continue;
    const parts = variable.slice("GYRE_".length).split("__");
    let schema: z.ZodType = configSchema;
    let target = settings;
    parts.forEach((part, i) => {
      const shape = objectShape(schema);
      const wanted = part.replaceAll("_", "").toLowerCase();
      const key = shape === undefined ? undefined : Object.keys(shape).find((k) => k.toLowerCase() === wanted);
      if (key === undefined) {
        throw new GyreError("BadRequest", `${variable} names no setting`, {
          subject: variable,
          allowed: Object.keys(shape ?? {}),
        });
      }
      schema = shape![key]!;
      if (i === parts.length - 1) target[key] = fromText(text, schema);
      else target = (target[key] ??= {}) as { [key: string]: unknown };
    });
  }
}

function objectShape(schema: z.ZodType): { readonly [key: string]: z.ZodType } | undefined {
  const inner = unwrapped(schema);
  return inner instanceof z.ZodObject ? (inner.shape as { [key: string]: z.ZodType }) : undefined;
}

function unwrapped(schema: z.ZodType): z.ZodType {
  let inner = schema;
  while (inner instanceof z.ZodDefault || inner instanceof z.ZodPrefault || inner instanceof z.ZodOptional) {
    inner = inner.unwrap() as z.ZodType;
  }
  return inner;
}

/** Lists are separated by commas; anything else than text is read as JSON. */
function fromText(text: string, schema: z.ZodType): unknown {
  const inner = unwrapped(schema);
  if (inner instanceof z.ZodString) return text;
  if (inner instanceof z.ZodArray && !text.trimStart().startsWith("[")) return text.split(",").map((s) => s.trim());
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

function parseBytes(text: string): number {
  const [, digits, unit = ""] = /^(\d+(?:\.\d+)?)\s*([kMGT]i?)?B?$/.exec(text)!;
  const power = ["", "k", "M", "G", "T"].indexOf(unit[0] ?? "");
  return Math.round(Number(digits) * (unit.endsWith("i") ? 1024 : 1000) ** power);
}
