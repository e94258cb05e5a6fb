import type { Fault } from "../../errors.ts";

/** Seconds that a write waits for the node to apply it. */
const WAIT = 10;

/** Asks the node to answer when it has applied the event (RFC 7240). */
export const WAITING = { Prefer: `wait=${WAIT}` };

/** What a node says of an event that it took. */
export interface EventReply {
  readonly event_id: string;
  readonly status: "pending" | "applied" | "failed";
  readonly item: string | null;
  readonly problem?: { readonly detail?: string } | null;
  /** What is not right with the document all the same. */
  readonly warnings?: readonly Fault[];
}

/** The events of an answer: one, or one for each item. */
export function repliesOf(answer: unknown): readonly EventReply[] {
  const { events } = answer as { readonly events?: readonly EventReply[] };
  return events ?? [answer as EventReply];
}

/** One line of what became of an event. */
export function saidOf({ status, problem, event_id }: EventReply): string {
  if (status === "failed") return `refused: ${problem?.detail ?? event_id}`;
  return status === "applied" ? "applied" : `accepted, event ${event_id}`;
}
