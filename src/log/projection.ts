import type { Database } from "../db/database.ts";
import type { Recorded, TopicFilter } from "./event-log.ts";

/** The kinds of trouble that error events name (founding system, 1.6). */
export type ErrorType = "payload" | "stac_server" | "kafka" | "unknown";

/** A message that could not be applied, and why: it goes to the error topic and never blocks those behind it. */
export interface Failure {
  readonly message: Recorded;
  readonly type: ErrorType;
  readonly error: unknown;
}

/** Anything made from the log. Every effect of `apply` is in `tx`, in which the cursor moves too. */
export interface Projection {
  /** Its name as a consumer. */
  readonly name: string;
  readonly topics: TopicFilter;
  /**
   * Applies messages in their order and answers those it could not. Throws only when nothing of the batch can be applied
   * now (the database is away): the batch then comes again.
   */
  apply(messages: readonly Recorded[], tx: Database): Promise<readonly Failure[]>;
}
