import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import type { Part, RunDetail } from "../../../src/flows/runs.ts";
import { provenanceOf } from "../../../src/http/routes/flows/provenance.ts";

const PYTHON = fileURLToPath(new URL("../../../.peers/prov/bin/python", import.meta.url));
const BASE = new URL("https://node.example/gyre/");
const at = (second: number): Date => new Date(Date.UTC(2026, 0, 1, 0, 0, second));
const SOURCE = { id: "https://source.example/a b(1).tif", digest: "sha256:aa", bytes: 10, mediaType: "image/tiff" };
const CUT = { id: "scratch/cut.tif", digest: "sha256:bb" };

function partOf(name: string, more: Partial<Part>): Part {
  const attempts = [
    { number: 1, worker: "host/1", state: "failed", queued: at(0), started: at(1), ended: at(2) },
    { number: 2, worker: "host/2", state: "succeeded", queued: at(2), started: at(3), ended: at(4) },
  ] as const;
  return {
    ...{ id: `run-1/${name}`, name, part: "", flow: false, state: "succeeded", progress: {}, attempts },
    ...{ logs: [], used: [], generated: [], ...more },
  };
}

const RUN: RunDetail = {
  ...{ id: "run-1", flow: "package", state: "succeeded", progress: { percent: 100 }, who: "anonymous" },
  ...{ input: { boundary: "gambia" }, output: { uri: "x" }, created: at(0), started: at(0), ended: at(9) },
  parts: [
    partOf("cut", { used: [SOURCE], generated: [CUT] }),
    partOf("store", { used: [CUT], generated: [{ id: "gambia/cut.tif", digest: "sha256:bb" }] }),
    partOf("part:ü/(1)", { flow: true, state: "failed", used: [SOURCE] }),
  ],
};

type Records = Record<string, Record<string, string>>;
const document = provenanceOf(RUN, BASE) as Record<string, Records>;
const relations = (kind: string, from: string, to: string): string[] =>
  Object.values(document[kind] ?? {}).map((one) => `${one[from]} -> ${one[to]}`);

test("steps are informed by those whose results they read, and the run by its parts", () => {
  const informed = relations("wasInformedBy", "prov:informed", "prov:informant");
  assert.deepEqual(informed.sort(), [
    "run:run-1 -> run:run-1%2Fcut",
    "run:run-1 -> run:run-1%2Fstore",
    "run:run-1%2Fstore -> run:run-1%2Fcut",
  ]);
});

test("what two steps read is one entity; other contents are another", () => {
  const locations = Object.values(document.entity!).flatMap((one) => one["prov:location"] ?? []);
  assert.deepEqual(locations.sort(), ["gambia/cut.tif", SOURCE.id, CUT.id].sort());
  const again = provenanceOf(
    { ...RUN, parts: [partOf("a", { used: [SOURCE, { ...SOURCE, digest: "sha256:cc" }] })] },
    BASE,
  );
  const { entity } = again as Record<string, Records>;
  assert.equal(Object.values(entity!).filter((one) => one["prov:location"] === SOURCE.id).length, 2);
});

test("who asked is told of the run, and workers of each step they tried", () => {
  const agents = relations("wasAssociatedWith", "prov:activity", "prov:agent");
  assert.ok(agents.includes("run:run-1 -> agent:anonymous"));
  for (const worker of ["agent:host%2F1", "agent:host%2F2"]) assert.ok(agents.includes(`run:run-1%2Fcut -> ${worker}`));
  assert.deepEqual(document.activity!["run:run-1%2Fcut"]!["prov:startTime"], at(1).toISOString());
  assert.deepEqual(document.activity!["run:run-1%2Fcut"]!["prov:endTime"], at(4).toISOString());
});

test("every name that relations use is described", () => {
  const known = new Set(["entity", "activity", "agent"].flatMap((kind) => Object.keys(document[kind]!)));
  for (const kind of ["used", "wasGeneratedBy", "wasInformedBy", "wasStartedBy", "wasAssociatedWith"]) {
    for (const relation of Object.values(document[kind]!)) {
      for (const name of Object.values(relation)) assert.ok(known.has(name), `${kind}: ${name}`);
    }
  }
});

/** Reads PROV-JSON, and tells how many records of each kind it understood. */
const READER = `
import collections, json, sys, prov.model as pm
document = pm.ProvDocument.deserialize(content=sys.stdin.read(), format="json")
again = pm.ProvDocument.deserialize(content=document.serialize(format="json"), format="json")
assert document == again
document.get_provn()
counts = collections.Counter(type(record).__name__ for record in document.get_records())
names = sorted(str(r.identifier.uri) for r in document.get_records(pm.ProvActivity))
print(json.dumps({"counts": counts, "activities": names}))
`;

test("the reference library reads all of it", {
  skip: !existsSync(PYTHON) && "no .peers/prov: node scripts/services.ts install",
}, () => {
  const ran = spawnSync(PYTHON, ["-c", READER], { input: JSON.stringify(document), encoding: "utf8" });
  assert.equal(ran.status, 0, ran.stderr);
  const { counts, activities } = JSON.parse(ran.stdout);
  assert.deepEqual(counts, {
    ...{ ProvEntity: 5, ProvActivity: 4, ProvAgent: 3, ProvUsage: 4, ProvGeneration: 3 },
    ...{ ProvCommunication: 3, ProvStart: 3, ProvAssociation: 7 },
  });
  assert.ok(activities.includes("https://node.example/gyre/flows/run-1%2Fcut"));
});
