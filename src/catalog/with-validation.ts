import { isItemPayload } from "../core/event.ts";
import type { Call } from "../core/principal.ts";
import type { Json } from "../core/stac.ts";
import { type Fault, GyreError, isGyreError } from "../errors.ts";
import type { Catalog, Change, EventStatus, Writes } from "./catalog.ts";
import { checkedChange } from "./validate/change.ts";
import type { Checked, Validator } from "./validate/validator.ts";

/**
 * A door that validates before anything is accepted. What it takes may be mended (nulls of optional fields go, extensions
 * that a project wants are named), and what it only warns of is told with the status.
 */
export function withValidation(writes: Writes, validator: Validator, catalog: Catalog): Writes {
  return {
    async accept(changes, call) {
      const checked: Checked<Change>[] = [];
      for (const [i, change] of changes.entries()) {
        try {
          checked.push(await check(change, call));
        } catch (error) {
          throw changes.length === 1 ? error : inFeature(error, i);
        }
      }
      const statuses = await writes.accept(
        checked.map(({ document }) => document),
        call,
      );
      return statuses.map((status, i): EventStatus => {
        const warnings = checked[i]?.warnings ?? [];
        return warnings.length === 0 ? status : { ...status, warnings };
      });
    },
    status: (eventId, call) => writes.status(eventId, call),
    settled: (eventId, ms, call) => writes.settled(eventId, ms, call),
  };

  async function check(change: Change, call: Call): Promise<Checked<Change>> {
    const checked = await checkedChange(validator, change);
    const warnings = await patchWarnings(change, call);
    return { document: checked.document, warnings: [...checked.warnings, ...warnings] };
  }

  /** What the document lacks that a patch makes of the one that is there; that there is none is for the door to say. */
  async function patchWarnings({ payload }: Change, call: Call): Promise<readonly Fault[]> {
    if (payload.method !== "PATCH") return [];
    const { collection_id: collection } = payload;
    if (!isItemPayload(payload)) {
      const stored = await catalog.collection(collection, call);
      if (stored === undefined) return [];
      return (await validator.patchCollection(stored.document as object as Json, payload.collection_patch)).warnings;
    }
    const stored = await catalog.item(collection, payload.item_id, call);
    if (stored === undefined) return [];
    return (await validator.patch(stored.document as object as Json, payload.patch, collection)).warnings;
  }
}

/** Faults where the ItemCollection that was sent has them. */
function inFeature(error: unknown, index: number): unknown {
  if (!isGyreError(error, "Invalid")) return error;
  const { faults = [{ pointer: "", detail: error.message }], ...details } = error.details;
  return new GyreError("Invalid", `feature ${index}: ${error.message}`, {
    ...details,
    faults: faults.map(({ pointer, detail }) => ({ pointer: `/features/${index}${pointer}`, detail })),
  });
}
