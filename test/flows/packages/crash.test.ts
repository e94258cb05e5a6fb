import assert from "node:assert/strict";
import { test } from "node:test";
import type { Files } from "../../../src/files/files.ts";
import { createMemoryFiles } from "../../../src/files/memory.ts";
import { wrapFiles } from "../../../src/files/wrap.ts";
import { createPackageStore } from "../../../src/flows/packages/create-package-store.ts";
import { datasetsOf } from "../../../src/flows/packages/datapackage.ts";
import { assertWhole } from "../../contract/package-store.ts";
import { fileName, island, withMade } from "./samples.ts";

const root = new URL("memory://store/packages/");
const publicUrl = new URL("https://data.example.org/");
const TIF = fileName("roads", "atlantis", "tif");
const SECOND = "roads-version_1-b-atlantis.tif";
const DAY = 86_400_000;

/** A process that is killed just before its call number `calls` to the store. */
function killedAt(files: Files, calls: number): Files {
  let left = calls;
  const alive = async <T>(work: () => Promise<T>): Promise<T> => {
    if (left-- <= 0) throw new Error("killed");
    return work();
  };
  return wrapFiles(files, {
    read: (url, range, options) => alive(() => files.read(url, range, options)),
    head: (url, call) => alive(() => files.head(url, call)),
    write: (url, body, options) => alive(() => files.write!(url, body, options)),
    delete: (url, call) => alive(() => files.delete!(url, call)),
  });
}

for (const title of ["a new package", "a new state of a dataset"]) {
  test(`${title}: killed at any call, it is as before or as after, and the next try ends the work`, async () => {
    const contents = { [TIF]: "new roads", [SECOND]: "more roads" };
    const make = { sourceDigest: "sha256:2" };
    for (let calls = 0, isDone = false; !isDone; calls++) {
      assert.ok(calls < 200, "it ends");
      const files = createMemoryFiles();
      const others = createPackageStore({ files, root, publicUrl });
      if (title !== "a new package") {
        await withMade({ [TIF]: "old roads", [SECOND]: "2" }, {}, (made) => others.publish(made));
      }
      const before = await others.datapackage("atlantis");
      const killed = createPackageStore({ files: killedAt(files, calls), root, publicUrl });
      await withMade(contents, make, (made) => killed.publish(made)).then(
        () => {
          isDone = true;
        },
        (error: Error) => assert.equal(error.message, "killed"),
      );
      await assertWhole(others, "atlantis");
      const seen = await others.datapackage("atlantis");
      const digest = seen && datasetsOf(seen)[0]?.gyre.sourceDigest;
      const expected = ["sha256:2", before && datasetsOf(before)[0]?.gyre.sourceDigest];
      assert.ok(expected.includes(digest), `call ${calls}: ${digest}`);

      await others.setUp(island("atlantis"));
      await withMade(contents, make, (made) => others.publish(made));
      await assertWhole(others, "atlantis");
      const [roads] = datasetsOf((await others.datapackage("atlantis"))!);
      assert.equal(roads?.gyre.sourceDigest, "sha256:2");
      const page = await others.file("atlantis", "datasets/roads/version_1/index.html");
      assert.match(
        await new Response(page!.read({ offset: 0 }) as ReadableStream<Uint8Array<ArrayBuffer>>).text(),
        /more|roads/,
      );

      // What nobody names is gone some time later, and nothing else.
      const later = createPackageStore({ files, root, publicUrl, now: () => new Date(Date.now() + 2 * DAY) });
      await later.sweep("atlantis");
      await assertWhole(later, "atlantis");
      const data = await Array.fromAsync(files.list!(root, { recursive: true }), ({ url }) => url.pathname);
      const stored = data.filter((path) => path.includes("/data/")).map((path) => path.split("/atlantis/")[1]);
      assert.deepEqual(stored.sort(), [...(roads?.path ?? [])].sort(), `call ${calls}`);
    }
  });
}
