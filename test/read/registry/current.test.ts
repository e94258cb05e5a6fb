import assert from "node:assert/strict";
import { test } from "node:test";
import { ARCHIVE, archive, CALL, manualClock, startNode, write } from "./node.ts";

test("what was opened is known without a look, for as long as it would be opened without one", async () => {
  const files = await archive({ "x.nc": "TEST one", "y.nc": "TEST other" });
  const clock = manualClock();
  const { registry, scanner } = await startNode(files, clock);
  await scanner.scan(ARCHIVE);
  const current = (id = "x") => registry.current!(id, CALL);
  assert.equal(current(), undefined, "nobody has opened it yet");
  const opened = await registry.open("x", CALL);
  assert.equal(current(), opened);
  assert.equal(current("y"), undefined);
  assert.equal(current("nothing"), undefined);

  await write(files, "x.nc", "TEST two");
  assert.equal(current(), opened, "as `open` would answer");
  clock.advance(60_001);
  assert.equal(current(), undefined, "it has to be looked at again");
  const second = await registry.open("x", CALL);
  assert.notEqual(second!.dataset.version, opened!.dataset.version);
  assert.equal(current(), second);

  registry.changed(new URL("x.nc", ARCHIVE));
  assert.equal(current(), undefined, "somebody found it changed");
  await registry.open("x", CALL);
  await registry.open("x", CALL);
  assert.ok(current() !== undefined);
  registry.vanished(new URL("x.nc", ARCHIVE).href);
  assert.equal(current(), undefined, "it is gone");
});

test("a cube is known for as long as its members are taken to be what they are", async () => {
  const folder = "CMIP6/CMIP/MIROC/MIROC6/amip/r7i1p1f1/Amon/prsn/gn/v20190311";
  const member = (years: string): string => `${folder}/prsn_Amon_MIROC6_amip_r7i1p1f1_gn_${years}.nc`;
  const files = await archive({ [member("197901-198012")]: "TEST 0", [member("198101-198212")]: "TEST 2" });
  const clock = manualClock();
  const { registry, scanner } = await startNode(files, clock);
  await scanner.scan(ARCHIVE);
  const id = folder.replaceAll("/", ".");
  const opened = await registry.open(id, CALL);
  assert.equal(registry.current!(id, CALL), opened);
  clock.advance(1001);
  assert.equal(registry.current!(id, CALL), undefined);
});
