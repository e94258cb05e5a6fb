import type { Difference } from "./differences.ts";
import type { Healed } from "./healing.ts";

/** What is done about an item that another node has differently, after it was held to this node's log. */
export type Verdict =
  /** As the log here says, it is as there. */
  | "repaired"
  /** There it is newer, and it is to be published here. */
  | "publish"
  /** Here it is newer: the other node is to be healed. */
  | "newerHere"
  /** Only here: the other node is to be healed. */
  | "onlyHere"
  /** It was deleted here, after what the other node has. */
  | "deletedHere"
  /** It is retracted here, which no other node takes back. */
  | "retractedHere";

/**
 * Decides in this order. An item that is as it is there once it is as this node's log says needs nothing more. What only
 * this node has stays. A document whose last event this node has been through is older than what is here. What is
 * retracted here stays retracted, and what was deleted here stays deleted unless it was published again elsewhere later.
 * Of two documents from different logs the one with the later event is the newer; of the same time the one whose event
 * has the greater id, so that both nodes decide alike. Nothing is ever deleted because another node has it not.
 */
export function verdictOf({ there }: Difference, here: Healed): Verdict {
  if (here.digest === (there?.digest ?? null)) return "repaired";
  if (there === undefined) return "onlyHere";
  const isOlder = here.knowsTheirs || isBefore(there, here);
  if (here.digest === null) return here.isDeleted && isOlder ? "deletedHere" : "publish";
  if (here.isRetracted && !there.isRetracted) return "retractedHere";
  return isOlder ? "newerHere" : "publish";
}

function isBefore(there: NonNullable<Difference["there"]>, { time, lastEvent }: Healed): boolean {
  if (time === undefined || lastEvent === undefined) return false;
  const difference = there.time.getTime() - time.getTime();
  return difference < 0 || (difference === 0 && there.etag <= lastEvent);
}
