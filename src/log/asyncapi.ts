import { errorEventJsonSchema, eventJsonSchema } from "../core/event-schema.ts";
import type { Json } from "../core/stac.ts";
import { ERROR_TOPIC } from "../core/topic.ts";
import type { TopicInfo } from "./event-log.ts";

export interface AsyncapiOptions {
  /** Root of the node, as clients see it. */
  readonly publicUrl: URL;
  /** Version of the program. */
  readonly version: string;
  readonly topics: readonly Pick<TopicInfo, "name">[];
  /** The brokers of a log that clients may read themselves: `broker:9092`. */
  readonly kafka?: readonly string[];
}

/** Topics that are named as examples, at most: there may be thousands. */
const MOST_EXAMPLES = 50;

/** AsyncAPI 3.0 of a node's events: what it sends, where, and what each message looks like. */
export function asyncapi({ publicUrl, version, topics, kafka = [] }: AsyncapiOptions): {
  readonly [name: string]: Json;
} {
  const names = topics.map(({ name }) => name).filter((name) => name !== ERROR_TOPIC);
  return {
    asyncapi: "3.0.0",
    info: {
      title: "Publications",
      version,
      description:
        "Every change of the catalogue is an event. Read them from the log itself, or from the node at " +
        `${new URL("events/stream", withSlash(publicUrl))} (server-sent events).`,
    },
    defaultContentType: "application/json",
    servers: {
      node: {
        host: publicUrl.host,
        pathname: withSlash(new URL("events", withSlash(publicUrl))).pathname.slice(0, -1),
        protocol: publicUrl.protocol.replace(":", ""),
        description: "topics, positions, messages and server-sent events",
      },
      ...Object.fromEntries(kafka.map((host, i) => [`kafka${i + 1}`, { host, protocol: "kafka" }])),
    },
    channels: {
      publications: {
        address: "{topic}",
        title: "Publications by topic",
        parameters: {
          topic: {
            description: "made of an item's facets; consumers choose by a regular expression",
            examples: names.slice(0, MOST_EXAMPLES),
          },
        },
        messages: { publication: { $ref: "#/components/messages/publication" } },
      },
      errors: {
        address: ERROR_TOPIC,
        title: "Messages that a consumer could not apply",
        messages: { failure: { $ref: "#/components/messages/failure" } },
      },
    },
    operations: {
      sendPublication: { action: "send", channel: { $ref: "#/channels/publications" } },
      receivePublication: { action: "receive", channel: { $ref: "#/channels/publications" } },
      sendFailure: { action: "send", channel: { $ref: "#/channels/errors" } },
    },
    components: {
      messages: {
        publication: {
          title: "Publication",
          summary: "An item or collection was created, replaced, changed or removed",
          contentType: "application/json",
          payload: eventJsonSchema(),
          bindings: { kafka: { key: { type: "string", description: "collection/item" } } },
        },
        failure: {
          title: "Failure",
          summary: "The message as it came, and why it could not be applied",
          contentType: "application/json",
          payload: errorEventJsonSchema(),
        },
      },
    },
  };
}

function withSlash(url: URL): URL {
  return url.pathname.endsWith("/") ? url : new URL(`${url.pathname}/`, url);
}
