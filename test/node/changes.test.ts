import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { netcdf3, netcdf4, put, type Served, start, temporary } from "./archive.ts";

const HOST = "http://node.test/";

/** Values of `tas` in two days at once, by a chunk that a view puts together of both. */
async function twoDays(node: Served, id: string): Promise<{ values: number[]; tag: string | null }> {
  const response = await node.get(`datasets/${id}/zarr@chunks=time:2,codec=none/tas/0.0`);
  assert.equal(response.status, 200, await response.clone().text());
  return { values: [...new Int16Array(await response.arrayBuffer())], tag: response.headers.get("etag") };
}

const dayOf = (first: number, days: number, more = 0): number[] =>
  Array.from({ length: days * 3 }, (_, i) => 10 * (first + Math.floor(i / 3)) + (i % 3) + more);

for (const [name, make] of [
  ["NetCDF-3", netcdf3],
  ["NetCDF-4", netcdf4],
] as const) {
  test(`${name}: a file rewritten while it is served is answered as it was or as it is, never as both`, async (t) => {
    const folder = temporary(t);
    const path = join(folder, "archive/a.nc");
    put(path, await make(0, 2));
    const node = await start(t, folder, "sources: [archive]");
    await node.scan();
    const before = await node.get("datasets/a/kerchunk/tas/0.0");
    // The first day is in the cache of decoded chunks, the second is not.
    assert.deepEqual((await node.day("a", 0)).slice(0, 3), dayOf(0, 1));

    // The clock stands: nothing but the failing read can tell that the file is another one now.
    put(path, await make(0, 2, 500));
    assert.deepEqual((await twoDays(node, "a")).values, dayOf(0, 2, 500));
    const after = await node.get("datasets/a/kerchunk/tas/0.0");
    assert.notEqual(after.headers.get("etag"), before.headers.get("etag"));
    assert.notDeepEqual(await after.bytes(), await before.bytes());
    const stale = { "If-None-Match": before.headers.get("etag")! };
    assert.equal((await node.get("datasets/a/kerchunk/tas/0.0", stale)).status, 200);
    assert.deepEqual(await node.problems(), []);
  });
}

test("another shape is known at once, and a raw chunk of the old one is asked for again", async (t) => {
  const folder = temporary(t);
  const path = join(folder, "archive/a.nc");
  put(path, await netcdf4(0, 2));
  const node = await start(t, folder, "sources: [archive]");
  await node.scan();
  const server = await node.listen();
  try {
    const version = (response: Response): string => response.headers.get("etag")!.split("/")[0]!;
    const before = await fetch(new URL("datasets/a/kerchunk/tas/0.0", server.url));
    assert.equal(before.status, 200);
    put(path, await netcdf4(5, 4));
    const after = await fetch(new URL("datasets/a/kerchunk/tas/1.0", server.url));
    assert.equal(after.status, 200);
    assert.notEqual(version(after), version(before));
    assert.deepEqual(await node.day("a", 3), [80, 81, 82]);
    const info = await node.json<{ dimensions: { time: number } }>("datasets/a/info");
    assert.equal(info.dimensions.time, 4);
  } finally {
    await server.close();
  }
});

test("while a file is rewritten again and again, every reply is of one version", async (t) => {
  const folder = temporary(t);
  const path = join(folder, "archive/a.nc");
  const versions = await Promise.all([0, 100, 200, 300].map((more) => netcdf4(0, 2, more)));
  put(path, versions[0]!);
  const node = await start(t, folder, "sources: [archive]");
  await node.scan();
  const tags = new Map<string, string>();
  const seen = new Set<string>();
  const answers = { whole: 0, busy: 0 };
  for (let round = 0; round < 60; round++) {
    const asking = Array.from({ length: 4 }, () =>
      node.fetch(new Request(`${HOST}datasets/a/zarr@chunks=time:2,codec=none/tas/0.0`)),
    );
    put(path, versions[round % versions.length]!);
    node.clock.advance(1000);
    for (const response of await Promise.all(asking)) {
      const body = await response.arrayBuffer();
      if (response.status === 503) {
        answers.busy++;
        continue;
      }
      assert.equal(response.status, 200);
      answers.whole++;
      const values = [...new Int16Array(body)];
      assert.deepEqual(values, dayOf(0, 2, values[0]!), "values of one version");
      const tag = response.headers.get("etag")!;
      assert.equal(tags.get(tag) ?? String(values), String(values), "one tag for one version");
      tags.set(tag, String(values));
      seen.add(String(values[0]));
    }
  }
  assert.ok(answers.whole > answers.busy, JSON.stringify(answers));
  assert.ok(seen.size > 1, "several versions were seen");
});

test("a cube knows that a member has changed, whatever the last look through its source saw", async (t) => {
  const folder = temporary(t);
  const member = (n: number): string => join(folder, `archive/${n}.nc`);
  put(member(1), await netcdf4(0, 2));
  put(member(2), await netcdf4(2, 2));
  const cube = "cubes: [{id: both, glob: 'archive/*.nc', concat: time}]";
  for (const [title, yaml] of [
    ["members are datasets, too", `sources: [archive]\n${cube}`],
    ["members are known to the cube alone", `${cube}\ndataDir: other`],
  ] as const) {
    await t.test(title, async (t) => {
      put(member(2), await netcdf4(2, 2));
      const node = await start(t, folder, yaml);
      await node.scan();
      const before = await node.get("datasets/both/kerchunk/tas/3.0");
      assert.deepEqual(await node.day("both", 3), dayOf(3, 1));
      put(member(2), await netcdf4(2, 2, 900));
      assert.deepEqual(await node.day("both", 2), dayOf(2, 1, 900));
      assert.deepEqual(await node.day("both", 3), dayOf(3, 1, 900));
      assert.deepEqual(await node.day("both", 0), dayOf(0, 1));
      const after = await node.get("datasets/both/kerchunk/tas/3.0");
      assert.equal(after.status, 200);
      assert.notEqual(after.headers.get("etag"), before.headers.get("etag"));

      put(member(2), await netcdf4(2, 3));
      const done = node.scanned();
      node.clock.advance(60_000);
      if (yaml.includes("sources")) await done;
      assert.deepEqual(await node.day("both", 4), dayOf(4, 1), "grown");
    });
  }
});
