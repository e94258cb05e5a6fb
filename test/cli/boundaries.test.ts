import assert from "node:assert/strict";
import { chmod } from "node:fs/promises";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { gyre, temporary } from "./run.ts";

const AREAS = fileURLToPath(new URL("../fixtures/boundaries/areas.geojson", import.meta.url));
const EMBEDDED = { GYRE_DATABASE: "embedded" };

test("gyre boundaries works on the database of a node that does not run", async (t) => {
  const folder = temporary(t);
  await chmod(folder, 0o755);
  const run = (...argv: string[]) => gyre(folder, ["boundaries", ...argv], EMBEDDED);

  const countries = await run("list", "--search", "mbi", "--json");
  const found = countries.out.trim().split("\n");
  assert.deepEqual(
    found.map((line) => JSON.parse(line).name),
    ["col", "gmb", "moz", "zmb"],
  );

  const columns = ["--name-column", "CODE", "--long-name-column", "Title"];
  const loaded = await run("load", AREAS, ...columns, "--replace");
  assert.equal(loaded.code, 0, loaded.err);
  assert.match(loaded.out, /^3 added, 4 changed, 0 unchanged, 251 taken away\n$/);
  assert.match(loaded.err, /repaired bow: Self-intersection/);
  assert.match(loaded.err, /left out 2 without a name\nleft out 1 without a polygon/);
  const again = await run("load", AREAS, ...columns, "--json");
  assert.equal(JSON.parse(again.out).unchanged, 7);

  const listed = await run("list");
  assert.match(listed.out, /^civ {2}Côte d'Ivoire$/m);
  assert.equal(listed.out.trim().split("\n").length, 7);
  const versions = (await run("versions", "lso")).out.trim().split("\n");
  assert.match(versions[0] ?? "", /^sha256:[0-9a-f]{64} {2}\S+ {2}areas.geojson {2}current$/);
  assert.match(versions[1] ?? "", /Natural Earth/);
});

test("gyre boundaries says what it does not understand", async (t) => {
  const folder = temporary(t);
  const cases = [
    [[], /name an action first; there is: load, list, versions/],
    [["load"], /load takes one FILE/],
    [["load", "a", "b"], /load takes one FILE/],
    [["load", AREAS, "--admin-level", "high"], /--admin-level is a number/],
    [["versions"], /versions takes one NAME/],
    [["list", "--color"], /Unknown option '--color'/],
    [["list"], /this node has no database/],
  ] as const;
  for (const [argv, said] of cases) {
    const { code, err } = await gyre(folder, ["boundaries", ...argv]);
    assert.equal(code, 2, argv.join(" "));
    assert.match(err, said);
  }
  const help = await gyre(folder, ["boundaries", "--help"]);
  assert.match(help.out, /gyre boundaries load districts.gpkg/);
});
