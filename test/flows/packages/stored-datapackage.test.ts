import assert from "node:assert/strict";
import { test } from "node:test";
import { isGyreError } from "../../../src/errors.ts";
import { createMemoryFiles } from "../../../src/files/memory.ts";
import { KEPT_STATES, withDataset } from "../../../src/flows/packages/change-datapackage.ts";
import { createPackageStore } from "../../../src/flows/packages/create-package-store.ts";
import { type DataPackage, datasetsOf } from "../../../src/flows/packages/datapackage.ts";
import { deltaOf } from "../../../src/flows/packages/delta.ts";
import { datapackageText, parseDataPackage } from "../../../src/flows/packages/stored-datapackage.ts";
import { withMade } from "./samples.ts";

const url = new URL("memory://store/atlantis/datapackage.json");

async function sample(): Promise<DataPackage> {
  const store = createPackageStore({ files: createMemoryFiles(), root: new URL("memory://store/"), publicUrl: url });
  await withMade({ "a.tif": "a" }, {}, (made) => store.publish(made));
  return (await store.datapackage("atlantis"))!;
}

test("what is written is read again", async () => {
  const datapackage = await sample();
  assert.deepEqual(parseDataPackage(url, new TextEncoder().encode(datapackageText(datapackage))), datapackage);
});

test("a descriptor that somebody else wrote is checked before anything of it is used", async () => {
  const good = JSON.parse(datapackageText(await sample()));
  type Resource = { path: string[]; files: { path: string; bytes: number; hash: string }[]; gyre: { dataset: string } };
  const broken: ((document: { resources: [unknown, Resource]; [name: string]: unknown }) => void)[] = [
    ...["../../etc/passwd", "/etc/passwd", "a/../b", ".hidden/x", "a\\b", "https://x.org/y", "a//b", "a b", ""].flatMap(
      (path) => [
        ({ resources: [, one] }: { resources: [unknown, Resource] }) => void (one.files[0]!.path = path),
        ({ resources: [, one] }: { resources: [unknown, Resource] }) => void (one.path = [path]),
      ],
    ),
    ({ resources: [, one] }) => void (one.files[0]!.bytes = -1),
    ({ resources: [, one] }) => void (one.files[0]!.hash = "md5:1"),
    ({ resources: [, one] }) => void (one.gyre.dataset = "../x"),
    (document) => void (document.version = "latest"),
    (document) => void (document.name = "../x"),
    (document) => void (document.updated = "yesterday"),
    (document) => void Object.assign(document, { resources: [] }),
  ];
  for (const [i, change] of broken.entries()) {
    const document = structuredClone(good);
    change(document);
    const bytes = new TextEncoder().encode(JSON.stringify(document));
    assert.throws(
      () => parseDataPackage(url, bytes),
      (error) => isGyreError(error, "BadSource"),
      `change ${i}`,
    );
  }
  for (const text of ["", "{", "null", "[]", '"x"', "\ufffe"]) {
    const bytes = new TextEncoder().encode(text);
    assert.throws(
      () => parseDataPackage(url, bytes),
      (error) => isGyreError(error, "BadSource"),
      text,
    );
  }
});

test("the history is kept short, and what was left is forgotten in time", async () => {
  let state = await sample();
  const [roads] = datasetsOf(state);
  const start = Date.parse(state.updated);
  const steps = KEPT_STATES + 20;
  for (let i = 1; i <= steps; i++) {
    const path = [`datasets/roads/version_1/data/${i}.tif`];
    const made = { ...roads!, path, files: [{ ...roads!.files[0]!, path: path[0]! }] };
    state = withDataset(state, made, { now: new Date(start + i * 1000), keepMs: 5000 });
  }
  assert.equal(state.history.length, KEPT_STATES);
  assert.equal(state.history.filter(({ changes }) => changes.some(({ left }) => left !== undefined)).length, 6);
  const current = steps + 2;
  assert.equal(state.version, `${current}.0.0`);
  assert.equal(deltaOf(state, current - KEPT_STATES)?.replaced.length, 1);
  assert.equal(deltaOf(state, current - KEPT_STATES - 1), undefined);
});
