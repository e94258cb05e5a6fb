import type { Fault } from "../../errors.ts";

/** Seconds that a write waits for the node to apply it: as long as a node lets one wait. */
const WAIT = 30;

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

/** The events of an answer to an ItemCollection. */
export function repliesOf(answer: unknown): readonly EventReply[] {
  return (answer as { readonly events: readonly EventReply[] }).events;
}

/** Whether the answer to one change, asked to wait, says that it is not applied yet. */
export function isPending(answer: unknown): answer is EventReply {
  return (answer as Partial<EventReply> | undefined)?.status === "pending";
}
