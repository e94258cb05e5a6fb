import assert from "node:assert/strict";
import { readFileSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { loadConfig } from "../../src/config.ts";
import { isGyreError } from "../../src/errors.ts";
import { createNode } from "../../src/node.ts";
import { netcdf3, netcdf4, put, start, temporary } from "./archive.ts";

const TOLD = 500;
const SOURCE = "sources: [archive]";

test("new, changed and vanished files are noticed when the system tells of them", async (t) => {
  const folder = temporary(t);
  put(join(folder, "archive/a.nc"), await netcdf3(0));
  const node = await start(t, folder, `${SOURCE}\nrescanSeconds: 0`);
  await node.scan();
  assert.deepEqual(await node.ids(), ["a"]);

  const look = async (): Promise<void> => {
    await node.clock.planned(TOLD);
    const done = node.scanned();
    node.clock.advance(10 * TOLD);
    await done;
  };
  put(join(folder, "archive/deep/b.nc"), await netcdf4(5));
  await look();
  assert.deepEqual(await node.ids(), ["a", "deep.b"]);
  assert.deepEqual(await node.day("deep.b", 1), [60, 61, 62]);

  put(join(folder, "archive/deep/c.nc"), await netcdf3(0));
  await look();
  assert.deepEqual(await node.ids(), ["a", "deep.b", "deep.c"], "in a folder that was not there at the start");
  rmSync(join(folder, "archive/deep/c.nc"));
  await look();

  put(join(folder, "archive/a.nc"), await netcdf3(7));
  await look();
  assert.deepEqual(await node.day("a", 0), [70, 71, 72]);

  rmSync(join(folder, "archive/a.nc"));
  await look();
  assert.equal((await node.get("datasets/a/info")).status, 404);
  assert.deepEqual(await node.ids(), ["deep.b"]);
  const gone = await node.problems();
  assert.deepEqual(
    gone.map(({ source }) => source),
    ["archive/a.nc", "archive/deep/c.nc"],
  );
  for (const { reason } of gone) assert.match(reason, /not there any more/);
  assert.deepEqual(node.errors, []);
});

test("and from time to time where it does not tell; a file that comes back is itself again", async (t) => {
  const folder = temporary(t);
  put(join(folder, "archive/2001/a.nc"), await netcdf3(0));
  const node = await start(t, folder, "sources: ['archive/*/a.nc']\nrescanSeconds: 60");
  await node.scan();
  const later = async (): Promise<void> => {
    const done = node.scanned();
    node.clock.advance(60_000);
    await done;
  };
  put(join(folder, "archive/2002/a.nc"), await netcdf3(9));
  await later();
  assert.deepEqual(await node.ids(), ["2001.a", "2002.a"]);
  rmSync(join(folder, "archive/2001"), { recursive: true });
  await later();
  assert.deepEqual(await node.ids(), ["2002.a"]);
  put(join(folder, "archive/2001/a.nc"), await netcdf3(3));
  await later();
  assert.deepEqual(await node.ids(), ["2001.a", "2002.a"]);
  assert.deepEqual(await node.day("2001.a", 0), [30, 31, 32]);
  assert.deepEqual(await node.problems(), []);
});

test("a broken file stops no other and is listed with its reason until it is mended or gone", async (t) => {
  const folder = temporary(t);
  const whole = await netcdf4(0, 3);
  put(join(folder, "archive/a.nc"), whole);
  put(join(folder, "archive/bad.nc"), whole.subarray(0, whole.length - 100));
  put(join(folder, "archive/empty.nc"), "");
  put(join(folder, "archive/notes.txt"), "nothing to see");
  put(join(folder, "archive/z.nc"), await netcdf3(4));
  const node = await start(t, folder, SOURCE);
  await node.scan();
  assert.deepEqual(await node.day("a", 2), [20, 21, 22]);
  assert.deepEqual(await node.day("z", 0), [40, 41, 42]);
  const reasons = Object.fromEntries((await node.problems()).map(({ source, reason }) => [source, reason]));
  assert.deepEqual(Object.keys(reasons), ["archive/bad.nc", "archive/empty.nc"]);
  assert.match(reasons["archive/bad.nc"]!, /byte|cut|end/);
  assert.match(reasons["archive/empty.nc"]!, /no format/);

  put(join(folder, "archive/bad.nc"), whole);
  rmSync(join(folder, "archive/empty.nc"));
  const done = node.scanned();
  node.clock.advance(60_000);
  await done;
  assert.deepEqual(await node.problems(), []);
  assert.deepEqual(await node.day("bad", 0), [0, 1, 2]);
});

test("a restart keeps ids, aliases and versions, and reads no file that has not changed", async (t) => {
  const folder = temporary(t);
  const yaml = `${SOURCE}\ndatasets: {given: {source: archive/b.nc}, outside: {source: other/c.nc}}`;
  for (const path of ["archive/a.nc", "archive/b.nc", "other/c.nc"]) put(join(folder, path), await netcdf4(3));
  const first = await start(t, folder, SOURCE);
  await first.scan();
  assert.deepEqual(await first.ids(), ["a", "b"]);
  await first.close();
  const second = await start(t, folder, yaml);
  await second.scan();
  assert.deepEqual(await second.ids(), ["a", "given", "outside"]);
  const tags = new Map<string, string | null>();
  for (const id of ["a", "b", "outside"]) {
    tags.set(id, (await second.get(`datasets/${id}/kerchunk/.zmetadata`)).headers.get("etag"));
  }
  await second.close();

  // Whoever reads them now finds no NetCDF in them; by size and time they are what they were.
  for (const path of ["archive/a.nc", "archive/b.nc", "other/c.nc"].map((p) => join(folder, p))) {
    const { size, mtime } = statSync(path);
    writeFileSync(path, new Uint8Array(size));
    utimesSync(path, mtime, mtime);
  }
  const third = await start(t, folder, yaml);
  assert.deepEqual(await third.ids(), ["a", "given", "outside"], "before any look");
  await third.scan();
  assert.deepEqual(await third.ids(), ["a", "given", "outside"]);
  assert.deepEqual(await third.problems(), []);
  for (const [id, tag] of tags) {
    const again = await third.get(`datasets/${id}/kerchunk/.zmetadata`);
    assert.equal(again.status, 200);
    assert.equal(again.headers.get("etag"), tag, id);
  }
});

test("files whose ids clash have different ones, the same after a restart in any order", async (t) => {
  const folder = temporary(t);
  for (const [path, first] of [
    ["a/x.nc", 1],
    ["a.x.nc", 2],
    ["a/x.nc4", 3],
  ] as const) {
    put(join(folder, "archive", path), await netcdf3(first));
  }
  const node = await start(t, folder, SOURCE);
  await node.scan();
  const days = async (of: typeof node): Promise<Record<string, number>> =>
    Object.fromEntries(await Promise.all((await of.ids()).map(async (id) => [id, (await of.day(id, 0))[0]! / 10])));
  const before = await days(node);
  assert.deepEqual(Object.values(before).sort(), [1, 2, 3]);
  assert.equal(Object.keys(before).length, 3);
  await node.close();
  put(join(folder, "archive/a.nc"), await netcdf3(4));
  const again = await start(t, folder, SOURCE);
  await again.scan();
  assert.deepEqual(await days(again), { ...before, a: 4 });
});

test("on tape: a fault of the source is 503 with hours to wait; two bytes are read to have a file staged", async (t) => {
  const folder = temporary(t);
  put(join(folder, "archive/a.nc"), await netcdf4());
  put(join(folder, "archive/b.nc"), await netcdf4());
  const node = await start(t, folder, `${SOURCE}\ndatasets: {tape: {source: archive/a.nc, tape: true}}`);
  await node.scan();
  const whole = await (await node.get("datasets/tape/kerchunk/tas/1.0")).bytes();
  const staged = await node.get("datasets/tape/kerchunk-tape-order/tas/1.0");
  assert.deepEqual(await staged.bytes(), whole.subarray(0, 2));
  assert.match(await (await node.get("datasets/tape/kerchunk-tape-order/.zgroup")).text(), /zarr_format/);

  for (const name of ["a", "b"]) rmSync(join(folder, `archive/${name}.nc`));
  for (const [path, seconds] of [
    ["tape/kerchunk", "10800"],
    ["tape/kerchunk-tape-order", "10800"],
    ["tape/zarr", "10800"],
    ["b/kerchunk", "30"],
  ]) {
    const response = await node.get(`datasets/${path}/tas/0.0`);
    assert.equal(response.status, 503, path);
    assert.equal(response.headers.get("retry-after"), seconds, path);
  }
});

test("without its data directory a node is the same again, but for the time it takes", async (t) => {
  const folder = temporary(t);
  put(join(folder, "archive/a.nc"), await netcdf4(1));
  put(join(folder, "archive/b/c.nc"), await netcdf3(2));
  const first = await start(t, folder, SOURCE);
  await first.scan();
  const tag = (await first.get("datasets/a/kerchunk/tas/0.0")).headers.get("etag");
  await first.close();
  rmSync(join(folder, "data"), { recursive: true });
  const second = await start(t, folder, SOURCE);
  await second.scan();
  assert.deepEqual(await second.ids(), ["a", "b.c"]);
  assert.equal((await second.get("datasets/a/kerchunk/tas/0.0")).headers.get("etag"), tag);
  // While it runs, too: what cannot be found there is made of the files again.
  rmSync(join(folder, "data"), { recursive: true });
  assert.deepEqual(await second.day("a", 1), [20, 21, 22]);
  put(join(folder, "archive/d.nc"), await netcdf3(3));
  const done = second.scanned();
  second.clock.advance(60_000);
  await done;
  assert.deepEqual(await second.ids(), ["a", "b.c", "d"]);
  await second.close();
  assert.match(readFileSync(join(folder, "data/registry.jsonl"), "utf8"), /"id":"d"/);
});

test("what another run served is not served, and has its ids when it is again", async (t) => {
  const folder = temporary(t);
  put(join(folder, "one/a.nc"), await netcdf3(1));
  put(join(folder, "two/a.nc"), await netcdf3(2));
  const run = async (yaml: string, first: Record<string, number>): Promise<void> => {
    const node = await start(t, folder, yaml);
    await node.scan();
    assert.deepEqual(await node.ids(), Object.keys(first), yaml);
    for (const [id, day] of Object.entries(first)) assert.equal((await node.day(id, 0))[0], day * 10);
    assert.deepEqual(await node.problems(), []);
    await node.close();
  };
  const cube = "cubes: [{id: both, glob: '*/a.nc', concat: time}]";
  await run("sources: [one]", { a: 1 });
  await run("sources: [two]", { "a.nc": 2 });
  await run(`sources: [two, one]\n${cube}`, { a: 1, "a.nc": 2, both: 1 });
  await run("sources: [one]", { a: 1 });
});

test("a source that is not there stops no other; when none is, the node says so and ends", async (t) => {
  const folder = temporary(t);
  put(join(folder, "archive/a.nc"), await netcdf3(1));
  const node = await start(t, folder, "sources: [absent, archive, lost.nc]\ncubes: [{id: none, glob: 'no/*.nc'}]");
  await node.scan();
  assert.deepEqual(await node.day("a", 0), [10, 11, 12]);
  assert.deepEqual(
    (await node.problems()).map(({ source }) => source),
    ["absent", "lost.nc"],
  );
  put(join(folder, "lost.nc"), await netcdf3(2));
  const done = node.scanned();
  node.clock.advance(60_000);
  await done;
  const alone = await start(t, folder, "sources: [absent]");
  await assert.rejects(alone.scan(), (error) => isGyreError(error, "NotFound") && /absent/.test(error.message));
});

test("a data directory that cannot be made says so before anything is read", async (t) => {
  const folder = temporary(t);
  put(join(folder, "file"), "");
  await assert.rejects(
    createNode(loadConfig("database: none\nsources: [archive]\ndataDir: file/data"), { folder }),
    (error) =>
      isGyreError(error, "Denied") && /data directory .*file\/data\/ cannot be written \(ENOTDIR\)/.test(error.message),
  );
});
