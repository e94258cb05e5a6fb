import { isItemPayload, type Payload } from "../core/event.ts";
import type { Call } from "../core/principal.ts";
import type { Json } from "../core/stac.ts";
import type { Fault } from "../errors.ts";
import type { Catalog, Change, EventStatus, Writes } from "./catalog.ts";
import type { Validator } from "./validate/validator.ts";

interface CheckedChange {
  readonly change: Change;
  readonly warnings: readonly Fault[];
}

/**
 * A door that validates before anything is accepted. What it takes may be mended (nulls of optional fields go, extensions
 * that a project wants are named), and what it only warns of is told with the status.
 */
export function withValidation(writes: Writes, validator: Validator, catalog: Catalog): Writes {
  return {
    async accept(changes, call) {
      const checked: CheckedChange[] = [];
      for (const change of changes) checked.push(await check(change, call));
      const statuses = await writes.accept(
        checked.map(({ change }) => change),
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

  async function check(change: Change, call: Call): Promise<CheckedChange> {
    const { payload, warnings } = await checkedPayload(change.payload, call);
    return { change: { ...change, payload }, warnings };
  }

  async function checkedPayload(
    payload: Payload,
    call: Call,
  ): Promise<{ readonly payload: Payload; readonly warnings: readonly Fault[] }> {
    const { collection_id: collection } = payload;
    if (payload.method === "DELETE") return { payload, warnings: [] };
    if (!isItemPayload(payload)) {
      if (payload.method !== "PATCH") {
        const { document, warnings } = await validator.collection(payload.collection);
        return { payload: { ...payload, collection: document }, warnings };
      }
      const stored = await catalog.collection(collection, call);
      // That there is none is for the door to say.
      if (stored === undefined) return { payload, warnings: [] };
      return {
        payload,
        warnings: (await validator.patchCollection(stored.document as object as Json, payload.collection_patch))
          .warnings,
      };
    }
    if (payload.method !== "PATCH") {
      const { document, warnings } = await validator.item(payload.item, collection);
      return { payload: { ...payload, item: document }, warnings };
    }
    const stored = await catalog.item(collection, payload.item_id, call);
    if (stored === undefined) return { payload, warnings: [] };
    return {
      payload,
      warnings: (await validator.patch(stored.document as object as Json, payload.patch, collection)).warnings,
    };
  }
}
