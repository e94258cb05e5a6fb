import assert from "node:assert/strict";
import { test } from "node:test";
import { GyreError, isGyreError } from "../../../src/errors.ts";
import type { Files } from "../../../src/files/files.ts";
import { idText, newId } from "../../../src/read/registry/ids.ts";
import { drsOf, watchSources } from "../../../src/read/scan.ts";
import { ARCHIVE, archive, CALL, manualClock, startNode, write } from "./node.ts";

const DRS = "CMIP6/CMIP/MIROC/MIROC6/amip/r7i1p1f1/Amon/prsn/gn/v20190311";
const DRS_ID = DRS.replaceAll("/", ".");
const member = (years: string): string => `${DRS}/prsn_Amon_MIROC6_amip_r7i1p1f1_gn_${years}.nc`;

test("ids: path with dots, suffix dropped, only safe characters, 200 at most", () => {
  const free = (): boolean => false;
  assert.equal(newId("a/b/air.nc", [".nc", ".zarr"], free), "a.b.air");
  assert.equal(newId("air.v2", [".nc"], free), "air.v2");
  assert.equal(newId("x.zarr.zip", [".zip", ".zarr.zip"], free), "x");
  assert.equal(newId("Grüße (1)@x=y.nc", [".nc"], free), "Gr__e__1__x_y");
  assert.equal(idText(".zmetadata"), "_zmetadata");
  assert.equal(idText("../.."), "_._..");
  const long = newId(`${"d/".repeat(150)}end.nc`, [".nc"], free);
  assert.equal(long.length, 200);
  assert.notEqual(long, newId(`${"d/".repeat(150)}other.nc`, [".nc"], free));
});

test("ids: a clash gets its suffix, then a number", () => {
  const taken = new Set<string>();
  const give = (path: string): string => {
    const id = newId(path, [".nc", ".zarr"], (i) => taken.has(i));
    taken.add(id);
    return id;
  };
  assert.deepEqual(["a/x.nc", "a/x.zarr", "a.x.nc", "a.x.zarr", "a/x"].map(give), [
    "a.x",
    "a.x.zarr",
    "a.x.nc",
    "a.x.zarr-2",
    "a.x-2",
  ]);
});

test("a folder becomes datasets; stores are one thing; what is broken is listed with file, offset and reason", async () => {
  const files = await archive({
    "b.nc": "TEST b",
    "a/deep/x.tst": "TEST x",
    "a/README.txt": "read me",
    "bad.nc": "TEST!",
    "empty.nc": "",
    "store.zarr/.zgroup": "TEST store",
    "store.zarr/0.0": "TEST not a dataset",
    ".hidden.nc": "TEST hidden",
  });
  const { registry, scanner, ids, title } = await startNode(files);
  const seen: number[] = [];
  const done = await scanner.scan(ARCHIVE, { progress: (state) => seen.push(state.seen) });
  assert.deepEqual(done, { seen: 6, datasets: 4, broken: 1, isDone: true });
  assert.deepEqual(seen, [6]);
  assert.deepEqual(await ids(), ["a.deep.x", "b", "bad", "store"]);
  assert.equal(await title("store"), "store");
  const [bad, empty] = registry.problems();
  assert.deepEqual(bad, {
    source: "memory:///archive/bad.nc",
    offset: 4,
    reason: "memory:///archive/bad.nc at byte 4: the header is cut off",
    since: "2026-01-01T00:00:00.000Z",
  });
  assert.match(empty!.source, /empty\.nc$/);
  await assert.rejects(registry.open("bad", CALL), (error) => isGyreError(error, "BadSource"));
  assert.equal(await registry.open("nothing", CALL), undefined);
});

test("ids last over restarts, whatever comes later; unchanged files are not read again", async () => {
  const files = await archive({ "x.zarr": "TEST zarr", "y.nc": "TEST y" });
  const first = await startNode(files);
  await first.scanner.scan(ARCHIVE);
  assert.deepEqual(await first.ids(), ["x", "y"]);
  await write(files, "x.nc", "TEST nc");

  const reads: string[] = [];
  const counted: Files = {
    ...files,
    read: (url, ...rest) => {
      if (url.href.startsWith(ARCHIVE.href)) reads.push(url.pathname);
      return files.read(url, ...rest);
    },
  };
  const second = await startNode(counted);
  assert.deepEqual(await second.ids(), ["x", "y"], "before any scan");
  await second.scanner.scan(ARCHIVE);
  assert.deepEqual(await second.ids(), ["x", "x.nc", "y"]);
  assert.equal(await second.title("x"), "zarr");
  assert.equal(await second.title("y"), "y", "from the index");
  assert.deepEqual([...new Set(reads)], ["/archive/x.nc"]);
});

test("the id of a dataset's item is known since it was verified, and changes with what it is", async () => {
  const files = await archive({ "x.nc": "TEST one", "bad.nc": "TEST!" });
  const first = await startNode(files);
  await first.scanner.scan(ARCHIVE);
  assert.equal(first.registry.item?.("x", CALL), "item of one");
  assert.equal(first.registry.item?.("bad", CALL), undefined);
  assert.equal(first.registry.item?.("nothing", CALL), undefined);
  const second = await startNode(files);
  assert.equal(second.registry.item?.("x", CALL), "item of one", "without opening it again");
  await write(files, "x.nc", "TEST two");
  await second.scanner.scan(ARCHIVE);
  assert.equal(second.registry.item?.("x", CALL), "item of two");
});

test("changed files are noticed, vanished ones answer nothing and are listed until they come back", async () => {
  const files = await archive({ "x.nc": "TEST one", "y.nc": "TEST y" });
  const clock = manualClock();
  const { registry, scanner, ids, title } = await startNode(files, clock);
  await scanner.scan(ARCHIVE);
  const before = (await registry.open("x", CALL))!.dataset.version;
  await write(files, "x.nc", "TEST two");
  clock.advance(60_001);
  assert.equal(await title("x"), "two", "noticed on opening");
  assert.notEqual((await registry.open("x", CALL))!.dataset.version, before);

  await files.delete!(new URL("x.nc", ARCHIVE));
  clock.advance(60_001);
  assert.equal(await registry.open("x", CALL), undefined);
  assert.deepEqual(await ids(), ["y"]);
  assert.match(registry.problems()[0]!.reason, /x: the source is not there any more/);

  await files.delete!(new URL("y.nc", ARCHIVE));
  await scanner.scan(ARCHIVE);
  assert.deepEqual(await ids(), [], "noticed on scanning");

  await write(files, "x.nc", "TEST three");
  await scanner.scan(ARCHIVE);
  assert.deepEqual(await ids(), ["x"]);
  assert.equal(await title("x"), "three");
  assert.deepEqual(
    registry.problems().map((p) => p.source),
    ["memory:///archive/y.nc"],
  );
});

test("a given id becomes the canonical one, the old one an alias; another's id is refused", async () => {
  const files = await archive({ "x.nc": "TEST x", "y.nc": "TEST y" });
  const { registry, scanner, ids } = await startNode(files);
  await scanner.scan(ARCHIVE);
  const x = registry.get("x")!;
  registry.add({ ...x, path: "x.nc", id: "better" });
  assert.equal((await registry.open("x", CALL))!.id, "better");
  assert.deepEqual(await ids(), ["better", "y"]);
  assert.throws(
    () => registry.add({ ...x, path: "x.nc", id: "y" }),
    (error) => isGyreError(error, "Conflict"),
  );
  await registry.save();
  const again = await startNode(files);
  await again.scanner.scan(ARCHIVE);
  assert.equal((await again.registry.open("x", CALL))!.id, "better");
  assert.deepEqual(await again.ids(), ["better", "y"]);
});

test("a damaged line of the registry costs that line only", async () => {
  const files = await archive({ "x.nc": "TEST x", "y.nc": "TEST y" });
  const first = await startNode(files);
  await first.scanner.scan(ARCHIVE);
  const store = new URL("memory:///data/registry.jsonl");
  const text = Buffer.from((await files.read(store))!).toString();
  await files.write!(store, Buffer.from(text.replace('"id":"x"', '"id":')));
  const second = await startNode(files);
  assert.deepEqual(await second.ids(), ["y"]);
  assert.equal(second.registry.problems().length, 1);
});

test("patterns take what fits them and make ids below their fixed part", async () => {
  const files = await archive({
    "2001/a_1.nc": "TEST 1",
    "2002/a_2.nc": "TEST 2",
    "2002/b_2.nc": "TEST 3",
    "a_0.nc": "TEST 0",
  });
  const { scanner, ids } = await startNode(files);
  await scanner.scan(new URL("memory:///archive/*/a_%3F.nc"));
  assert.deepEqual(await ids(), ["2001.a_1", "2002.a_2"]);
  await scanner.scan(new URL("memory:///archive/**/b*.nc"));
  assert.deepEqual(await ids(), ["2001.a_1", "2002.a_2", "2002.b_2"]);
});

test("a CMIP6 folder is one cube by its DRS id; its files stay datasets", async () => {
  const files = await archive({ [member("1979-1980")]: "TEST 1", [member("1981-1982")]: "TEST 3" });
  const { registry, scanner, ids } = await startNode(files);
  await scanner.scan(ARCHIVE);
  assert.deepEqual(await ids(), [
    DRS_ID,
    `${DRS_ID}.prsn_Amon_MIROC6_amip_r7i1p1f1_gn_1979-1980`,
    `${DRS_ID}.prsn_Amon_MIROC6_amip_r7i1p1f1_gn_1981-1982`,
  ]);
  const { dataset } = (await registry.open(DRS_ID, CALL))!;
  assert.deepEqual(dataset.variables.get("tas")!.spec.shape, [4]);
  assert.equal(dataset.cube!.members, 2);

  await write(files, member("1983-1984"), "TEST 5");
  await scanner.scan(ARCHIVE);
  const grown = (await registry.open(DRS_ID, CALL))!.dataset;
  assert.deepEqual(grown.variables.get("tas")!.spec.shape, [6]);
  assert.notEqual(grown.version, dataset.version);
  await registry.settled();
  const again = await startNode(files);
  assert.deepEqual((await again.registry.open(DRS_ID, CALL))!.dataset.cube, grown.cube, "from kept summaries");
});

test("DRS: folders and file name must agree", () => {
  const ok = drsOf(new URL(member("197901-201412"), ARCHIVE));
  assert.deepEqual(ok, { id: DRS_ID, folder: new URL(`${DRS}/`, ARCHIVE).href });
  for (const wrong of [
    `${DRS}/tas_Amon_MIROC6_amip_r7i1p1f1_gn_197901-201412.nc`,
    `${DRS.replace("v2019", "latest")}/prsn_Amon_MIROC6_amip_r7i1p1f1_gn.nc`,
    `${DRS}/notes.nc`,
    "prsn_Amon_MIROC6_amip_r7i1p1f1_gn_197901-201412.nc",
    `${DRS.replace("CMIP6/", "CMIP5/")}/prsn_Amon_MIROC6_amip_r7i1p1f1_gn.nc`,
  ]) {
    assert.equal(drsOf(new URL(wrong, ARCHIVE)), undefined, wrong);
  }
});

test("a configured cube takes what its pattern finds", async () => {
  const files = await archive({ "c1.nc": "TEST 1", "c3.nc": "TEST 3", "d.nc": "TEST 9" });
  const { registry, scanner } = await startNode(files);
  const globs = [new URL("memory:///archive/c*.nc")];
  await scanner.addCube({ id: "both", globs, rules: { concat: "time" }, root: "gyre.yaml" });
  assert.deepEqual((await registry.open("both", CALL))!.dataset.variables.get("tas")!.spec.shape, [4]);
});

test("a member that vanishes is a gap in its cube, not the end of it", async () => {
  const files = await archive({ "c1.nc": "TEST 1", "c3.nc": "TEST 3", "c5.nc": "TEST 5" });
  const { registry, scanner } = await startNode(files);
  await scanner.scan(ARCHIVE);
  const globs = [new URL("memory:///archive/c*.nc")];
  await scanner.addCube({ id: "all", globs, rules: { concat: "time" }, root: "gyre.yaml" });
  assert.deepEqual((await registry.open("all", CALL))!.dataset.variables.get("tas")!.spec.shape, [6]);
  await files.delete!(new URL("c3.nc", ARCHIVE));
  await scanner.scan(ARCHIVE);
  assert.deepEqual((await registry.open("all", CALL))!.dataset.variables.get("tas")!.spec.shape, [4]);
});

test("a catalogue's ids become canonical; what it does not name any more vanishes", async () => {
  const source = (lines: string): string => `sources:\n${lines}`;
  const netcdf = (id: string, path: string): string =>
    `  ${id}: {driver: netcdf, args: {urlpath: "{{ CATALOG_DIR }}/${path}"}}\n`;
  const files = await archive({
    "x.nc": "TEST 1",
    "y.nc": "TEST 3",
    "cat.yaml": source(netcdf("air", "x.nc") + netcdf("both", "*.nc") + netcdf("lost", "gone.nc")),
  });
  const { registry, scanner, ids } = await startNode(files);
  await scanner.scan(ARCHIVE);
  const catalog = new URL("cat.yaml", ARCHIVE);
  assert.equal(await scanner.addCatalog(catalog, { id: "cat.{id}", drop: ["time"] }), 3);
  assert.deepEqual(await ids(), ["cat.air", "cat.both", "cat.lost", "y"]);
  const air = (await registry.open("x", CALL))!;
  assert.equal(air.id, "cat.air");
  assert.deepEqual([...air.dataset.variables.keys()], ["tas"]);
  assert.equal(await registry.open("cat.lost", CALL), undefined);

  await write(files, "cat.yaml", source(netcdf("air", "x.nc")));
  await scanner.addCatalog(catalog, { id: "cat.{id}" });
  assert.deepEqual(await ids(), ["cat.air", "y"]);
});

test("sources are looked at again after a change and from time to time, never twice at once", async () => {
  const clock = manualClock();
  const looks: string[] = [];
  let finish = (): void => undefined;
  const failures: unknown[] = [];
  const watching = watchSources([ARCHIVE], {
    clock,
    every: 60_000,
    rescan: (source) => {
      looks.push(source.href);
      return new Promise((resolve, reject) => {
        finish = looks.length === 2 ? () => reject(new Error("no answer")) : resolve;
      });
    },
    failed: (_source, error) => failures.push(error),
  });
  const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
  clock.advance(59_999);
  assert.equal(looks.length, 0);
  clock.advance(1);
  assert.equal(looks.length, 1);
  clock.advance(120_000);
  assert.equal(looks.length, 1, "still busy");
  finish();
  await settle();
  clock.advance(60_000);
  assert.equal(looks.length, 2);
  finish();
  await settle();
  assert.match(String(failures[0]), /no answer/);
  clock.advance(60_000);
  assert.equal(looks.length, 3, "a failure does not end it");
  watching.stop();
  finish();
  await settle();
  clock.advance(600_000);
  assert.equal(looks.length, 3);
});

test("what changes while a source is looked through is looked at afterwards, once it is quiet", async () => {
  const clock = manualClock();
  let change = (): void => undefined;
  let looks = 0;
  let finish = (): void => undefined;
  const watching = watchSources([ARCHIVE], {
    clock,
    every: 0,
    quiet: 500,
    rescan: () => {
      looks++;
      return new Promise((resolve) => (finish = resolve));
    },
    failed: (_source, error) => assert.fail(String(error)),
    notice: (_source, changed) => {
      change = changed;
      return { started: Promise.resolve(), close: () => undefined };
    },
  });
  const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
  change();
  clock.advance(500);
  assert.equal(looks, 1);
  // Less than the quiet time before the look is over.
  change();
  clock.advance(100);
  finish();
  await settle();
  clock.advance(500);
  assert.equal(looks, 2);
  finish();
  await settle();
  clock.advance(600_000);
  assert.equal(looks, 2, "nothing has changed since");
  watching.stop();
});

test("a folder that cannot be listed is reported; what is known below it does not vanish for that", async () => {
  const inner = await archive({ "a/x.nc": "TEST 1", "b/y.nc": "TEST 3" });
  let isBusy = false;
  const files: Files = {
    ...inner,
    async *list(prefix, options) {
      if (isBusy && prefix.pathname.endsWith("/a/")) throw new GyreError("Busy", "no answer");
      yield* inner.list!(prefix, options);
    },
  };
  const { registry, scanner, ids } = await startNode(files);
  await scanner.scan(ARCHIVE);
  isBusy = true;
  await write(files, "b/z.nc", "TEST 5");
  await scanner.scan(ARCHIVE);
  assert.deepEqual(await ids(), ["a.x", "b.y", "b.z"]);
  assert.deepEqual(
    registry.problems().map((p) => [p.source, p.reason]),
    [["memory:///archive/a/", "no answer"]],
  );
});
