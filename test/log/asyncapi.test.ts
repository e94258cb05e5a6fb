import assert from "node:assert/strict";
import { test } from "node:test";
import { asyncapi } from "../../src/log/asyncapi.ts";

interface Document {
  readonly servers: Readonly<
    Record<string, { readonly host: string; readonly pathname?: string; readonly protocol: string }>
  >;
  readonly channels: {
    readonly publications: { readonly parameters: { readonly topic: { readonly examples: string[] } } };
  };
}

/** The value that a local reference names. */
function resolve(document: unknown, reference: string): unknown {
  let at = document;
  for (const part of reference.slice(2).split("/")) at = (at as Record<string, unknown>)[part];
  return at;
}

function* referencesOf(value: unknown): Generator<string> {
  if (typeof value !== "object" || value === null) return;
  for (const [name, entry] of Object.entries(value)) {
    if (name === "$ref" && typeof entry === "string") yield entry;
    else yield* referencesOf(entry);
  }
}

test("the AsyncAPI document tells where events are, and what they look like", () => {
  const names = ["CMIP6.historical.A", "esgf_error", ...Array.from({ length: 100 }, (_, i) => `t${i}`)];
  const topics = names.map((name) => ({ name }));
  const kafka = ["broker:9092"];
  for (const [address, pathname] of [
    ["https://example.org", "/events"],
    ["https://example.org/gyre", "/gyre/events"],
    ["https://example.org/gyre/", "/gyre/events"],
  ] as const) {
    const document = asyncapi({ publicUrl: new URL(address), version: "1", topics, kafka });
    const text = JSON.stringify(document);
    assert.deepEqual(JSON.parse(text), document);
    const { servers, channels } = JSON.parse(text) as Document;
    assert.deepEqual(servers.node?.pathname, pathname);
    assert.deepEqual([servers.node?.host, servers.node?.protocol], ["example.org", "https"]);
    assert.deepEqual(servers.kafka1, { host: "broker:9092", protocol: "kafka" });
    assert.equal(channels.publications.parameters.topic.examples.length, 50);
    assert.ok(!channels.publications.parameters.topic.examples.includes("esgf_error"));
    const local = [...referencesOf(document)].filter((reference) => reference.startsWith("#/"));
    assert.ok(local.length >= 5);
    for (const reference of local) assert.equal(typeof resolve(document, reference), "object", reference);
  }
});
