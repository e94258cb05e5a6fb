import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { appendFile, mkdir, mkdtemp, readdir, rename, rm, stat, symlink, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { pathToFileURL } from "node:url";
import { GyreError, isGyreError } from "../../src/errors.ts";
import { createFilesByPrefix } from "../../src/files/by-prefix.ts";
import { HandlePool } from "../../src/files/handle-pool.ts";
import { createLocalFiles } from "../../src/files/local.ts";
import { Looks } from "../../src/files/looks.ts";
import { rejects } from "./rejects.ts";

describe("local", () => {
  let folder: string;
  let root: URL;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "gyre-local-"));
    root = pathToFileURL(`${folder}/`);
  });
  after(() => rm(folder, { recursive: true }));
  const text = (bytes: Uint8Array | undefined): string => new TextDecoder().decode(bytes);

  test("reads more files at once than it may keep open", async () => {
    const names = Array.from({ length: 40 }, (_, i) => `many-${i}`);
    await Promise.all(names.map((name) => writeFile(join(folder, name), `file ${name}`)));
    const files = createLocalFiles({ handles: 4 });
    for (let round = 0; round < 3; round++) {
      const all = await Promise.all([...names, ...names].map((name) => files.read(new URL(name, root))));
      assert.deepEqual(
        all.map(text),
        [...names, ...names].map((name) => `file ${name}`),
      );
    }
    await files.close?.();
  });

  test("says what the system says, without a path beside the address", async () => {
    const url = new URL("x".repeat(300), root);
    const { message } = await rejects(createLocalFiles().head(url), "BadSource", /name too long$/);
    assert.ok(!message.replace(url.href, "").includes(folder));
  });

  test("never holds more handles than allowed, and closes every one of them", async () => {
    const pool = new HandlePool(3);
    const names = Array.from({ length: 20 }, (_, i) => join(folder, `many-${i}`));
    let most = 0;
    const sizes = await Promise.all(
      [...names, join(folder, "absent"), folder, ...names].map((path) =>
        pool.use(path, async ({ handle }) => {
          most = Math.max(most, pool.open);
          return (await handle.stat()).size > 0;
        }),
      ),
    );
    assert.equal(most, 3);
    assert.deepEqual([sizes[20], sizes[21]], [undefined, undefined]);
    assert.equal(sizes.filter(Boolean).length, 40);
    assert.ok(pool.open > 0 && pool.open <= 3);
    await pool.close();
    assert.equal(pool.open, 0);
  });

  test("a handle in use outlives its being forgotten", async () => {
    const pool = new HandlePool(1);
    const path = join(folder, "many-1");
    const content = await pool.use(path, async (file) => {
      await pool.forget(path, file);
      await pool.close();
      return file.handle.readFile("utf8");
    });
    assert.equal(content, "file many-1");
    assert.equal(pool.open, 0);
  });

  test("notices a file replaced by one of the same size and time", async () => {
    const files = createLocalFiles();
    const time = new Date(1e12);
    const put = async (content: string): Promise<void> => {
      await writeFile(join(folder, "new"), content);
      await utimes(join(folder, "new"), time, time);
      await rename(join(folder, "new"), join(folder, "twin"));
    };
    await put("one");
    assert.equal(text(await files.read(new URL("twin", root))), "one");
    await put("two");
    assert.equal(text(await files.read(new URL("twin", root))), "two");
    await files.close?.();
  });

  test("sees what is appended, cut off and removed", async () => {
    const files = createLocalFiles();
    const url = new URL("log", root);
    await writeFile(url, "one");
    assert.equal(text(await files.read(url)), "one");
    await appendFile(url, " two");
    assert.equal(text(await files.read(url, { offset: 2 })), "e two");
    assert.equal(text(await files.read(url, { suffix: 3 })), "two");
    await writeFile(url, "o");
    assert.equal(text(await files.read(url, { offset: 0, length: 9 })), "o");
    await rm(url);
    assert.equal(await files.read(url), undefined);
    await files.close?.();
  });

  test("a reader sees one whole version while the file is replaced", async () => {
    const files = createLocalFiles();
    const url = new URL("versions", root);
    const versions = ["a", "b", "c", "d"].map((letter, i) => letter.repeat(1000 + i));
    await files.write?.(url, Buffer.from(versions[0]!));
    const writing = (async () => {
      for (let i = 0; i < 40; i++) await files.write?.(url, Buffer.from(versions[i % 4]!));
      return "done" as const;
    })();
    let over = false;
    void writing.finally(() => {
      over = true;
    });
    // A reader who is overtaken again and again is told so.
    const overtaken = (error: unknown): "" => (isGyreError(error, "Busy") ? "" : assert.fail(String(error)));
    while (!over) {
      const found = await files.read(url).then((bytes) => bytes ?? assert.fail("it is there"), overtaken);
      assert.ok(found === "" || versions.includes(text(found)));
    }
    assert.equal(await writing, "done");
    await files.close?.();
  });

  test("leaves nothing behind when a write fails or is aborted", async () => {
    const files = createLocalFiles();
    const place = new URL("clean/", root);
    await mkdir(place);
    const controller = new AbortController();
    const endless = new ReadableStream<Uint8Array>({ pull: (sink) => sink.enqueue(new Uint8Array(10)) });
    const stalled = new ReadableStream<Uint8Array>({ pull: () => controller.abort(new Error("enough")) });
    await assert.rejects(files.write!(new URL("x", place), stalled, controller), /enough/);
    await assert.rejects(files.write!(new URL("x", place), endless, { signal: AbortSignal.abort() }));
    await rejects(files.write!(new URL("x", place), Buffer.from("1"), { ifMatch: '"other"' }), "Conflict");
    assert.deepEqual(await readdir(place), []);
  });

  test("what is no regular file is absent, and is not waited for", async () => {
    const files = createLocalFiles();
    execFileSync("mkfifo", [join(folder, "pipe")]);
    await symlink("nowhere", join(folder, "dangling"));
    for (const name of ["pipe", "dangling", "many-1/below", "."]) {
      assert.equal(await files.read(new URL(name, root)), undefined, name);
      assert.equal(await files.head(new URL(name, root)), undefined, name);
    }
  });

  test("refuses addresses that could mean another path", async () => {
    const files = createLocalFiles();
    for (const name of ["a%2fb", "a%5Cb", "a%00", "%E9"]) {
      await rejects(files.read(new URL(name, root)), "BadRequest");
      await rejects(files.write!(new URL(name, root), Buffer.from("")), "BadRequest");
    }
    await rejects(files.read(new URL("http://localhost/x")), "Denied");
  });

  test("follows links to files and folders, but not in a recursive walk", async () => {
    const files = createLocalFiles();
    const place = new URL("links/", root);
    await mkdir(new URL("real/", place), { recursive: true });
    await writeFile(new URL("real/x", place), "x");
    await symlink("real/x", new URL("file", place));
    await symlink(".", new URL("ring", place));
    const keys = async (recursive: boolean): Promise<string[]> =>
      (await Array.fromAsync(files.list!(place, { recursive }))).map(({ url }) => url.href.slice(place.href.length));
    assert.deepEqual(await keys(false), ["file", "real/", "ring/"]);
    assert.deepEqual(await keys(true), ["file", "real/x"]);
    assert.equal((await stat(new URL("ring/ring/real/x", place))).size, 1);
  });

  test("links that are changed while a file is open never let out what lies elsewhere", async () => {
    const place = new URL("swapped/", root);
    await mkdir(new URL("served/", place), { recursive: true });
    const [inside, outside] = [new URL("served/inside", place), new URL("outside", place)];
    await writeFile(inside, "inside");
    await writeFile(outside, "secret");
    const link = new URL("served/link", place);
    const lead = async (to: URL): Promise<void> => {
      await symlink(to, new URL("next", place));
      await rename(new URL("next", place), link);
    };
    const files = createFilesByPrefix([{ prefix: new URL("served/", place), files: createLocalFiles(), mode: "r" }]);
    await lead(inside);
    assert.equal(text(await files.read(link)), "inside");
    await lead(outside);
    await rejects(files.read(link), "Denied");
    await lead(inside);
    assert.equal(text(await files.read(link)), "inside");

    // Out when the file is opened, in when somebody asks where the path leads, out again when the bytes are read.
    const local = createLocalFiles();
    await lead(outside);
    assert.equal(text(await local.read(link)), "secret");
    await lead(inside);
    const admit = async (real: URL): Promise<void> => {
      await lead(outside);
      if (!real.href.endsWith("/served/inside")) throw new GyreError("Denied", "outside");
    };
    await rejects(local.read(link, undefined, { admit }), "Denied");
    await Promise.all([files.close?.(), local.close?.()]);
  });

  test("small reads of one turn are gathered, and each gets its own bytes", async () => {
    const files = createLocalFiles();
    const url = new URL("gathered", root);
    const content = Buffer.from(Array.from({ length: 200_000 }, (_, i) => (i * 7) % 251));
    await writeFile(url, content);
    const ranges = [
      ...Array.from({ length: 20 }, (_, i) => ({ offset: i * 9000, length: 9000 })),
      ...[0, 100, 5000].map((offset) => ({ offset, length: 6000 })),
      { offset: 180_000, length: 65_536 },
      { offset: 199_000, length: 5000 },
      { offset: 300_000, length: 10 },
      { offset: 50, length: 0 },
      { offset: 40_000, length: 120_000 },
    ];
    const shuffled = ranges.toSorted((a, b) => ((a.offset * 31) % 97) - ((b.offset * 31) % 97));
    const got = await Promise.all(shuffled.map((range) => files.read(url, range)));
    shuffled.forEach(({ offset, length }, i) => {
      assert.ok(content.subarray(offset, offset + length).equals(got[i]!), `${length} bytes at ${offset}`);
    });
    await files.close?.();
  });

  test("reads into the room that the reader gives", async () => {
    const files = createLocalFiles();
    const url = new URL("room", root);
    await writeFile(url, "0123456789");
    const room = new Uint8Array(64);
    const asked: number[] = [];
    const into = (bytes: number): Uint8Array => {
      asked.push(bytes);
      return room;
    };
    const bytes = await files.read(url, { offset: 4, length: 20 }, { into });
    assert.deepEqual([text(bytes), bytes?.buffer === room.buffer, asked], ["456789", true, [6]]);
    await files.close?.();
  });
});

test("a look is shared by those who ask before it begins, and by nobody who asks later", async () => {
  const begun: PromiseWithResolvers<number>[] = [];
  const looks = new Looks<string, number>(() => {
    begun.push(Promise.withResolvers());
    return begun.at(-1)!.promise;
  });
  const beginning = async (count: number): Promise<void> => {
    while (begun.length < count) await new Promise(setImmediate);
  };
  const together = [looks.next("a"), looks.next("a")];
  const other = looks.next("b");
  await beginning(2);
  const late = [looks.next("a"), looks.next("a")];
  begun[0]!.resolve(1);
  begun[1]!.resolve(2);
  assert.deepEqual(await Promise.all([...together, other]), [1, 1, 2]);
  await beginning(3);
  begun[2]!.reject(new Error("cannot look"));
  for (const look of late) await assert.rejects(look, /cannot look/);
  const later = looks.next("a");
  await beginning(4);
  begun[3]!.resolve(4);
  assert.equal(await later, 4, "a failure is not kept");
  assert.equal(begun.length, 4);
});
