import { createHash } from "node:crypto";
import type { RunState } from "../runs.ts";

/** What is made once, whoever asks for it. */
export interface Unit {
  /** Name of the boundary and of its package: two may be of one area. */
  readonly boundary: string;
  readonly boundaryDigest: string;
  /** `dataset.version` */
  readonly processor: string;
  readonly sourceDigest: string;
}

/** More of them have not ended before for any unit that somebody still wants. */
const MOST_ATTEMPTS = 10_000;

/** What all runs of one unit of work begin with. */
export function unitName({ boundary, boundaryDigest, processor, sourceDigest }: Unit): string {
  const parts = [boundary, boundaryDigest, processor, sourceDigest];
  const digest = createHash("sha256").update(parts.join("\n")).digest("hex");
  return `${processor}-${digest.slice(0, 32)}`;
}

/** The run of a unit of work that goes on, or the first id that nobody has taken; and the last one that ended. */
export interface Attempts {
  readonly id: string;
  readonly goesOn: boolean;
  readonly ended?: string;
}

/**
 * A unit is worked on by one run at a time, `{unit}-1` first. Whoever finds that it has ended may start the next; of
 * many who do so at once only one gets the id.
 */
export async function attemptsOf(
  unit: string,
  stateOf: (id: string) => Promise<RunState | undefined>,
): Promise<Attempts> {
  let ended: string | undefined;
  for (let attempt = 1; attempt < MOST_ATTEMPTS; attempt++) {
    const id = `${unit}-${attempt}`;
    const state = await stateOf(id);
    const goesOn = state === "queued" || state === "running";
    if (state === undefined || goesOn) return { id, goesOn, ...(ended === undefined ? {} : { ended }) };
    ended = id;
  }
  throw new Error(`${unit} was tried ${MOST_ATTEMPTS} times`);
}
