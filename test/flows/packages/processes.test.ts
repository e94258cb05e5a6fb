import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { createLocalFiles } from "../../../src/files/local.ts";
import { createMemoryFiles } from "../../../src/files/memory.ts";
import { withCounting } from "../../../src/files/with-counting.ts";
import { createPackageStore } from "../../../src/flows/packages/create-package-store.ts";
import { datasetsOf } from "../../../src/flows/packages/datapackage.ts";
import { packageArchive } from "../../../src/flows/packages/package-archive.ts";
import { assertWhole } from "../../contract/package-store.ts";
import { withMade } from "./samples.ts";

const publicUrl = new URL("https://data.example.org/");

test("of several processes that publish into one folder none loses another's dataset", async (t) => {
  const folder = await mkdtemp(join(tmpdir(), "gyre-processes-"));
  t.after(() => rm(folder, { recursive: true }));
  const program = join(import.meta.dirname, "publish-one.ts");
  const groups = ["abcde", "fghij", "klmno"].map((names) => [...names]);
  await Promise.all(groups.map((names) => promisify(execFile)(process.execPath, [program, folder, ...names])));
  const files = createLocalFiles();
  t.after(() => files.close?.());
  const store = createPackageStore({ files, root: pathToFileURL(`${folder}/`), publicUrl });
  const datapackage = (await store.datapackage("atlantis"))!;
  assert.deepEqual(
    datasetsOf(datapackage)
      .map(({ name }) => name)
      .sort(),
    groups.flat(),
  );
  assert.equal(datapackage.version, "16.0.0");
  await assertWhole(store, "atlantis");
  const provenance = JSON.parse(await readFile(join(folder, "atlantis/provenance.json"), "utf8"));
  const told = Object.values(provenance as Record<string, object[]>)
    .flat()
    .flatMap((log) => Object.keys(log));
  assert.deepEqual(told.sort(), groups.flat());
});

test("a client that goes away stops the reading, of a file and of an archive", async () => {
  const files = withCounting(createMemoryFiles());
  const { counts } = files;
  const store = createPackageStore({ files, root: new URL("memory://store/"), publicUrl });
  const size = 40 * 1024 * 1024;
  await withMade({ "large.tif": new Uint8Array(size) }, {}, (made) => store.publish(made));
  const archive = (await packageArchive(store, "atlantis", undefined, {}))!;
  const file = (await store.file("atlantis", "datasets/roads/version_1/data/large.tif"))!;
  for (const body of [file.read({ offset: 0 }), ReadableStream.from(archive.open({}))]) {
    const before = counts.bytes;
    const reader = body.getReader();
    for (let taken = 0; taken < 1_000_000; ) taken += (await reader.read()).value?.byteLength ?? 0;
    await reader.cancel();
    assert.ok(counts.bytes - before < size / 4, `${counts.bytes - before} bytes were read`);
  }
});
