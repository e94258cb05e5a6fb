import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { loadConfig } from "../../src/config.ts";
import { CALL, setUp, square } from "../flows/processors/harness.ts";
import { filesOf, installed, typeErrorsOf } from "./guide.ts";

const MODULE = "processors/stations/v1.ts";
const ORIGIN = "https://stations.example.org/";
const STATIONS = `id,operator,lon,lat
1,DWD,10,50
2,DWD,11,50
3,"KNMI, De Bilt",5.5,52
4,SMHI,100,60
`;

test("the processor of the guide is right by type", (t) => {
  const guide = filesOf("add-a-processor.md");
  assert.equal(typeErrorsOf(installed(t, new Map([["v1.ts", guide.get(MODULE) ?? ""]]))), "");
});

test("a node finds it in a folder outside the repository, and it does what the guide says", async (t) => {
  const guide = filesOf("add-a-processor.md");
  const harness = await setUp(t);
  const { server } = harness;
  server.files.set("stations.csv", new TextEncoder().encode(STATIONS));
  const code = (guide.get(MODULE) ?? "").replace(`${ORIGIN}stations.csv`, new URL("stations.csv", server.url).href);
  const folder = installed(t, new Map([[MODULE, code]]));
  const config = loadConfig(guide.get("gyre.yaml") ?? "", { GYRE_DATABASE: "none" });
  assert.deepEqual(config.allow, [ORIGIN]);
  const folders = config.processors.folders.map((own) => join(folder, own));
  const loaded = await harness.processors({ folders }, { allow: [server.url] });
  assert.deepEqual(loaded.problems, []);
  const processor = loaded.get("stations.v1");
  assert.ok(processor);

  assert.deepEqual(await processor.estimate(square(4, 48, 12, 54), CALL), {
    readBytes: STATIONS.length,
    notes: ["The list of stations is fetched first"],
  });
  const { generated, folder: made, used } = await harness.run(processor, square(4, 48, 12, 54));
  assert.deepEqual(
    generated.files.map(({ name }) => name),
    ["stations-v1-square.geojson", "stations-v1-operators-square.csv"],
  );
  const counts = await readFile(join(made, "stations-v1-operators-square.csv"), "utf8");
  assert.equal(counts, 'operator,stations\n"DWD",2\n"KNMI, De Bilt",1\n');
  assert.match(used[0]?.digest ?? "", /^sha256:/);
  const { generated: none } = await harness.run(processor, square(-50, 0, -49, 1));
  assert.deepEqual([none.isEmpty, none.files], [true, []]);
});
