import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { pathToFileURL } from "node:url";
import { isGyreError } from "../../../src/errors.ts";
import type { Files } from "../../../src/files/files.ts";
import { createLocalFiles } from "../../../src/files/local.ts";
import { createMemoryFiles } from "../../../src/files/memory.ts";
import { createS3Files } from "../../../src/files/s3.ts";
import { createPackageStore } from "../../../src/flows/packages/create-package-store.ts";
import { datasetsOf } from "../../../src/flows/packages/datapackage.ts";
import { assertWhole } from "../../contract/package-store.ts";
import { startS3 } from "../../services/services.ts";
import { withFaults } from "./faulty-files.ts";
import { fileName, island, metadataOf, withMade } from "./samples.ts";

const publicUrl = new URL("https://data.example.org/");
const s3 = await startS3("packages");
after(async () => {
  if (s3.unavailable === undefined) await s3.stop();
});

/** As a job does: again, as long as the store says that it is busy. */
async function insisting<T>(work: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await work();
    } catch (error) {
      if (!isGyreError(error, "Busy", "Conflict") || tries === 50) throw error;
    }
  }
}

async function publishAll(files: Files, root: URL, every: number): Promise<void> {
  const faulty = withFaults(files, every);
  const sound = createPackageStore({ files, root, publicUrl });
  const datasets = ["a", "b", "c", "d"];
  await Promise.all(
    datasets.map(async (dataset) => {
      const store = createPackageStore({ files: faulty, root, publicUrl });
      const contents = { [fileName(dataset, "atlantis", "tif")]: dataset.repeat(1000), [`${dataset}-2.tif`]: dataset };
      await insisting(() => store.setUp(island("atlantis")));
      await withMade(contents, { metadata: metadataOf(dataset) }, (made) => insisting(() => store.publish(made)));
      await assertWhole(sound, "atlantis");
      await insisting(() => store.addProvenance("atlantis", [{ [dataset]: "done" }]));
    }),
  );
  assert.ok(faulty.faults() > 5, `${faulty.faults()} faults`);
  const datapackage = await sound.datapackage("atlantis");
  assert.deepEqual(
    datasetsOf(datapackage!)
      .map(({ name }) => name)
      .sort(),
    datasets,
  );
  await assertWhole(sound, "atlantis");
  const provenance = await sound.file("atlantis", "provenance.json");
  const logs = await new Response(provenance!.read({ offset: 0 }) as ReadableStream<Uint8Array<ArrayBuffer>>).json();
  const told = Object.values(logs as Record<string, object[]>).flatMap((list) =>
    list.flatMap((log) => Object.keys(log)),
  );
  // An entry whose answer was lost is written once more; none is missing.
  assert.deepEqual([...new Set(told)].sort(), datasets);
}

test("a store that fails every tenth request loses nothing", () =>
  publishAll(createMemoryFiles(), new URL("memory://store/packages/"), 10));

test("S3 that fails every tenth request loses nothing", { skip: s3.unavailable ?? false }, async () => {
  if (s3.unavailable !== undefined) throw new Error(s3.unavailable);
  const files = createS3Files({ endpoint: s3.url, credentials: s3.credentials });
  await publishAll(files, new URL("s3://packages/faults/"), 10);
});

const mayMount =
  process.platform === "linux" && spawnSync("unshare", ["--mount", "mount", "-t", "tmpfs", "x", "/mnt"]).status === 0;

test("on a full disk the package stays as it was, and with room again the work is done", {
  skip: mayMount ? false : "only root on Linux can mount a small disk",
}, async (t) => {
  const folder = await mkdtemp(join(tmpdir(), "gyre-full-"));
  execFileSync("mount", ["-t", "tmpfs", "-o", "size=1m,mode=755", "gyre-test", folder]);
  t.after(async () => {
    execFileSync("umount", ["--lazy", folder]);
    await rm(folder, { recursive: true });
  });
  const files = createLocalFiles();
  t.after(() => files.close?.());
  const store = createPackageStore({ files, root: pathToFileURL(`${folder}/`), publicUrl });
  await withMade({ "a.tif": "small" }, { metadata: metadataOf("a") }, (made) => store.publish(made));
  const before = await store.datapackage("atlantis");
  const large = { "b.tif": randomBytes(2_000_000) };
  const publish = () => withMade(large, { metadata: metadataOf("b") }, (made) => store.publish(made));
  await assert.rejects(publish(), (error) => isGyreError(error, "BadSource") && /no space left/i.test(error.message));
  assert.deepEqual(await store.datapackage("atlantis"), before);
  await assertWhole(store, "atlantis");
  const left = await Array.fromAsync(files.list!(pathToFileURL(`${folder}/atlantis/datasets/b/`), { recursive: true }));
  assert.deepEqual(left, []);
  execFileSync("mount", ["-o", "remount,size=8m", folder]);
  await publish();
  await assertWhole(store, "atlantis");
});
