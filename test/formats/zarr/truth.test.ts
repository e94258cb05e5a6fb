import assert from "node:assert/strict";
import { test } from "node:test";
import { createLocalFiles } from "../../../src/files/local.ts";
import { zarr } from "../../../src/formats/zarr/zarr.ts";
import { dataFiles, dataFolder, skipWithoutData, truth } from "../data.ts";
import { openWith, plain, readAll, sha256 } from "../values.ts";

interface Said {
  readonly shape?: readonly number[];
  readonly sha256_C_little_endian?: string;
  readonly first?: readonly unknown[];
  readonly error?: string;
}
interface Truth {
  readonly v2: { readonly [name: string]: Said };
  readonly v3: { readonly [name: string]: Said };
}

const files = createLocalFiles();

test("real stores are what zarr-python and an independent decoder say", skipWithoutData, async (t) => {
  const stores = ["", "zips/"].flatMap((folder) =>
    dataFiles(`truth/zarr/${folder}`).map((name) => `${folder}${name.replace(/\.json$/, "")}`),
  );
  let arrays = 0;
  for (const store of stores) {
    await t.test(store, async () => {
      const url = new URL(`zarr/${store}${store.endsWith(".zip") ? "" : "/"}`, dataFolder);
      const { variables, problems } = await openWith(zarr, url, files);
      assert.equal(problems, undefined);
      const { v2, v3 } = truth<Truth>(`zarr/${store}`);
      for (const [path, said] of Object.entries({ ...v2, ...v3 })) {
        if (said.shape === undefined || said.error !== undefined) continue;
        // The record names members of an archive from its own root, we from that of the store in it.
        const variable = variables.get(path) ?? variables.get(path.slice(path.indexOf("/") + 1));
        assert.ok(variable, path);
        assert.deepEqual(variable.spec.shape, said.shape, path);
        const block = await readAll(variable, files);
        if (said.sha256_C_little_endian !== undefined) {
          assert.equal(sha256(block.data), said.sha256_C_little_endian, path);
        } else {
          assert.deepEqual((plain(block) as unknown[]).slice(0, said.first?.length), said.first, path);
        }
        arrays++;
      }
    });
  }
  assert.ok(arrays >= 120, `${arrays} arrays compared`);
});
