import { z } from "zod";

/** Apache Kafka as the event log. */
export const kafka = z.strictObject({
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

/** A log that the catalogue is made of. */
export const follow = z
  .strictObject({
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
    target: z
      .url()
      .refine((url) => URL.parse(url)?.username === "", "has a name in front of its host: use token")
      .optional()
      .describe("an external STAC API with Transaction; without it this node's catalogue"),
    token: z.string().min(1).max(10_000).optional().describe("lets us into the target: Authorization: Bearer"),
    narrowed: z.enum(["keep", "remove"]).default("keep").describe("what no topic brings any more"),
  })
  .refine(
    ({ target, narrowed }) => target === undefined || narrowed === "keep",
    "narrowed: remove is for this node's own catalogue, not for a target",
  );

/** How items find their topic. */
export const topics = z.strictObject({
  template: z.string().min(1).max(500).default("{mip_era}.{experiment_id}.{source_id}"),
  fallback: z
    .string()
    .min(1)
    .max(200)
    .default("other.unknown.unknown")
    .describe("the topic of items without these facets"),
});

/** What is forgotten of the log. */
export const retention = z.strictObject({
  events: z.number().positive().optional().describe("of the log, for all nodes that share it"),
  statuses: z.number().positive().optional().describe("of what became of each event at this node"),
});
