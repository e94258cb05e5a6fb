import { readFile } from "node:fs/promises";
import type { Config, KafkaConfig } from "../config.ts";
import type { Pool } from "../db/database.ts";
import { migrate } from "../db/migrate.ts";
import { connect, type ServerAddress } from "../db/postgres.ts";
import { GyreError } from "../errors.ts";
import type { EventLog } from "../log/event-log.ts";
import { createHttpLog } from "../log/http.ts";
import type { KafkaLog } from "../log/kafka.ts";
import { createPostgresLog } from "../log/postgres.ts";

const KAFKA = /^kafka:\/\/([^/]+)\/?$/;
/** The log's tables are everybody's who shares the database. */
const LOG_SCHEMA = "log";

/** A log and what must be closed with it. */
export interface OpenedLog {
  readonly log: EventLog;
  /** Where it has a display of how far consumers are. */
  readonly commit?: KafkaLog["commit"];
  close(): Promise<void>;
}

/** The node's own log, as `log` of the configuration says. */
export async function openLog(
  config: Config,
  server: ServerAddress,
  onError: (error: unknown) => void,
): Promise<OpenedLog> {
  const { log: where } = config;
  if (where !== "database") return kafkaLog(typeof where === "string" ? fromUrl(where) : where);
  const pool: Pool = await connect({ ...server, schema: LOG_SCHEMA, onError });
  try {
    await migrate(pool, { name: "log" });
    const log = await createPostgresLog(pool);
    return {
      log,
      async close() {
        await log.close();
        await pool.close();
      },
    };
  } catch (error) {
    await pool.close();
    throw error;
  }
}

/** A log of somebody else that a `follow` names: another node's `/events`, or Kafka. */
export async function openForeignLog(address: string | KafkaConfig): Promise<OpenedLog> {
  if (typeof address !== "string") return kafkaLog(address);
  if (address.startsWith("kafka:")) return kafkaLog(fromUrl(address));
  const url = URL.parse(address);
  if (url === null || !/^https?:$/.test(url.protocol) || url.username !== "") {
    const shown = url === null ? address : `${url.protocol}//${url.host}${url.pathname}`;
    throw new GyreError(
      "BadRequest",
      `follow: ${JSON.stringify(shown)} is no log, or has a name in front of its host`,
      {
        subject: shown,
        allowed: ["http://host:port/events", "kafka://host:port"],
      },
    );
  }
  const log = createHttpLog(url);
  return { log, close: () => log.close() };
}

/** Loaded only where there is Kafka. */
async function kafkaLog(config: Partial<KafkaConfig> & Pick<KafkaConfig, "brokers">): Promise<OpenedLog> {
  const {
    brokers,
    topic,
    perFacet = false,
    prefix,
    partitions,
    replication,
    refreshSeconds,
    tls = false,
    sasl,
  } = config;
  const { createKafkaLog } = await import("../log/kafka.ts");
  const count = partitions === undefined ? {} : { partitions };
  const log = createKafkaLog({
    brokers,
    topics: perFacet
      ? { mode: "each", ...(prefix === undefined ? {} : { prefix }), ...count }
      : { mode: "one", ...(topic === undefined ? {} : { name: topic }), ...count },
    tls: typeof tls === "boolean" ? tls : await pemOf(tls),
    ...(sasl === undefined ? {} : { sasl }),
    ...(replication === undefined ? {} : { replicas: replication }),
    ...(refreshSeconds === undefined ? {} : { refreshMs: refreshSeconds * 1000 }),
  });
  return {
    log,
    commit: (group, position, call) => log.commit(group, position, call),
    close: () => log.close(),
  };
}

/** The texts of PEM files. */
async function pemOf(
  files: Exclude<KafkaConfig["tls"], boolean>,
): Promise<{ ca?: string; cert?: string; key?: string }> {
  const entries = Object.entries(files).filter(([, file]) => file !== undefined);
  return Object.fromEntries(
    await Promise.all(entries.map(async ([name, file]) => [name, await readFile(file, "utf8")])),
  );
}

/** A log in one word. */
export function logName(log: string | KafkaConfig): string {
  return typeof log === "string" ? log : [...log.brokers, log.perFacet ? log.prefix : log.topic].join(".");
}

function fromUrl(address: string): Pick<KafkaConfig, "brokers"> {
  const brokers = KAFKA.exec(address)?.[1]?.split(",") ?? [];
  if (brokers.length > 0 && brokers.every((broker) => /^[^\s:]+:\d+$/.test(broker))) return { brokers };
  throw new GyreError("BadRequest", `${JSON.stringify(address)} names no brokers`, {
    allowed: ["kafka://host:port,host:port"],
  });
}
