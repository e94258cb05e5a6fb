import { isItemPayload, type Payload } from "../../core/event.ts";
import type { Change } from "../catalog.ts";
import { checkPatch } from "../patch.ts";
import type { Checked, Validator } from "./validator.ts";

/**
 * A change as it may be published: its document without nulls and with its extensions. Of a patch only what can be said
 * without the document; the document that it makes is checked where it is at hand (`Validator.patch`). Throws Invalid.
 */
export async function checkedChange(validator: Validator, change: Change): Promise<Checked<Change>> {
  const { document: payload, warnings } = await checkedPayload(validator, change.payload);
  return { document: { ...change, payload }, warnings };
}

async function checkedPayload(validator: Validator, payload: Payload): Promise<Checked<Payload>> {
  if (isItemPayload(payload)) {
    if ("item" in payload) {
      const { document: item, warnings } = await validator.item(payload.item, payload.collection_id);
      return { document: { ...payload, item }, warnings };
    }
    if (payload.method === "PATCH") checkPatch(payload.patch, "item");
  } else if (payload.method === "PATCH") {
    checkPatch(payload.collection_patch, "collection");
  } else if (payload.method !== "DELETE") {
    const { document: collection, warnings } = await validator.collection(payload.collection);
    return { document: { ...payload, collection }, warnings };
  }
  return { document: payload, warnings: [] };
}
