import assert from "node:assert/strict";
import { test } from "node:test";
import { loadConfig } from "../../src/config.ts";
import { createNode } from "../../src/node.ts";
import { failureOf, filesOf, installed, typeErrorsOf } from "./guide.ts";

const HEADER = `ncols 4
nrows 3
xllcorner 5.0
yllcorner 45.0
cellsize 0.5
NODATA_value -9999
byteorder MSBFIRST
`;

/** Big-endian, so that a node that ignored the header would answer other numbers. */
function values(): Uint8Array {
  const view = new DataView(new ArrayBuffer(48));
  for (let i = 0; i < 12; i++) view.setFloat32(i * 4, i / 2, false);
  return new Uint8Array(view.buffer);
}

test("the format of the guide is right by type, and passes the suite it names", (t) => {
  const folder = installed(t, filesOf("add-a-format.md"));
  assert.equal(typeErrorsOf(folder), "");
  assert.equal(failureOf(folder, "gridfloat.test.ts"), undefined);
});

test("a node serves it as a plugin from a folder outside the repository", async (t) => {
  const guide = filesOf("add-a-format.md");
  const folder = installed(
    t,
    new Map<string, string | Uint8Array>([...guide, ["archive/dem.hdr", HEADER], ["archive/dem.flt", values()]]),
  );
  const config = { ...loadConfig(guide.get("gyre.yaml") ?? "", { GYRE_DATABASE: "none" }), rescanSeconds: 0 };
  const node = await createNode(config, { folder, isTransient: true });
  t.after(() => node.close());
  await node.scan();
  const get = (path: string): Promise<Response> => node.fetch(new Request(`http://node.test/${path}`));
  assert.deepEqual(await (await get("datasets")).json(), ["dem"]);
  const raw = await (await get("datasets/dem/kerchunk/values/0.0")).bytes();
  assert.deepEqual(raw, values());
  const y = await (await get("datasets/dem/kerchunk/y/0")).arrayBuffer();
  assert.deepEqual([...new Float64Array(y)], [46.25, 45.75, 45.25]);
  const info = (await (await get("datasets/dem/info")).json()) as { format: string };
  assert.equal(info.format, "gridfloat");
  assert.ok(Object.keys((await (await get("plugins")).json()) as object).includes("format.gridfloat"));
});
