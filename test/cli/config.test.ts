import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { gyre, temporary } from "./run.ts";

test("config check shows all settings with defaults, and no secrets", async (t) => {
  const folder = temporary(t);
  const text =
    "sources: [x]\ns3: {b: {accessKeyId: me, secretAccessKey: hush, sessionToken: hush}}\ndatabase: postgres://me:hush@db/x\n";
  writeFileSync(join(folder, "gyre.yaml"), text);
  const { code, out } = await gyre(folder, ["config", "check"], { GYRE_LISTEN__PORT: "9999" });
  assert.equal(code, 0);
  const config = JSON.parse(out) as { listen: object; s3: { b: object }; rescanSeconds: number };
  assert.deepEqual(config.listen, { host: "127.0.0.1", port: 9999 });
  assert.equal(config.rescanSeconds, 60);
  assert.match(out, /"accessKeyId": "me"/);
  assert.doesNotMatch(out, /hush/);
  const { out: line } = await gyre(folder, ["config", "check", "--json"]);
  assert.equal(line.split("\n").length, 2);
});

test("config check fails with the path of what is wrong, in the file that was named", async (t) => {
  const folder = temporary(t);
  writeFileSync(join(folder, "my.yaml"), "listen: {prt: 1}\ncubes: [{id: 'a b', glob: x}]\n");
  const { code, out, err } = await gyre(folder, ["config", "check", "my.yaml"]);
  assert.equal(code, 1);
  assert.equal(out, "");
  assert.match(err, /^my\.yaml: the configuration is not valid/);
  assert.match(err, /listen: Unrecognized key: "prt"/);
  assert.match(err, /cubes\.0\.id: /);
  const absent = await gyre(folder, ["config", "check", "absent.yaml"]);
  assert.equal(absent.code, 1);
  assert.match(absent.err, /absent\.yaml/);
});

test("config schema is JSON Schema", async (t) => {
  const { code, out } = await gyre(temporary(t), ["config", "schema"]);
  assert.equal(code, 0);
  assert.equal((JSON.parse(out) as { $schema: string }).$schema, "https://json-schema.org/draft/2020-12/schema");
});
