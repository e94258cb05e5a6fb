import assert from "node:assert/strict";
import { mkdir, mkdtemp, readdir, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { pathToFileURL } from "node:url";
import { createFilesByPrefix } from "../../src/files/by-prefix.ts";
import type { Files } from "../../src/files/files.ts";
import { createLocalFiles } from "../../src/files/local.ts";
import { createMemoryFiles } from "../../src/files/memory.ts";
import { rejects } from "./rejects.ts";

const text = (bytes: Uint8Array | undefined): string => new TextDecoder().decode(bytes);
const bytes = (content: string): Uint8Array => new TextEncoder().encode(content);
const memory = (content: string, ...paths: readonly string[]): Files =>
  createMemoryFiles(paths.map((path) => [path, bytes(content)]));

describe("by-prefix", () => {
  test("the longest prefix decides, by whole segments", async () => {
    const both = ["s3://b/data/x", "s3://b/data/deep/x", "s3://b/database/x", "s3://b/data%20set/x"];
    const files = createFilesByPrefix([
      { prefix: new URL("s3://b/data"), files: memory("outer", ...both), mode: "r" },
      { prefix: new URL("s3://b/data/deep/"), files: memory("inner", ...both), mode: "r" },
    ]);
    assert.equal(text(await files.read(new URL("s3://b/data/x"))), "outer");
    assert.equal(text(await files.read(new URL("s3://b/data/deep/x"))), "inner");
    assert.equal(await files.read(new URL("s3://b/data/absent")), undefined);
    const refused = [
      "s3://b/database/x",
      "s3://b/data%20set/x",
      "s3://c/data/x",
      "swift://b/data/x",
      "s3://b/data/../x",
    ];
    for (const address of refused) {
      const error = await rejects(files.read(new URL(address)), "Denied", /s3:\/\/b\/data/);
      assert.deepEqual(error.details.allowed, ["s3://b/data", "s3://b/data/deep/"]);
      await rejects(files.head(new URL(address)), "Denied");
      await rejects(Array.fromAsync(files.list!(new URL(address))), "Denied");
    }
  });

  test("only prefixes for writing are written, however the address is spelled", async () => {
    const store = memory("old", "s3://b/data/locked/x");
    const files = createFilesByPrefix([
      { prefix: new URL("s3://b/data/"), files: store, mode: "rw" },
      { prefix: new URL("s3://b/data/locked/"), files: store, mode: "r" },
    ]);
    await files.write!(new URL("s3://b/data/y"), bytes("new"));
    assert.equal(text(await files.read(new URL("s3://b/data/y"))), "new");
    for (const path of ["locked/x", "%6cocked/x", "a/../locked/x", "a/%2e%2e/locked/x", "a/%2E./locked/x"]) {
      await rejects(files.write!(new URL(path, "s3://b/data/"), bytes("new")), "Denied", /may not be written/);
      await rejects(files.delete!(new URL(path, "s3://b/data/")), "Denied", /may not be written/);
    }
    assert.equal(text(await files.read(new URL("s3://b/data/locked/x"))), "old");
  });

  test("what a store cannot do is said", async () => {
    const { read, head } = memory("x");
    const files = createFilesByPrefix([{ prefix: new URL("http://h/"), files: { read, head }, mode: "rw" }]);
    await rejects(files.write!(new URL("http://h/x"), bytes("")), "Unsupported");
    await rejects(files.delete!(new URL("http://h/x")), "Unsupported");
    await rejects(Array.fromAsync(files.list!(new URL("http://h/"))), "Unsupported");
  });

  describe("local paths", () => {
    let folder: string;
    let root: URL;
    let files: Files;
    before(async () => {
      folder = await mkdtemp(join(tmpdir(), "gyre-prefix-"));
      root = pathToFileURL(`${folder}/data/`);
      for (const name of ["data/in", "data/locked", "outside", "elsewhere"]) {
        await mkdir(join(folder, name), { recursive: true });
        await writeFile(join(folder, name, "x"), name);
      }
      await symlink(join(folder, "outside"), join(folder, "data/out"));
      await symlink(join(folder, "outside/x"), join(folder, "data/file"));
      await symlink("../../outside/x", join(folder, "data/in/relative"));
      await symlink("in/x", join(folder, "data/within"));
      await symlink("locked", join(folder, "data/to-locked"));
      await symlink(join(folder, "outside/new"), join(folder, "data/dangling"));
      await symlink(join(folder, "elsewhere"), join(folder, "latest"));
      const local = createLocalFiles();
      files = createFilesByPrefix([
        { prefix: root, files: local, mode: "rw" },
        { prefix: new URL("locked/", root), files: local, mode: "r" },
        { prefix: pathToFileURL(join(folder, "latest")), files: local, mode: "rw" },
      ]);
    });
    after(async () => {
      await files.close?.();
      await rm(folder, { recursive: true });
    });

    test("links inside are followed, those that leave are refused", async () => {
      assert.equal(text(await files.read(new URL("within", root))), "data/in");
      for (const path of ["out/x", "file", "in/relative", "out/absent", "out/"]) {
        await rejects(files.read(new URL(path, root)), "Denied", /outside/);
        await rejects(files.head(new URL(path, root)), "Denied", /outside/);
        await rejects(files.write!(new URL(path, root), bytes("")), "Denied", /outside/);
        await rejects(files.delete!(new URL(path, root)), "Denied", /outside/);
      }
      await rejects(Array.fromAsync(files.list!(new URL("out/", root))), "Denied");
      assert.deepEqual(await readdir(join(folder, "outside")), ["x"]);
    });

    test("a link to nowhere is absent and cannot be written through", async () => {
      assert.equal(await files.read(new URL("dangling", root)), undefined);
      await rejects(files.write!(new URL("dangling", root), bytes("")), "Denied");
      await rejects(files.write!(new URL("dangling/x", root), bytes("")), "Denied");
      assert.deepEqual(await readdir(join(folder, "outside")), ["x"]);
    });

    test("a link does not get around a prefix for reading", async () => {
      assert.equal(text(await files.read(new URL("to-locked/x", root))), "data/locked");
      await rejects(files.write!(new URL("to-locked/x", root), bytes("")), "Denied", /may not be written/);
    });

    test("a prefix may itself be a link, also one that is moved", async () => {
      const latest = pathToFileURL(join(folder, "latest/x"));
      assert.equal(text(await files.read(latest)), "elsewhere");
      await rm(join(folder, "latest"));
      await symlink(join(folder, "outside"), join(folder, "latest"));
      assert.equal(text(await files.read(latest)), "outside");
    });

    test("tricks with the path reach nothing", async () => {
      for (const path of [
        "..%2foutside/x",
        "%2e%2e/outside/x",
        "../outside/x",
        "in%5c..%5cx",
        "x%00",
        "in/..%2F..%2Foutside%2Fx",
      ]) {
        await rejects(files.read(new URL(path, root)), "Denied");
        await rejects(files.write!(new URL(path, root), bytes("")), "Denied");
      }
      await rejects(files.read(pathToFileURL(join(folder, "database"))), "Denied");
      await rejects(files.read(new URL(`file://host${root.pathname}in/x`)), "Denied");
    });

    test("new files in new folders are fine", async () => {
      await files.write!(new URL("new/folder/x", root), bytes("hello"));
      assert.equal(text(await files.read(new URL("new/folder/x", root))), "hello");
    });
  });
});
