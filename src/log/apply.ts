import type { Call, Principal } from "../core/principal.ts";
import { ERROR_TOPIC } from "../core/topic.ts";
import type { Database } from "../db/database.ts";
import { sqlState } from "../db/failure.ts";
import { isGyreError } from "../errors.ts";
import { errorMessage, type Reporter } from "./error-event.ts";
import type { Batch, EventLog, Position, Recorded } from "./event-log.ts";
import type { Lane } from "./lane.ts";
import type { Failure, Projection } from "./projection.ts";

/** What is done with messages: applied, told of as errors, and the position moved, all in one transaction. */
export interface Applier {
  /** Where failures are told of. */
  readonly errors: EventLog;
  readonly db: Database;
  readonly projection: Projection;
  readonly reporter: Reporter;
}

/** How many messages had their effect, and how many are now in the error topic. */
export interface Outcome {
  readonly applied: number;
  readonly failed: number;
}

/**
 * Applies a batch and moves the lane behind it. Where the projection throws because of what some message holds, each goes
 * by itself, and the one to blame becomes an error event. What passes by itself (a server that is away) is thrown, and
 * nothing was applied.
 */
export async function applyBatch(
  applier: Applier,
  { messages, next }: Batch,
  lane: Lane,
  call: Call,
): Promise<Outcome> {
  const { projection } = applier;
  try {
    return await applyOnce(applier, messages, lane, next, (tx) => projection.apply(messages, tx), call);
  } catch (error) {
    if (!isOfMessage(error)) throw error;
    let applied = 0;
    for (const message of messages) applied += (await applyAlone(applier, message, lane, call)).applied;
    return { applied, failed: messages.length - applied };
  }
}

async function applyAlone(applier: Applier, message: Recorded, lane: Lane, call: Call): Promise<Outcome> {
  const apply = async (tx: Database): Promise<readonly Failure[]> => {
    try {
      return await tx.transaction((inner) => applier.projection.apply([message], inner));
    } catch (error) {
      if (!isOfMessage(error)) throw error;
      return [{ message, type: "unknown", error }];
    }
  };
  return applyOnce(applier, [message], lane, { [message.partition]: message.offset + 1 }, apply, call);
}

async function applyOnce(
  { errors, db, reporter }: Applier,
  messages: readonly Recorded[],
  lane: Lane,
  next: Position,
  apply: (tx: Database) => Promise<readonly Failure[]>,
  { who }: Call,
): Promise<Outcome> {
  return lane.advance(db, next, async (tx) => {
    const failures = messages.length === 0 ? [] : await apply(tx);
    // An error event that cannot be applied makes no other: they would never end.
    const told = failures.filter(({ message }) => message.topic !== ERROR_TOPIC);
    if (told.length > 0) await tell(errors, told, reporter, who);
    return { applied: messages.length - failures.length, failed: failures.length };
  });
}

/** A log may take less than one error event and the message that it quotes: then the place of that must do. */
async function tell(errors: EventLog, failures: readonly Failure[], reporter: Reporter, who: Principal): Promise<void> {
  const append = (some: readonly Failure[], form?: "without payload"): Promise<unknown> =>
    errors.append(
      some.map((failure) => errorMessage(failure, reporter, form)),
      { who },
    );
  const isTooLarge = (error: unknown): true => {
    if (isGyreError(error, "TooLarge")) return true;
    throw error;
  };
  try {
    await append(failures);
  } catch (error) {
    isTooLarge(error);
    for (const failure of failures) {
      await append([failure]).catch((reason: unknown) => isTooLarge(reason) && append([failure], "without payload"));
    }
  }
}

/** Classes of SQLSTATE that a value causes: cardinality, data, integrity, limits of the program. */
const OF_DATA = /^(?:21|22|23|54)/;

/** The message is to blame, so that the same will happen again; all else passes, or is the operator's to mend. */
function isOfMessage(error: unknown): boolean {
  const state = sqlState(error);
  if (state !== undefined) return OF_DATA.test(state);
  return !isGyreError(error, "Busy", "Conflict") && !(error instanceof DOMException);
}
