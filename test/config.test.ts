import assert from "node:assert/strict";
import { test } from "node:test";
import { configJsonSchema, loadConfig } from "../src/config.ts";
import { isGyreError } from "../src/errors.ts";

/** A variable as `gyre.yaml` writes it. */
const from = (name: string): string => `\u0024{${name}}`;

const refused = (text: string, pattern: RegExp, env = {}): void =>
  assert.throws(
    () => loadConfig(text, env),
    (error) => isGyreError(error, "BadRequest") && pattern.test(error.message),
  );

test("an empty file gives the defaults", () => {
  const config = loadConfig("");
  assert.deepEqual(config.listen, { host: "127.0.0.1", port: 8080 });
  assert.equal(config.dataDir, ".gyre");
  assert.equal(config.limits.selection, 256 * 1024 * 1024);
  assert.deepEqual(config.sources, []);
});

test("values take variables of the environment, with defaults", () => {
  const text = `sources: ['${from("ROOT")}/cmip6', '${from("OTHER:-/data")}']
limits: {selection: 2 GiB, cache: 500kB}`;
  const config = loadConfig(text, { ROOT: "/archive" });
  assert.deepEqual(config.sources, ["/archive/cmip6", "/data"]);
  assert.equal(config.limits.selection, 2 * 1024 ** 3);
  assert.equal(config.limits.cache, 500_000);
  refused(`publicUrl: '${from("MISSING")}'`, /publicUrl: the environment has no MISSING/);
});

test("what Kubernetes tells of a service called gyre is no setting", () => {
  const link = "tcp://10.3.0.7:80";
  const env = {
    GYRE_PORT: link,
    GYRE_PORT_80_TCP: link,
    GYRE_PORT_80_TCP_ADDR: "10.3.0.7",
    GYRE_SERVICE_HOST: "10.3.0.7",
  };
  assert.equal(loadConfig("", { ...env, GYRE_SERVICE_PORT_HTTP: "80" }).listen.port, 8080);
  refused("", /GYRE_PORT names no setting/, { GYRE_PORT: "9010" });
});

test("GYRE_ variables override the file, nested ones with two underscores", () => {
  const env = {
    GYRE_LISTEN__PORT: "9010",
    GYRE_SOURCES: "/a, /b",
    GYRE_TRUST_FORWARDED: "true",
    GYRE_DATA: "/x",
    GYRE_WEBHOOK_SECRET: "x",
  };
  const config = loadConfig("listen: {host: 0.0.0.0, port: 1}", env);
  assert.deepEqual(config.listen, { host: "0.0.0.0", port: 9010 });
  assert.deepEqual(config.sources, ["/a", "/b"]);
  assert.equal(config.trustForwarded, true);
  refused("", /GYRE_NONSENSE names no setting/, { GYRE_NONSENSE: "1" });
});

test("unknown keys, wrong types and unsafe documents are refused with their path", () => {
  refused("lisen: {}", /Unrecognized key: "lisen"/);
  refused("listen: {prt: 1}", /listen: Unrecognized key: "prt"/);
  refused("listen: {port: 70000}", /listen\.port/);
  refused("cubes: [{id: a/b, glob: x}]", /cubes\.0\.id/);
  refused("cubes: [{id: ab, glob: x, concat: time, newDim: {name: m}}]", /cubes\.0: takes either concat or newDim/);
  refused("datasets: {'..': {source: x}}", /datasets/);
  refused("name: log", /name: is a schema of something else/);
  refused("follow: [{target: 'http://me:secret@stac.example/'}]", /follow\.0\.target: has a name/);
  refused("follow: [{target: 'http://stac.example/', narrowed: remove}]", /follow\.0: narrowed: remove is for/);
  refused("a: [", /gyre\.yaml/);
  refused("- 1", /no mapping/);
  refused("listen: {port: 1}\nlisten: {port: 2}", /unique/i);
});

test("the JSON Schema names every key and asks for none", () => {
  const schema = configJsonSchema() as { properties: object; required?: string[]; additionalProperties: boolean };
  assert.ok("cubes" in schema.properties && "publicUrl" in schema.properties);
  assert.equal(schema.required, undefined);
  assert.equal(schema.additionalProperties, false);
});

test("flows wait as long as a duration or a number of seconds says", () => {
  const hour = 3_600_000;
  assert.equal(loadConfig("").flows.expiry, 12 * hour);
  assert.equal(loadConfig("flows: {expiry: P1DT30M}").flows.expiry, 24.5 * hour);
  assert.equal(loadConfig("", { GYRE_FLOWS__EXPIRY: "90" }).flows.expiry, 90_000);
  for (const wrong of ["P", "PT", "12H", "P1M", "-1"]) refused(`flows: {expiry: ${wrong}}`, /flows\.expiry/);
});

test("queues, roles and jobs come from the file or from variables", () => {
  const text = "flows: {queues: {idf: {everywhere: 4, perKey: 1}}}\nroles: [api]\npackages: {jobs: off}";
  const { flows, roles, packages } = loadConfig(text, { GYRE_FLOWS__LISTEN: "core, idf", GYRE_ROLES: "worker" });
  assert.deepEqual(flows.queues, { idf: { everywhere: 4, perKey: 1 } });
  assert.deepEqual(flows.listen, ["core", "idf"]);
  assert.deepEqual(roles, ["worker"]);
  assert.equal(packages.jobs, "off");
  refused("roles: []", /roles/);
  refused("flows: {queues: {'Not One': {}}}", /flows\.queues/);
});
