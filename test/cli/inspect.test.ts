import assert from "node:assert/strict";
import { mkdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { netcdf3, netcdf4, put } from "../node/archive.ts";
import { gyre, temporary } from "./run.ts";

test("inspect shows the header of a file, with chunks and codecs", async (t) => {
  const folder = temporary(t);
  put(join(folder, "a b.nc"), await netcdf4(0, 2));
  const { code, out, err } = await gyre(folder, ["inspect", "a b.nc"]);
  assert.equal(code, 0);
  assert.equal(err, "");
  assert.match(out, /^netcdf a_b \{ \/\/ netcdf4\ndimensions:\n/);
  assert.match(out, /\tshort tas\(time, place\) ;\n/);
  assert.match(out, /tas:_ChunkSizes = 1, 3 ; \/\/ 2 chunks, 6 B each\n/);
  assert.match(out, /tas:_Codecs = .*shuffle.*zlib/);
  assert.match(out, /time:units = "days since 2000-01-01" ;\n/);
});

test("inspect --json is one document a line", async (t) => {
  const folder = temporary(t);
  put(join(folder, "in/a.nc"), await netcdf4(0, 2));
  put(join(folder, "in/b.nc"), await netcdf3(0, 3));
  const { out } = await gyre(folder, ["inspect", "in", "--json"]);
  const documents = out
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  assert.deepEqual(
    documents.map(({ id, format }) => [id, format]),
    [
      ["a", "netcdf4"],
      ["b", "netcdf3"],
    ],
  );
  assert.deepEqual(documents[1]!.dimensions, { time: 3, place: 3 });
});

test("inspect takes folders, patterns, several sources, Zarr stores and references", async (t) => {
  const folder = temporary(t);
  put(join(folder, "in/1/a.nc"), await netcdf4(0, 2));
  put(join(folder, "in/2/a.nc"), await netcdf3(0, 3));
  mkdirSync(join(folder, "out"));
  assert.equal((await gyre(folder, ["generate", "1", "--format", "zarr", "--grid", "6x12", "--out", "z"])).code, 0);
  assert.equal((await gyre(folder, ["index", "in/1/a.nc", "--out", "out/a.json"])).code, 0);
  const ids = async (...argv: string[]): Promise<string[]> => {
    const { code, out, err } = await gyre(folder, ["inspect", ...argv, "--json"]);
    assert.equal(code, 0, err);
    return out
      .trimEnd()
      .split("\n")
      .map((line) => (JSON.parse(line) as { id: string }).id);
  };
  assert.deepEqual(await ids("in"), ["1.a", "2.a"]);
  assert.deepEqual(await ids("in/*/a.nc"), ["1.a", "2.a"]);
  assert.deepEqual(await ids("in/1/a.nc", "in/2/a.nc"), ["a", "a.nc"]);
  assert.deepEqual(await ids("out/a.json"), ["a"]);
  assert.equal((await ids("z")).length, 1);
});

test("inspect says what is wrong with what is absent, broken or nothing to it", async (t) => {
  const folder = temporary(t);
  const whole = await netcdf4(0, 2);
  put(join(folder, "bad.nc"), whole.subarray(0, 700));
  put(join(folder, "notes.txt"), "hello");
  put(join(folder, "good.nc"), whole);
  symlinkSync("/etc/hostname", join(folder, "link.nc"));
  for (const [source, said] of [
    ["absent.nc", /^gyre inspect: file:.*\/absent\.nc is not there\n$/],
    ["bad.nc", /\/bad\.nc at byte \d+: .*\nbad\.nc: nothing that Gyre can read\n$/],
    ["notes.txt", /^notes\.txt: nothing that Gyre can read\n$/],
    ["*.none", /^\*\.none: nothing that Gyre can read\n$/],
    ["link.nc", /outside the allowed prefixes/],
  ] as const) {
    const { code, out, err } = await gyre(folder, ["inspect", source]);
    assert.equal(code, 1, source);
    assert.equal(out, "", source);
    assert.match(err, said, source);
  }
  const both = await gyre(folder, ["inspect", "."]);
  assert.equal(both.code, 0);
  assert.match(both.out, /^netcdf good/);
  assert.match(both.err, /bad\.nc at byte/);
});

test("progress is not written where there is no terminal", async (t) => {
  const folder = temporary(t);
  const file = await netcdf3(0, 1);
  for (let i = 0; i < 250; i++) put(join(folder, `in/${i}.nc`), file);
  const { code, err } = await gyre(folder, ["index", "in"]);
  assert.equal(code, 0);
  assert.equal(err, "");
});
