import { decodeEvent } from "../../src/core/event.ts";
import { topicFilter, topicTemplate } from "../../src/core/topic.ts";
import { decodeErrorEvent, errorMessage } from "../../src/log/error-event.ts";
import { lineOf, messageOfLine, parseLine } from "../../src/log/line.ts";
import type { Base, Target } from "./target.ts";

const ITEM = {
  type: "Feature",
  stac_version: "1.0.0",
  id: "CMIP6.CMIP.NCC.NorESM2-LM.historical.r1i1p1f1.Amon.tas.gn.v20190815",
  collection: "cmip6",
  geometry: { type: "Point", coordinates: [0.5, 1] },
  properties: { datetime: null, "cmip6:source_id": ["NorESM2-LM"], mip_era: "CMIP6", experiment_id: "historical" },
  links: [],
  assets: { data: { href: "https://example.org/a.nc" } },
};
const METADATA = {
  auth: { requester_data: { client_id: "c", iss: "i", sub: "s" } },
  event_id: "e1",
  request_id: "r",
  publisher: { package: "gyre", version: "1" },
  time: "2026-11-22T08:00:00Z",
  schema_version: "1.0.0",
};
const FOUNDING = { ...METADATA, auth: { client_id: "c", server: "s" }, event_id: null, time: "2024-08-16T10:00:00.1" };
const RECORDED = {
  partition: "0",
  offset: 7,
  time: new Date(0),
  id: "m",
  topic: "CMIP6.historical.A",
  key: "cmip6/a",
  value: Uint8Array.of(0xff, 0x61),
};

const base = (name: string, bytes: Uint8Array | string): Base => ({
  name,
  input: new Map([["value", typeof bytes === "string" ? Buffer.from(bytes) : bytes]]),
});
const event = (name: string, metadata: object, payload: object): Base =>
  base(name, JSON.stringify({ metadata, data: { type: "STAC", payload } }));

function target(
  name: string,
  kind: Target["kind"],
  bases: readonly Base[],
  run: (bytes: Uint8Array) => unknown,
): Target {
  return {
    name,
    kind,
    namesSource: false,
    bases: () => bases,
    run: async (input) => void run([...input.values()][0] ?? new Uint8Array(0)),
  };
}

const template = topicTemplate();

/** What lies in a log was written by anybody. */
export const logTargets: readonly Target[] = [
  target(
    "event",
    "json",
    [
      event("post", METADATA, { method: "POST", collection_id: "cmip6", item: ITEM }),
      event("patch", METADATA, {
        method: "PATCH",
        collection_id: "cmip6",
        item_id: "a",
        patch: [{ op: "remove", path: "/a" }],
      }),
      event("founding", FOUNDING, { method: "PUT", collection_id: "cmip6", item: ITEM }),
    ],
    (bytes) => {
      const { payload } = decodeEvent(bytes).data;
      if ("item" in payload) template.topicOf(payload.item);
    },
  ),
  target(
    "error-event",
    "json",
    [
      base(
        "own",
        errorMessage({ message: RECORDED, type: "payload", error: new Error("x") }, { node: "n", consumer: "c" }).value,
      ),
    ],
    decodeErrorEvent,
  ),
  target("log-line", "json", [base("line", lineOf(RECORDED))], (bytes) => messageOfLine(parseLine(bytes))),
  target(
    "topic-pattern",
    "text",
    [base("founding", ".*\\..*\\..*"), base("classes", "^(CMIP6|CMIP7)\\.[a-z0-9-]{1,20}(?:x|y)*\\.\\p{L}+?$")],
    (bytes) => topicFilter(Buffer.from(bytes).toString()).test("CMIP6.historical.CMCC-ESM2".repeat(9)),
  ),
];
