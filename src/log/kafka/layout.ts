import { isTopic } from "../../core/topic.ts";
import { GyreError } from "../../errors.ts";
import type { TopicFilter } from "../event-log.ts";
import type { KafkaOptions } from "./options.ts";

/** Where messages of a topic lie among the topics of the broker. */
export interface Layout {
  /** Partitions of topics made here. */
  readonly partitions: number;
  /** The one topic of the broker in which messages of all topics lie, which only their headers tell apart. */
  readonly shared: string | undefined;
  /** The topic of the broker for messages of `topic`. Throws BadRequest for names that Kafka cannot have. */
  place(topic: string): string;
  /** Whether a topic of the broker belongs to this log, and can have messages that `filter` lets through. */
  includes(name: string, filter?: TopicFilter): boolean;
  /** The topic of a message, whose header says `told`. */
  topicOf(name: string, told: string | undefined): string;
}

export function layoutOf(topics: KafkaOptions["topics"] = { mode: "one" }): Layout {
  if (topics.mode === "one") {
    const own = topics.name ?? "gyre.events";
    checkName(own);
    return {
      partitions: topics.partitions ?? 8,
      shared: own,
      place: () => own,
      includes: (name) => name === own,
      topicOf: (name, told) => (told !== undefined && isTopic(told) ? told : name),
    };
  }
  const { prefix = "", partitions = 1 } = topics;
  const nameOf = (name: string): string => name.slice(prefix.length);
  return {
    partitions,
    shared: undefined,
    place: (topic) => checkName(prefix + topic),
    includes: (name, filter) =>
      // Kafka keeps its own state in topics that begin so.
      !name.startsWith("__") && name.startsWith(prefix) && (filter === undefined || filter.test(nameOf(name))),
    topicOf: nameOf,
  };
}

/** Names that Kafka takes for topics; answers the name. */
function checkName(name: string): string {
  if (isTopic(name) && !name.startsWith("__")) return name;
  throw new GyreError("BadRequest", `${JSON.stringify(name.slice(0, 300))} cannot be the name of a topic on Kafka`, {
    subject: "topic",
  });
}
