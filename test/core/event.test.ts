import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { Ajv2020 } from "ajv/dist/2020.js";
import { decodeEvent, encodeEvent, itemIdOf, keyOf, type StacEvent } from "../../src/core/event.ts";
import { JSON_LIMITS } from "../../src/core/event-json.ts";
import { eventJsonSchema } from "../../src/core/event-schema.ts";
import { type ErrorTag, type Fault, isGyreError } from "../../src/errors.ts";

const data = process.env.GYRE_DATA ?? join(import.meta.dirname, "../../../shared/data");
const skip = existsSync(data) ? false : "there is no ../shared/data";

const bytesOf = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value));

const ITEM = {
  type: "Feature",
  stac_version: "1.0.0",
  id: "CMIP6.CMIP.NCC.NorESM2-LM.historical.r1i1p1f1.Amon.tas.gn.v20190815",
  collection: "cmip6",
  geometry: null,
  properties: { datetime: "1850-01-01T00:00:00Z" },
  links: [],
  assets: {},
} as const;

const EVENT: StacEvent = {
  metadata: {
    auth: { requester_data: { client_id: "c", iss: "https://iss", sub: "s" } },
    event_id: "9926176eff3245228af860a9494b74ed",
    request_id: "r",
    publisher: { package: "gyre", version: "0.1.0" },
    time: "2026-11-22T08:00:00Z",
    schema_version: "1.0.0",
  },
  data: { type: "STAC", payload: { method: "POST", collection_id: "cmip6", item: ITEM } },
};

/** The event with one member changed, given by its path. */
function changed(path: string, value: unknown): Uint8Array {
  const copy = structuredClone(EVENT) as unknown;
  const parts = path.split("/").slice(1);
  let at = copy as Record<string, unknown>;
  for (const part of parts.slice(0, -1)) at = at[part] as Record<string, unknown>;
  at[parts.at(-1)!] = value;
  return bytesOf(copy);
}

function withPayload(payload: unknown): Uint8Array {
  return changed("/data/payload", payload);
}

function faultsOf(bytes: Uint8Array, tag: ErrorTag = "Invalid"): readonly Fault[] {
  try {
    decodeEvent(bytes);
  } catch (error) {
    assert.ok(isGyreError(error, tag), String(error));
    return error.details.faults ?? [];
  }
  return assert.fail("was taken");
}

const pointersOf = (bytes: Uint8Array): string[] => faultsOf(bytes).map(({ pointer }) => pointer);

const COLLECTION = { type: "Collection", id: "cmip6", extent: {}, links: [] };

/** A payload of every kind. */
const PAYLOADS: readonly object[] = [
  { method: "POST", collection_id: "cmip6", item: ITEM },
  { method: "PUT", collection_id: "cmip6", item_id: ITEM.id, item: ITEM, if_match: "e1" },
  { method: "PATCH", collection_id: "cmip6", item_id: "a", patch: { properties: { retracted: true } } },
  { method: "PATCH", collection_id: "cmip6", item_id: "a", patch: [{ op: "remove", path: "/properties/x" }] },
  { method: "DELETE", collection_id: "cmip6", item_id: "a" },
  { method: "POST", collection_id: "cmip6", collection: COLLECTION },
  { method: "PUT", collection_id: "cmip6", collection: COLLECTION },
  { method: "PATCH", collection_id: "cmip6", collection_patch: { title: null } },
  { method: "DELETE", collection_id: "cmip6", collection: null },
];

describe("events of the 1.0 line", () => {
  test("are read as they were written", () => {
    assert.deepEqual(decodeEvent(encodeEvent(EVENT)), EVENT);
    assert.equal(keyOf(EVENT.data.payload), `cmip6/${ITEM.id}`);
  });

  test("of every method, of items and collections", () => {
    for (const payload of PAYLOADS) assert.deepEqual(decodeEvent(withPayload(payload)).data.payload, payload);
  });

  test("members named like those of every object stay what they are", () => {
    const text = new TextDecoder().decode(encodeEvent(EVENT)).replace('"datetime"', '"__proto__":{"a":1},"datetime"');
    const { payload } = decodeEvent(new TextEncoder().encode(text)).data;
    assert.ok("item" in payload);
    assert.ok(Object.hasOwn(payload.item.properties, "__proto__"));
    assert.equal(payload.item.properties.a, undefined);
  });

  test("a time with an offset becomes UTC; one without is UTC", () => {
    const timeOf = (time: string): string => decodeEvent(changed("/metadata/time", time)).metadata.time;
    assert.equal(timeOf("2025-08-01T15:15:12.441125"), "2025-08-01T15:15:12.441125Z");
    assert.equal(timeOf("2025-08-01 15:15:12"), "2025-08-01T15:15:12Z");
    assert.equal(timeOf("2025-08-01T15:15:12+02:00"), "2025-08-01T13:15:12.000Z");
    assert.deepEqual(pointersOf(changed("/metadata/time", "yesterday")), ["/metadata/time"]);
  });

  test("what they tell of a person besides its subject is left out", () => {
    const requester = { client_id: "c", iss: "i", sub: "s", name: "N", email: "e@x", username: "u" };
    const { auth } = decodeEvent(
      changed("/metadata/auth", { requester_data: requester, auth_policy_id: null }),
    ).metadata;
    assert.deepEqual(auth, { requester_data: { client_id: "c", iss: "i", sub: "s" } });
  });
});

describe("events of the founding system", () => {
  const founding = (payload: unknown): Uint8Array =>
    bytesOf({
      metadata: {
        auth: { client_id: "esgf-generator", server: "docker-compose-local" },
        publisher: { package: "esgf-generator", version: "0.1.0" },
        time: "2024-08-16T10:00:00.123456",
        schema_version: "1.0.0",
      },
      data: { type: "STAC", version: "1.0.0", payload },
    });

  test("get the id of their bytes and the requester of their server", () => {
    const bytes = founding({ method: "POST", collection_id: "cmip6", item: ITEM });
    const { metadata, data } = decodeEvent(bytes);
    assert.match(metadata.event_id, /^[0-9a-f]{32}$/);
    assert.equal(decodeEvent(bytes).metadata.event_id, metadata.event_id);
    assert.deepEqual(metadata.auth.requester_data, {
      client_id: "esgf-generator",
      iss: "docker-compose-local",
      sub: "esgf-generator",
    });
    assert.equal(itemIdOf(data.payload), ITEM.id);
  });

  test("an update names its item inside it, and a PATCH that says nothing withdraws", () => {
    const payloadOf = (payload: unknown) => decodeEvent(founding(payload)).data.payload;
    const target = { collection_id: "cmip6", item_id: ITEM.id };
    assert.deepEqual(payloadOf({ method: "PUT", collection_id: "cmip6", item: ITEM }), {
      ...target,
      method: "PUT",
      item: ITEM,
    });
    assert.deepEqual(payloadOf({ method: "PATCH", collection_id: "cmip6", item: ITEM }), {
      ...target,
      method: "PATCH",
      patch: ITEM,
    });
    assert.deepEqual(payloadOf({ method: "PATCH", ...target }), {
      ...target,
      method: "PATCH",
      patch: { properties: { retracted: true } },
    });
  });
});

describe("hostile events", () => {
  const faulty: readonly [string, Uint8Array, string[]][] = [
    ["no JSON", new TextEncoder().encode('{"metadata":'), [""]],
    ["broken UTF-8", Uint8Array.of(0x7b, 0x22, 0xff, 0x22, 0x7d), [""]],
    ["nothing", new Uint8Array(0), [""]],
    ["a list", bytesOf([]), [""]],
    ["an empty object", bytesOf({}), ["/metadata", "/data"]],
    ["another type of data", changed("/data/type", "PID"), ["/data/type"]],
    ["another method", changed("/data/payload/method", "MOVE"), ["/data/payload/method"]],
    ["a method of every object", changed("/data/payload/method", "toString"), ["/data/payload/method"]],
    ["an item that is none", changed("/data/payload/item", 3), ["/data/payload/item"]],
    ["an item of no type", changed("/data/payload/item/type", "x"), ["/data/payload/item/type"]],
    ["assets that are none", changed("/data/payload/item/assets", { a: 1 }), ["/data/payload/item/assets"]],
    ["NUL in a text", changed("/data/payload/item/properties/a~b", "\0"), ["/data/payload/item/properties/a~0b"]],
    ["half a character", changed("/data/payload/item/id", "\ud800"), ["/data/payload/item/id"]],
    ["an id with #", changed("/metadata/event_id", "a#1"), ["/metadata/event_id"]],
    ["another collection inside", changed("/data/payload/item/collection", "x"), ["/data/payload/item/collection"]],
    [
      "another id inside",
      withPayload({ method: "PUT", collection_id: "cmip6", item_id: "other", item: ITEM }),
      ["/data/payload/item/id"],
    ],
  ];
  for (const [name, bytes, pointers] of faulty) {
    test(`${name} is told of with its place`, () => assert.deepEqual(pointersOf(bytes), pointers));
  }

  test("a number beyond a double", () => {
    const text = new TextDecoder().decode(encodeEvent(EVENT)).replace('"geometry":null', '"geometry":{"x":1e999}');
    assert.deepEqual(pointersOf(new TextEncoder().encode(text)), ["/data/payload/item/geometry/x"]);
  });

  test("a newer major version is not guessed at", () => {
    const faults = faultsOf(changed("/metadata/schema_version", "2.0.0"), "Unsupported");
    assert.equal(faults[0]?.pointer, "/metadata/schema_version");
    assert.equal(decodeEvent(changed("/metadata/schema_version", "1.7.0")).metadata.schema_version, "1.7.0");
  });

  test("too long, too deep", () => {
    faultsOf(new Uint8Array(JSON_LIMITS.bytes + 1), "TooLarge");
    const deep = new TextEncoder().encode("[".repeat(JSON_LIMITS.bytes));
    assert.match(faultsOf(deep)[0]!.detail, /nested deeper/);
    const brackets = changed("/data/payload/item/properties/text", '\\"[[{'.repeat(100));
    assert.equal(decodeEvent(brackets).data.type, "STAC");
  });

  test("faults are told of up to a number", () => {
    const properties = Object.fromEntries(Array.from({ length: 1000 }, (_, i) => [`p${i}`, "\0"]));
    assert.equal(faultsOf(changed("/data/payload/item/properties", properties)).length, 100);
  });
});

test("the published schema takes what is written, and not what is refused", () => {
  const ajv = new Ajv2020({ strict: false, validateFormats: false });
  for (const version of ["v1.0.0", "v1.1.0"]) {
    for (const kind of ["item", "collection"]) {
      ajv.addSchema({ $id: `https://schemas.stacspec.org/${version}/${kind}-spec/json-schema/${kind}.json` });
    }
  }
  const validate = ajv.compile(eventJsonSchema());
  const isValid = (bytes: Uint8Array): boolean => validate(JSON.parse(new TextDecoder().decode(bytes)));
  for (const payload of PAYLOADS) assert.ok(isValid(withPayload(payload)), JSON.stringify(validate.errors));
  for (const path of ["/metadata/event_id", "/metadata/auth", "/data/type", "/data/payload"]) {
    assert.ok(!isValid(changed(path, "#")), path);
  }
  assert.ok(!isValid(withPayload({ method: "DELETE", collection_id: "cmip6" })));
});

test("the real events of ESGF are read", { skip }, () => {
  const name = "CMIP6.ScenarioMIP.IPSL.IPSL-CM6A-LR.ssp245.r1i1p1f1.Amon.pr.gr.v20190119";
  const real = decodeEvent(readFileSync(join(data, `stac/esgf/${name}.json`)));
  assert.equal(itemIdOf(real.data.payload), name);
  assert.equal(real.metadata.event_id, "9926176eff3245228af860a9494b74ed");

  const examples = JSON.parse(readFileSync(join(data, "schemas/esgf/schemas/esgfng_publish_event.json"), "utf8")) as {
    value: unknown;
  }[];
  for (const { value } of examples) {
    const { metadata, data: content } = decodeEvent(bytesOf(value));
    assert.match(itemIdOf(content.payload) ?? "", /^CMIP6\./);
    assert.doesNotMatch(JSON.stringify(metadata), /@/);
  }
});
