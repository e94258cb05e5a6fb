import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { chmodSync, chownSync, existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import { netcdf3, netcdf4, put } from "../node/archive.ts";
import { GYRE, gyre, serving, started, temporary } from "./run.ts";

test("serve tells when it listens and when it is ready, serves, and ends with 0 when it is told to", async (t) => {
  const folder = temporary(t);
  put(join(folder, "in/a.nc"), await netcdf4(0, 2));
  put(join(folder, "in/bad.nc"), "CDF\x01\0");
  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    const node = serving(t, folder, ["in"]);
    const { url, pid } = await node.event("listening");
    assert.equal(pid, node.child.pid);
    assert.match(url, /^http:\/\/127\.0\.0\.1:\d+\/$/);
    const scan = await node.event("scan");
    assert.deepEqual([scan.seen, scan.datasets, scan.isDone], [2, 2, true]);
    const ready = await node.event("ready");
    assert.deepEqual([ready.url, ready.datasets, ready.problems], [url, 2, 1]);
    assert.deepEqual(await (await fetch(new URL("datasets", url))).json(), ["a", "bad"]);
    assert.equal((await fetch(new URL("readyz", url))).status, 200);
    assert.equal(await node.stop(signal), 0);
    await assert.rejects(fetch(url), "nobody listens any more");
  }
  assert.ok(existsSync(join(folder, ".gyre/registry.jsonl")));
});

test("a request under way ends, and idle connections do not hold the end up", async (t) => {
  const folder = temporary(t);
  put(join(folder, "in/a.nc"), await netcdf4(0, 2));
  const node = serving(t, folder, ["in"]);
  const { url } = await node.event("ready");
  // The client keeps this connection.
  await (await fetch(new URL("datasets/a/info", url))).text();
  assert.equal(await node.stop(), 0);
});

test("what stops it before it serves ends with 1 and is said in one line", async (t) => {
  const folder = temporary(t);
  put(join(folder, "a.nc"), await netcdf3(0, 2));
  const taken = createServer();
  await new Promise<void>((done) => taken.listen(0, "127.0.0.1", done));
  t.after(() => taken.close());
  const port = String((taken.address() as AddressInfo).port);
  for (const [argv, said] of [
    [["a.nc", "--port", port], `port ${port} of 127.0.0.1 is in use: choose another with --port`],
    [["absent", "--port", "0"], /^file:.*\/absent is not there$/],
    [
      ["a.nc", "--data-dir", "a.nc"],
      /^the data directory .*\/a\.nc\/ cannot be written \(ENOTDIR\): give another with /,
    ],
    [["a.nc", "--host", "203.0.113.1"], /address not available 203\.0\.113\.1/],
  ] as const) {
    const { code, err } = await gyre(folder, ["serve", ...argv]);
    assert.equal(code, 1, argv.join(" "));
    const line = err
      .replace(/^Whoever .*\n/, "")
      .replace(/^gyre serve: /, "")
      .trimEnd();
    if (typeof said === "string") assert.equal(line, said);
    else assert.match(line, said);
  }
});

test("a node that others can reach says so", async (t) => {
  const folder = temporary(t);
  put(join(folder, "a.nc"), await netcdf3(0, 2));
  const open = serving(t, folder, ["a.nc", "--host", "0.0.0.0"]);
  await open.event("ready");
  await open.stop();
  assert.match(open.err(), /Whoever reaches 0\.0\.0\.0 may read all of it/);
  const closed = serving(t, folder, ["a.nc", "--host", "localhost"]);
  await closed.event("ready");
  await closed.stop();
  assert.equal(closed.err(), "");
});

test("without --json it prints what to open first, and where the problems are", async (t) => {
  const folder = temporary(t);
  for (let i = 0; i < 7; i++) put(join(folder, `in/${i}.nc`), await netcdf3(i, 2));
  put(join(folder, "in/bad.nc"), "CDF\x01\0");
  const child = started(t, folder, ["in", "--port", "0", "--public-url", "https://data.example/x"]);
  let said = "";
  for await (const bytes of child.stdout) {
    said += bytes;
    if (said.includes("problems\n")) break;
  }
  assert.deepEqual(said.trimEnd().split("\n"), [
    "Gyre serves https://data.example/x/",
    "8 datasets:",
    ...[0, 1, 2, 3, 4].map((i) => `  https://data.example/x/datasets/${i}/`),
    "  ... all of them: https://data.example/x/datasets",
    "1 problem, with reasons: https://data.example/x/problems",
  ]);
});

test("gyre.yaml beside it is read, and flags go over it", async (t) => {
  const folder = temporary(t);
  put(join(folder, "in/a.nc"), await netcdf3(0, 2));
  put(join(folder, "more/b.nc"), await netcdf3(0, 2));
  writeFileSync(join(folder, "gyre.yaml"), "sources: [in]\nlisten: {port: 1}\ndataDir: kept\n");
  mkdirSync(join(folder, "below"));
  const node = serving(t, join(folder, "below"), ["../more", "--config", "../gyre.yaml", "--data-dir", "own"]);
  const { url } = await node.event("ready");
  assert.deepEqual(await (await fetch(new URL("datasets", url))).json(), ["a", "b"]);
  assert.equal(await node.stop(), 0);
  assert.ok(existsSync(join(folder, "below/own/registry.jsonl")));
  assert.ok(!existsSync(join(folder, "kept")));
});

/** Root may read and write everything, so that nothing is locked to it: then the command runs as somebody else. */
const nobody = process.getuid?.() === 0 ? 65534 : undefined;
const isClosed = nobody !== undefined && spawnSync(process.execPath, [GYRE, "--version"], { uid: nobody }).status !== 0;
const skip = isClosed ? "root alone may read this repository, and to root nothing is locked" : false;

test("folders that may not be written, and files that may not be read, are named", { skip }, async (t) => {
  const folder = temporary(t);
  put(join(folder, "in/a.nc"), await netcdf3(0, 2));
  put(join(folder, "in/secret.nc"), await netcdf3(0, 2));
  chmodSync(join(folder, "in/secret.nc"), 0o000);
  mkdirSync(join(folder, "locked"), { mode: 0o555 });
  chmodSync(folder, 0o755);
  if (nobody !== undefined)
    for (const path of ["in", "in/a.nc", "in/secret.nc", "locked"]) chownSync(join(folder, path), nobody, nobody);
  const run = (argv: string[]): ReturnType<typeof gyre> => gyre(folder, argv, {}, nobody);
  const locked = await run(["serve", "in", "--data-dir", "locked/data", "--port", "0"]);
  assert.equal(locked.code, 1);
  assert.match(
    locked.err,
    /the data directory .*locked\/data\/ cannot be written \(EACCES\): give another with --data-dir/,
  );
  const { code, out, err } = await run(["inspect", "in"]);
  assert.equal(code, 0);
  assert.match(out, /^netcdf a /);
  assert.match(err, /secret\.nc: this process may not use it/);
  chmodSync(join(folder, "in/secret.nc"), 0o600);
  rmSync(join(folder, "locked"), { recursive: true });
});
