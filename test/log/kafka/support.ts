import type { Call } from "../../../src/core/principal.ts";
import { ANONYMOUS } from "../../../src/core/principal.ts";
import { ALL_TOPICS } from "../../../src/core/topic.ts";
import { BEGINNING, type EventLog, type Message, type ReadOptions, type Recorded } from "../../../src/log/event-log.ts";

export const CALL: Call = { who: ANONYMOUS };

export function message(id: string, options: Partial<Message> = {}): Message {
  return {
    id,
    topic: "CMIP6.historical.A",
    key: "cmip6/x",
    value: new TextEncoder().encode(`value of ${id}`),
    ...options,
  };
}

/** Everything from a position on, or from the beginning. */
export async function history(log: EventLog, options: Partial<ReadOptions> = {}): Promise<Recorded[]> {
  const batches = await Array.fromAsync(log.read({ topics: ALL_TOPICS, from: BEGINNING, ...options }, CALL));
  return batches.flatMap(({ messages }) => [...messages]);
}
