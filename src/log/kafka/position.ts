/** A partition of a topic of the broker. */
export interface Partition {
  readonly topic: string;
  readonly index: number;
}

/** Its name in positions. Kafka's topics have no colon. */
export function partitionName({ topic, index }: Partition): string {
  return `${topic}:${index}`;
}

/** Undefined: a partition of some other log. */
export function parsePartition(name: string): Partition | undefined {
  const [, topic, digits] = /^([\w.-]+):(\d{1,9})$/.exec(name) ?? [];
  return topic === undefined ? undefined : { topic, index: Number(digits) };
}
