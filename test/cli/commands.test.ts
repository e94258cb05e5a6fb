import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { test } from "node:test";
import { GYRE, gyre, temporary } from "./run.ts";

const COMMANDS = [
  "serve",
  "inspect",
  "index",
  "publish",
  "update",
  "retract",
  "replicate",
  "generate",
  "playground",
  "schemas",
  "search",
  "events",
  "subscriptions",
  "boundaries",
  "flows",
  "package",
  "worker",
  "config",
];

test("every command has help with an example, by --help, -h and help", async (t) => {
  const folder = temporary(t);
  const all = await gyre(folder, ["--help"]);
  assert.equal(all.code, 0);
  for (const name of COMMANDS) {
    assert.match(all.out, new RegExp(`^  ${name} `, "m"));
    const { code, out, err } = await gyre(folder, [name, "--help"]);
    assert.equal(code, 0, name);
    assert.match(out, /Example[\s\S]*\n {2}gyre /, name);
    assert.match(out, /--json/, name);
    assert.equal(err, "", name);
  }
  assert.equal((await gyre(folder, ["help", "serve"])).out, (await gyre(folder, ["serve", "-h"])).out);
});

test("usage that is wrong ends with 2 and says what is right", async (t) => {
  const folder = temporary(t);
  for (const [argv, said] of [
    [[], /^$/],
    [["nope"], /there is no command "nope"; try: serve, inspect/],
    [["help", "nope"], /there is no command "nope"/],
    [["serve", "--nope"], /Unknown option '--nope'\nTry: gyre serve --help/],
    [["serve"], /nothing to serve/],
    [["serve", ".", "--port", "70000"], /--port "70000" is not a number from 0 to 65535/],
    [["serve", ".", "--public-url", "x"], /--public-url "x" is not an http/],
    [["serve", ".", "--config", "absent.yaml"], /configuration cannot be read: .*absent\.yaml/],
    [["serve", ".", "--plugin", "./absent.mjs"], /plugin .*absent\.mjs cannot be loaded/],
    [["serve", "ftp://host/x"], /addresses of ftp: are not read; there is: file:, http:/],
    [["inspect"], /at least one source/],
    [["inspect", "http://["], /http:\/\/\[ is no address/],
    [["index"], /at least one source/],
    [["config"], /check \[FILE\] or schema/],
    [["config", "check", "a", "b"], /check \[FILE\] or schema/],
  ] as const) {
    const { code, err } = await gyre(folder, argv);
    assert.equal(code, 2, argv.join(" "));
    assert.match(err, said, argv.join(" "));
  }
});

test("gyre --version says the version of the package", async (t) => {
  const { out } = await gyre(temporary(t), ["--version"]);
  assert.match(out, /^\d+\.\d+\.\d+\n$/);
});

test("a setting of the environment that nobody knows is refused with those there are", async (t) => {
  const { code, err } = await gyre(temporary(t), ["serve", "."], { GYRE_NONSENSE: "1" });
  assert.equal(code, 2);
  assert.match(err, /GYRE_NONSENSE names no setting; there is: sources, allow, .*plugins/);
});

test("a reader who closes the pipe ends the command without a word", async (t) => {
  const folder = temporary(t);
  const child = spawn(process.execPath, [GYRE, "config", "schema"], { cwd: folder, stdio: ["ignore", "pipe", "pipe"] });
  child.stdout.destroy();
  const said = child.stderr.toArray();
  const [code] = await once(child, "exit");
  assert.equal(code, 0);
  assert.equal(Buffer.concat(await said).toString(), "");
});
