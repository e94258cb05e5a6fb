import { decodeEvent } from "../core/event-decode.ts";
import type { Database } from "../db/database.ts";
import { isGyreError } from "../errors.ts";
import type { Recorded, TopicFilter } from "../log/event-log.ts";
import type { Failure, Projection } from "../log/projection.ts";
import { type Arrived, applyEvents, saveOutcomes } from "./apply.ts";

export interface CatalogProjectionOptions {
  /** Its name as a consumer; `catalog` unless told otherwise. */
  readonly name?: string;
  readonly topics: TopicFilter;
}

/** The catalogue as a projection of the log: what it applies can be searched when the transaction is committed. */
export function createCatalogProjection({ name = "catalog", topics }: CatalogProjectionOptions): Projection {
  return {
    name,
    topics,
    async apply(messages, tx) {
      const failures: Failure[] = [];
      const arrived: Arrived[] = [];
      for (const message of messages) {
        try {
          arrived.push({ message, event: decodeEvent(message.value) });
        } catch (error) {
          failures.push(failureOf(message, error));
        }
      }
      await applyHalves(arrived, tx, failures);
      return failures;
    },
  };
}

/** All at once; where the database refuses a value that we let pass, its half again, until the one is alone. */
async function applyHalves(arrived: readonly Arrived[], tx: Database, failures: Failure[]): Promise<void> {
  if (arrived.length === 0) return;
  try {
    const refused = await tx.transaction((inner) => applyEvents(inner, arrived));
    failures.push(...refused.map(({ message, error }) => failureOf(message, error)));
  } catch (error) {
    if (!isOfData(error)) throw error;
    const [only] = arrived;
    if (arrived.length === 1 && only !== undefined) {
      await saveOutcomes(tx, [only], new Map([[only, { ...only, error }]]));
      failures.push(failureOf(only.message, error));
      return;
    }
    const middle = Math.ceil(arrived.length / 2);
    await applyHalves(arrived.slice(0, middle), tx, failures);
    await applyHalves(arrived.slice(middle), tx, failures);
  }
}

function failureOf(message: Recorded, error: unknown): Failure {
  return {
    message,
    type: isGyreError(error, "Conflict", "NotFound", "PreconditionFailed") ? "stac_server" : "payload",
    error,
  };
}

/** Classes of SQLSTATE that a value causes: data exception, integrity, limits of a value or of the program. */
function isOfData(error: unknown): boolean {
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  return /^(22|23|54)...$/.test(code);
}
