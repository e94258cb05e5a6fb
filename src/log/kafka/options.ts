/** Every message in one topic of the broker; its own topic is a header. Thousands of topics are a trap on Kafka. */
export interface OneTopic {
  readonly mode: "one";
  /** Default `gyre.events`. Made by the first call, also one that reads, where the broker lets us. */
  readonly name?: string;
  /** Of a topic that is made here; default 8. Later changes move keys to other partitions, out of order. */
  readonly partitions?: number;
}

/** A topic of the broker for each topic of messages, made when the first message comes. */
export interface TopicEach {
  readonly mode: "each";
  /** Before every name; topics of the broker without it are none of this log. Default: none. */
  readonly prefix?: string;
  /** Of each topic that is made here; default 1. */
  readonly partitions?: number;
}

export interface SaslSettings {
  readonly mechanism: "PLAIN" | "SCRAM-SHA-256" | "SCRAM-SHA-512";
  readonly username: string;
  readonly password: string;
}

/** PEM texts; without `ca` the system's authorities are trusted. */
export interface TlsSettings {
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
}

export interface KafkaOptions {
  /** `host:port` of the brokers that are asked first. */
  readonly brokers: readonly string[];
  /** Default: one topic. */
  readonly topics?: OneTopic | TopicEach;
  readonly tls?: boolean | TlsSettings;
  readonly sasl?: SaslSettings;
  /** As the broker's own logs and quotas name this client; default `gyre`. */
  readonly clientId?: string;
  /** Copies of each partition of a topic that is made here; default: as the broker is configured. */
  readonly replicas?: number;
  /** Further settings of topics made here: `{ "min.insync.replicas": "2" }`. */
  readonly topicSettings?: Readonly<Record<string, string>>;
  /** Attempts after the first, with pauses that grow to 2 s, until a call throws Busy; at least 2, default 6. */
  readonly retries?: number;
  /** How often a live read asks for new topics and partitions; default 30 s. */
  readonly refreshMs?: number;
  /** Milliseconds of a clock that never goes back; default `performance.now`. */
  readonly now?: () => number;
}

/** Pause before the nth attempt after a failure, counted from 1. */
export function pauseBefore(attempt: number): number {
  return Math.min(100 * 2 ** (attempt - 1), 2000);
}

export function retriesOf(options: KafkaOptions): number {
  return Math.max(2, options.retries ?? 6);
}
