import type { AdminOptions, BaseOptions, ConsumerOptions, GenericError, ProducerOptions } from "@platformatic/kafka";
import { GyreError } from "../../errors.ts";
import { type KafkaOptions, pauseBefore, retriesOf } from "./options.ts";

// The one file that loads the client, and only when a log on Kafka is first used.
type Library = typeof import("@platformatic/kafka");
let library: Promise<Library> | undefined;

async function load(): Promise<Library> {
  try {
    return await (library ??= import("@platformatic/kafka"));
  } catch (error) {
    library = undefined;
    throw error;
  }
}

type Bytes = Buffer;
export type KafkaAdmin = InstanceType<Library["Admin"]>;
export type KafkaProducer = InstanceType<typeof import("@platformatic/kafka").Producer<Bytes, Bytes, Bytes, Bytes>>;
export type KafkaFetcher = InstanceType<typeof import("@platformatic/kafka").Consumer<Bytes, Bytes, Bytes, Bytes>>;

/** Asks about the cluster. */
export async function makeAdmin(options: KafkaOptions): Promise<KafkaAdmin> {
  const { Admin } = await load();
  return new Admin(settings(options, retriesOf(options)) satisfies AdminOptions);
}

/** Writes with numbers by which the broker knows repeats, and waits for all copies. */
export async function makeProducer(options: KafkaOptions): Promise<KafkaProducer> {
  const { Producer } = await load();
  const made: ProducerOptions<Bytes, Bytes, Bytes, Bytes> = {
    ...settings(options, retriesOf(options)),
    idempotent: true,
  };
  return new Producer(made);
}

/** Fetches what it is told to, as a member of no group; failures are its caller's to repeat. */
export async function makeFetcher(options: KafkaOptions): Promise<KafkaFetcher> {
  const { Consumer } = await load();
  const made: ConsumerOptions<Bytes, Bytes, Bytes, Bytes> = {
    ...settings(options, 0),
    // The client wants a name; no request carries it.
    groupId: "none",
    minBytes: 1,
    maxBytes: MAX_FETCH_BYTES,
    maxWaitTime: MAX_FETCH_WAIT_MS,
  };
  return new Consumer(made);
}

const MAX_FETCH_BYTES = 8 * 1024 * 1024;
const MAX_FETCH_WAIT_MS = 500;

/** The release of the broker, by the newest feature level that it knows: `4.1`. */
export async function askVersion(admin: KafkaAdmin): Promise<string | undefined> {
  const { apiVersionsV3 } = await load();
  const [connection] = (await admin.connectToBrokers()).values();
  if (connection === undefined) return undefined;
  const { supportedFeatures = [] } = await apiVersionsV3.api.async(connection, "gyre", "1");
  const level = supportedFeatures.find(({ name }) => name === "metadata.version")?.maxVersion;
  if (level === undefined) return undefined;
  return RELEASES.find(([first]) => level >= first)?.[1];
}

/** `metadata.version` of KIP-778: the first level of each release. */
const RELEASES: readonly (readonly [number, string])[] = [
  [28, "4.2 or newer"],
  [26, "4.1"],
  [22, "4.0"],
  [21, "3.9"],
  [20, "3.8"],
  [15, "3.7"],
  [12, "3.6"],
  [9, "3.5"],
  [8, "3.4"],
  [5, "3.3"],
];

/** Names of the protocol for what can go wrong: `MESSAGE_TOO_LARGE`. */
export function isKafkaError(error: unknown, ...names: readonly string[]): boolean {
  if (!(error instanceof Error) || !("findBy" in error)) return false;
  return names.some((name) => (error as GenericError).findBy("apiId", name) !== null);
}

/** What a failed call means to the callers of the log: mostly that they should come again. */
export function inGyresWords(error: unknown, doing: string): unknown {
  if (error instanceof GyreError) return error;
  const details = { subject: "kafka", cause: error };
  if (isKafkaError(error, "MESSAGE_TOO_LARGE", "RECORD_LIST_TOO_LARGE")) {
    return new GyreError("TooLarge", `${doing}: the broker takes no message of this size`, details);
  }
  if (isKafkaError(error, "INVALID_TOPIC_EXCEPTION", "POLICY_VIOLATION")) {
    return new GyreError("BadRequest", `${doing}: ${innermost(error)}`, details);
  }
  if (isKafkaError(error, "TOPIC_AUTHORIZATION_FAILED", "GROUP_AUTHORIZATION_FAILED")) {
    return new GyreError("Denied", `${doing}: ${innermost(error)}`, details);
  }
  const { code } = error as { readonly code?: unknown };
  const isOfClient = error instanceof Error && "findBy" in error;
  if (!isOfClient || code === "PLT_KFK_OUT_OF_BOUNDS" || code === "PLT_KFK_UNSUPPORTED_COMPRESSION") {
    return new GyreError("BadSource", `${doing}: what the broker sent is not understood: ${innermost(error)}`, details);
  }
  return new GyreError("Busy", `${doing}: ${innermost(error)}`, { ...details, retryAfter: 5 });
}

/** The client wraps errors in errors; the first of the innermost says what happened, the broker's own words best. */
function innermost(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) return innermost(error.errors[0]);
  if (!(error instanceof Error)) return String(error);
  if ("serverErrorMessage" in error && typeof error.serverErrorMessage === "string") return error.serverErrorMessage;
  return error.cause instanceof Error ? innermost(error.cause) : error.message;
}

function settings(options: KafkaOptions, retries: number): BaseOptions {
  const { brokers, clientId = "gyre", tls = false, sasl } = options;
  return {
    clientId,
    bootstrapBrokers: [...brokers],
    retries,
    retryDelay: (_client, _operation, attempt) => pauseBefore(attempt),
    connectTimeout: 5000,
    requestTimeout: 10_000,
    timeout: 10_000,
    ...(tls === false ? {} : { tls: tls === true ? {} : { ...tls } }),
    ...(sasl === undefined ? {} : { sasl: { ...sasl } }),
  };
}
