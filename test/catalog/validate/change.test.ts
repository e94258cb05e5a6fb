import assert from "node:assert/strict";
import { test } from "node:test";
import type { Change } from "../../../src/catalog/catalog.ts";
import { checkedChange } from "../../../src/catalog/validate/change.ts";
import { MemorySchemas } from "../../../src/catalog/validate/schema-store.ts";
import { createValidator } from "../../../src/catalog/validate/validator.ts";
import type { Payload } from "../../../src/core/event.ts";
import type { StacItem } from "../../../src/core/stac.ts";
import { isGyreError } from "../../../src/errors.ts";

const check = createValidator({ store: new MemorySchemas(), policyOf: () => ({ level: "refuse" }) });
const change = (payload: Payload): Change => ({
  payload,
  requester: { client_id: "c", iss: "i", sub: "s" },
  requestId: "r",
  publisher: { package: "p", version: "1" },
});
const ITEM: StacItem = {
  type: "Feature",
  stac_version: "1.1.0",
  id: "a",
  geometry: null,
  properties: { datetime: "2000-01-01T00:00:00Z", title: null },
  links: [],
  assets: {},
};

test("the document of a change is the one that was checked", async () => {
  const { document } = await checkedChange(check, change({ method: "POST", collection_id: "c", item: ITEM }));
  const { payload } = document;
  assert.ok("item" in payload);
  assert.deepEqual(payload.item.properties, { datetime: "2000-01-01T00:00:00Z" });
  assert.equal(document.requestId, "r");
});

test("changes without a document go through, unless a patch can fit none", async () => {
  const gone: Payload = { method: "DELETE", collection_id: "c", item_id: "a" };
  assert.deepEqual((await checkedChange(check, change(gone))).document.payload, gone);
  const whole: Payload = { method: "DELETE", collection_id: "c", collection: null };
  assert.deepEqual((await checkedChange(check, change(whole))).document.payload, whole);
  const required: Payload = {
    method: "PATCH",
    collection_id: "c",
    item_id: "a",
    patch: { geometry: null, links: null },
  };
  await assert.rejects(checkedChange(check, change(required)), (error) => isGyreError(error, "Invalid"));
  const other: Payload = { method: "PUT", collection_id: "c", collection: { ...ITEM, type: "Collection" } as never };
  await assert.rejects(checkedChange(check, change(other)), (error) => isGyreError(error, "Invalid"));
});
