import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { type ErrorTag, isGyreError } from "../../src/errors.ts";
import type { ByteRange, Files, Listed } from "../../src/files/files.ts";
import { encodeKey } from "../../src/files/keys.ts";
import { readWithInfo } from "../../src/files/read-with-info.ts";

/** Files under test with a way to put something there that does not go through them. */
export interface FilesFixture {
  readonly files: Files;
  /** An empty folder; ends in `/`. */
  readonly root: URL;
  /** `key` is a decoded path below the root. */
  put(key: string, bytes: Uint8Array): Promise<unknown>;
  close?(): Promise<unknown>;
}

export interface FilesContract {
  /** Capabilities that these files do not have. */
  readonly lacks?: readonly ("list" | "write" | "delete")[];
  /** Tests that these files are known to fail, and why; the suite checks that they still do. */
  readonly skip?: readonly { readonly test: string; readonly reason: string }[];
  /** Why nothing can be tested here, now. */
  readonly unavailable?: string | undefined;
}

/** What every implementation of `Files` does. */
export function testFiles(name: string, make: () => Promise<FilesFixture>, contract: FilesContract = {}): void {
  const { lacks = [], skip = [], unavailable } = contract;
  const cases = Object.entries(CASES).filter(
    ([, { needs }]) => !lacks.some((capability) => needs.includes(capability)),
  );
  for (const { test: skipped } of skip) assert.ok(skipped in CASES, `no test "${skipped}" to skip`);

  describe(`files: ${name}`, { skip: unavailable ?? false }, () => {
    let fixture: FilesFixture;
    before(async () => {
      fixture = await make();
    });
    after(async () => {
      await fixture.files.close?.();
      await fixture.close?.();
    });

    test(`has every capability${lacks.length > 0 ? ` but ${lacks.join(", ")}` : ""}`, () => {
      for (const capability of ["list", "write", "delete"] as const) {
        assert.equal(fixture.files[capability] === undefined, lacks.includes(capability), capability);
      }
    });
    cases.forEach(([title, { run }], i) => {
      const folder = `t${i}/`;
      const room = (): Room => ({
        files: fixture.files,
        root: new URL(folder, fixture.root),
        at: (key) => new URL(folder + encodeKey(key), fixture.root),
        put: (key, bytes) => fixture.put(folder + key, bytes),
      });
      const reason = skip.find((entry) => entry.test === title)?.reason;
      if (reason === undefined) test(title, () => run(room()));
      else test(`not: ${title} (${reason})`, () => assert.rejects(run(room())));
    });
  });
}

/** A folder for one test. */
interface Room extends Pick<FilesFixture, "files" | "root" | "put"> {
  at(key: string): URL;
}

interface Case {
  readonly needs: readonly ("list" | "write" | "delete")[];
  run(room: Room): Promise<void>;
}

const BYTES = Uint8Array.from({ length: 1000 }, (_, i) => (i * 7) % 251);

const CASES: Readonly<Record<string, Case>> = {
  "an absent file is undefined": {
    needs: [],
    async run({ files, at }) {
      assert.equal(await files.read(at("absent")), undefined);
      assert.equal(await files.read(at("absent"), { offset: 0, length: 4 }), undefined);
      assert.equal(await files.read(at("absent"), { offset: 3, length: 0 }), undefined);
      assert.equal(await files.head(at("absent")), undefined);
    },
  },
  "reads ranges, cut to the file": {
    needs: [],
    async run({ files, at, put }) {
      await put("data", BYTES);
      const ranges: readonly [ByteRange | undefined, number, number][] = [
        [undefined, 0, 1000],
        [{ offset: 0, length: 1 }, 0, 1],
        [{ offset: 10, length: 20 }, 10, 30],
        [{ offset: 990 }, 990, 1000],
        [{ offset: 0 }, 0, 1000],
        [{ offset: 990, length: 100 }, 990, 1000],
        [{ offset: 999, length: 1 }, 999, 1000],
        [{ offset: 1000 }, 1000, 1000],
        [{ offset: 5000, length: 10 }, 1000, 1000],
        [{ offset: 5, length: 0 }, 5, 5],
        [{ suffix: 8 }, 992, 1000],
        [{ suffix: 5000 }, 0, 1000],
        [{ suffix: 0 }, 1000, 1000],
      ];
      for (const [range, start, end] of ranges) {
        const bytes = await files.read(at("data"), range);
        assert.deepEqual(plain(bytes), plain(BYTES.subarray(start, end)), JSON.stringify(range));
      }
    },
  },
  "bytes come with what they are a part of": {
    needs: [],
    async run({ files, at, put }) {
      await put("data", BYTES);
      await put("empty", new Uint8Array(0));
      const info = await files.head(at("data"));
      const ranges: readonly [ByteRange | undefined, number, number][] = [
        [undefined, 0, 1000],
        [{ offset: 990, length: 100 }, 990, 1000],
        [{ offset: 5000, length: 10 }, 1000, 1000],
        [{ offset: 5, length: 0 }, 5, 5],
        [{ suffix: 8 }, 992, 1000],
        [{ suffix: 5000 }, 0, 1000],
      ];
      for (const [range, start, end] of ranges) {
        const found = await readWithInfo(files, at("data"), range);
        assert.deepEqual(plain(found?.bytes), plain(BYTES.subarray(start, end)), JSON.stringify(range));
        assert.equal(found?.info.size, 1000, JSON.stringify(range));
        // An answer that a range lies beyond the end need not name the file's state.
        if (start < 1000) assert.equal(found?.info.etag, info?.etag, JSON.stringify(range));
      }
      assert.equal((await readWithInfo(files, at("empty"), { suffix: 4 }))?.info.size, 0);
      assert.equal(await readWithInfo(files, at("absent")), undefined);
    },
  },
  "reads an empty file": {
    needs: [],
    async run({ files, at, put }) {
      await put("empty", new Uint8Array(0));
      assert.equal((await files.head(at("empty")))?.size, 0);
      for (const range of [undefined, { offset: 0, length: 4 }, { offset: 3 }, { suffix: 4 }]) {
        assert.equal((await files.read(at("empty"), range))?.byteLength, 0, JSON.stringify(range));
      }
    },
  },
  "refuses ranges that are none": {
    needs: [],
    async run({ files, at, put }) {
      await put("data", BYTES);
      for (const range of [{ offset: -1 }, { offset: 0.5, length: 1 }, { offset: 0, length: -1 }, { suffix: NaN }]) {
        await rejects(files.read(at("data"), range), "BadSource");
      }
    },
  },
  "answers many readers at once": {
    needs: [],
    async run({ files, at, put }) {
      await put("data", BYTES);
      const offsets = Array.from({ length: 60 }, (_, i) => (i * 37) % 990);
      const parts = await Promise.all(offsets.map((offset) => files.read(at("data"), { offset, length: 10 })));
      parts.forEach((part, i) => {
        assert.deepEqual(plain(part), plain(BYTES.subarray(offsets[i], offsets[i]! + 10)));
      });
    },
  },
  "names may hold spaces, accents, signs and escapes": {
    needs: [],
    async run({ files, at, put }) {
      for (const key of ["a b", "é/ü😀", "50%", "x%41", "a+b&c=d", "q?w#e", "tas:1,2;(3)'!~*@$", "a..b/.c"]) {
        await put(key, new TextEncoder().encode(key));
        assert.equal(new TextDecoder().decode(await files.read(at(key))), key);
        assert.equal((await files.head(at(key)))?.size, new TextEncoder().encode(key).byteLength);
      }
    },
  },
  "an entity tag stays while the file stays, and changes with it": {
    needs: [],
    async run({ files, at, put }) {
      await put("data", BYTES);
      const first = await files.head(at("data"));
      assert.equal(first?.size, 1000);
      assert.match(first.etag ?? "", /^(W\/)?".+"$/);
      assert.equal((await files.head(at("data")))?.etag, first.etag);
      await put("data", BYTES.subarray(1));
      const second = await files.head(at("data"));
      assert.equal(second?.size, 999);
      assert.notEqual(second.etag, first.etag);
      assert.deepEqual(plain(await files.read(at("data"))), plain(BYTES.subarray(1)));
    },
  },
  "a file that changes between two reads is a conflict": {
    needs: [],
    async run({ files, at, put }) {
      await put("data", BYTES);
      const ifMatch = (await files.head(at("data")))?.etag ?? "";
      const part = await files.read(at("data"), { offset: 2, length: 3 }, { ifMatch });
      assert.deepEqual(plain(part), plain(BYTES.subarray(2, 5)));
      await put("data", BYTES.subarray(1));
      // To the end: a cache may rightly hold the part just read as that of this tag.
      await rejects(files.read(at("data"), { offset: 2 }, { ifMatch }), "Conflict");
    },
  },
  "an aborted signal stops everything": {
    needs: [],
    async run({ files, at, put, root }) {
      await put("data", BYTES);
      const reason = new Error("enough");
      const call = { signal: AbortSignal.abort(reason) };
      const isReason = (error: unknown): boolean => error === reason;
      await assert.rejects(files.read(at("data"), { offset: 1, length: 2 }, call), isReason);
      await assert.rejects(files.head(at("data"), call), isReason);
      if (files.list !== undefined) await assert.rejects(collect(files.list(root, call)), isReason);
      if (files.write !== undefined) await assert.rejects(files.write(at("new"), BYTES, call), isReason);
      if (files.delete !== undefined) await assert.rejects(files.delete(at("data"), call), isReason);
      assert.equal((await files.head(at("data")))?.size, 1000);
    },
  },
  "lists a folder in code-point order": {
    needs: ["list"],
    async run({ files, at, put, root }) {
      for (const key of ["b", "a/x", "a/y/z", "a.nc", "a b", "Z", "é", "\u{ff5e}", "\u{1f600}"]) await put(key, BYTES);
      const listed = await collect(files.list!(root));
      assert.deepEqual(keysOf(root, listed), ["Z", "a b", "a.nc", "a/", "b", "é", "\u{ff5e}", "\u{1f600}"]);
      for (const { url, info } of listed) {
        if (url.href.endsWith("/")) assert.equal(info, undefined);
        else if (info !== undefined) {
          assert.deepEqual([info.size, info.etag], [1000, (await files.head(url))?.etag]);
        }
      }
      assert.deepEqual(keysOf(root, await collect(files.list!(at("a/")))), ["a/x", "a/y/"]);
    },
  },
  "lists at any depth, files only": {
    needs: ["list"],
    async run({ files, put, root }) {
      for (const key of ["b", "a/x", "a/y/z", "a.nc", "a/y/a"]) await put(key, BYTES);
      const listed = await collect(files.list!(root, { recursive: true }));
      assert.deepEqual(keysOf(root, listed), ["a.nc", "a/x", "a/y/a", "a/y/z", "b"]);
    },
  },
  "lists nothing where there is nothing": {
    needs: ["list"],
    async run({ files, at, put }) {
      await put("folder-2/x", BYTES);
      assert.deepEqual(await collect(files.list!(at("folder/"))), []);
    },
  },
  "a listed address can be read": {
    needs: ["list"],
    async run({ files, put, root }) {
      const keys = ["50% off", "a+b", "q?w#e", "é😀"];
      for (const key of keys) await put(key, new TextEncoder().encode(key));
      const listed = await collect(files.list!(root));
      const found = await Promise.all(listed.map(async ({ url }) => new TextDecoder().decode(await files.read(url))));
      assert.deepEqual(found, keys);
    },
  },
  "reads back what it wrote": {
    needs: ["write"],
    async run({ files, at }) {
      const url = at("deep/er/data");
      const written = await files.write!(url, BYTES, { contentType: "application/octet-stream" });
      const info = await files.head(url);
      assert.deepEqual([written.size, written.etag], [1000, info?.etag]);
      assert.deepEqual(plain(await files.read(url)), plain(BYTES));
      await files.write!(url, new Uint8Array(0));
      assert.equal((await files.read(url))?.byteLength, 0);
    },
  },
  "writes streams": {
    needs: ["write"],
    async run({ files, at }) {
      const body = ReadableStream.from([BYTES.subarray(0, 3), new Uint8Array(0), BYTES.subarray(3)]);
      assert.equal((await files.write!(at("data"), body)).size, 1000);
      assert.deepEqual(plain(await files.read(at("data"))), plain(BYTES));
      assert.equal((await files.write!(at("empty"), ReadableStream.from<Uint8Array>([]))).size, 0);
      assert.equal((await files.read(at("empty")))?.byteLength, 0);
    },
  },
  "a stream that breaks leaves the old file": {
    needs: ["write"],
    async run({ files, at, put }) {
      await put("data", BYTES);
      const breaking = (async function* () {
        yield BYTES;
        throw new Error("broken pipe");
      })();
      await assert.rejects(files.write!(at("data"), ReadableStream.from(breaking)));
      assert.deepEqual(plain(await files.read(at("data"))), plain(BYTES));
    },
  },
  "creates only where nothing is": {
    needs: ["write"],
    async run({ files, at }) {
      await files.write!(at("data"), BYTES, { ifNoneMatch: "*" });
      await rejects(files.write!(at("data"), BYTES.subarray(1), { ifNoneMatch: "*" }), "Conflict");
      assert.equal((await files.read(at("data")))?.byteLength, 1000);
    },
  },
  "of several creators one succeeds": {
    needs: ["write"],
    async run({ files, at }) {
      const attempts = Array.from({ length: 5 }, (_, i) =>
        files.write!(at("data"), BYTES.subarray(i), { ifNoneMatch: "*" }),
      );
      const outcomes = await Promise.allSettled(attempts);
      assert.equal(outcomes.filter(({ status }) => status === "fulfilled").length, 1);
      for (const outcome of outcomes) {
        if (outcome.status === "rejected") assert.ok(isGyreError(outcome.reason, "Conflict"), String(outcome.reason));
      }
    },
  },
  "replaces only what it knows": {
    needs: ["write"],
    async run({ files, at }) {
      const first = await files.write!(at("data"), BYTES);
      const second = await files.write!(at("data"), BYTES.subarray(1), { ifMatch: first.etag ?? "" });
      await rejects(files.write!(at("data"), BYTES.subarray(2), { ifMatch: first.etag ?? "" }), "Conflict");
      await rejects(files.write!(at("absent"), BYTES, { ifMatch: first.etag ?? "" }), "Conflict");
      assert.equal((await files.head(at("data")))?.etag, second.etag);
    },
  },
  "deletes, also what is not there": {
    needs: ["write", "delete"],
    async run({ files, at }) {
      await files.write!(at("data"), BYTES);
      await files.delete!(at("data"));
      assert.equal(await files.head(at("data")), undefined);
      assert.equal(await files.read(at("data")), undefined);
      await files.delete!(at("data"));
    },
  },
};

async function collect(entries: AsyncIterable<Listed>): Promise<Listed[]> {
  return Array.fromAsync(entries);
}

function keysOf(root: URL, listed: readonly Listed[]): string[] {
  return listed.map(({ url }) => decodeURIComponent(url.href.slice(root.href.length)));
}

/** Buffers and arrays alike, for comparisons. */
function plain(bytes: Uint8Array | undefined): number[] | undefined {
  return bytes && [...bytes];
}

async function rejects(work: Promise<unknown>, tag: ErrorTag): Promise<void> {
  await assert.rejects(work, (error) => isGyreError(error, tag) || assert.fail(`${String(error)} is no ${tag}`));
}
