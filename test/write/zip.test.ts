import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { createWriteStream } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { type TestContext, test } from "node:test";
import { promisify } from "node:util";
import { crc32 } from "node:zlib";
import { isGyreError } from "../../src/errors.ts";
import { writeZip, type ZipEntry, zipLength } from "../../src/write/zip.ts";
import { findProgram, missing } from "../services/services.ts";

const run = promisify(execFile);
const unzip = findProgram("unzip", []);
const jar = findProgram("jar", []);
const python = findProgram("python3", []);

async function folder(t: TestContext): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), "gyre-zip-"));
  t.after(() => rm(path, { recursive: true }));
  return path;
}

/** An entry of a text, with what is known of it beforehand. */
function entryOf(name: string, text: string, known: "all" | "size" | "nothing", deflate = false): ZipEntry {
  const bytes = new TextEncoder().encode(text);
  const size = known === "nothing" ? {} : { size: bytes.byteLength };
  const sum = known === "all" ? { crc32: crc32(bytes) } : {};
  const open = async function* () {
    yield bytes.subarray(0, 3);
    yield bytes.subarray(3);
  };
  return { name, modified: new Date("2024-05-06T07:08:10Z"), ...size, ...sum, deflate, open };
}

const LONG = "many words ".repeat(10_000);
const ENTRIES: readonly ZipEntry[] = [
  entryOf("a/known.txt", "known beforehand", "all"),
  entryOf("a/sized.txt", "its size is known", "size"),
  entryOf("a/unknown.txt", "nothing is known", "nothing"),
  entryOf("deflated.txt", LONG, "size", true),
  entryOf("deflated-unknown.txt", LONG, "nothing", true),
  entryOf("näme ☃.txt", "in UTF-8", "all"),
  entryOf("empty", "", "all"),
];

async function written(t: TestContext, entries: readonly ZipEntry[]): Promise<string> {
  const path = join(await folder(t), "archive.zip");
  await pipeline(Readable.from(writeZip(entries)), createWriteStream(path));
  return path;
}

test("unzip reads it", { skip: unzip === undefined && missing("no unzip").unavailable }, async (t) => {
  const path = await written(t, ENTRIES);
  const { stdout } = await run("unzip", ["-t", path]);
  assert.match(stdout, /No errors detected/);
  assert.equal((await run("unzip", ["-p", path, "deflated-unknown.txt"])).stdout, LONG);
});

test("Python reads it", { skip: python === undefined && missing("no python3").unavailable }, async (t) => {
  const path = await written(t, ENTRIES);
  const code = `import json, sys, zipfile
with zipfile.ZipFile(sys.argv[1]) as z:
    assert z.testzip() is None
    print(json.dumps([[i.filename, i.date_time, i.compress_type, z.read(i).decode()] for i in z.infolist()]))`;
  const { stdout } = await run("python3", ["-c", code, path]);
  const found = JSON.parse(stdout) as [string, number[], number, string][];
  assert.deepEqual(
    found.map(([name]) => name),
    ENTRIES.map(({ name }) => name),
  );
  assert.deepEqual(found[0], ["a/known.txt", [2024, 5, 6, 7, 8, 10], 0, "known beforehand"]);
  assert.deepEqual([found[4]?.[2], found[4]?.[3]], [8, LONG]);
});

test("jar reads it, also as a stream where all is known beforehand", {
  skip: jar === undefined && missing("no jar").unavailable,
}, async (t) => {
  const path = await written(t, ENTRIES);
  await run("jar", ["xf", path], { cwd: join(path, "..") });
  assert.equal(await readFile(join(path, "../a/sized.txt"), "utf8"), "its size is known");
  const known = await written(
    t,
    ENTRIES.filter((entry) => entry.crc32 !== undefined),
  );
  const child = spawn("jar", ["x"], { cwd: join(known, ".."), stdio: ["pipe", "inherit", "inherit"] });
  const exited = once(child, "exit");
  child.stdin.end(await readFile(known));
  assert.deepEqual(await exited, [0, null]);
  assert.equal(await readFile(join(known, "../a/known.txt"), "utf8"), "known beforehand");
});

test("its length is known beforehand where nothing is deflated", async () => {
  const stored = ENTRIES.filter(({ deflate, size }) => !deflate && size !== undefined);
  const bytes = Buffer.concat(await Array.fromAsync(writeZip(stored)));
  assert.equal(zipLength(stored), bytes.byteLength);
  assert.equal(zipLength(ENTRIES), undefined);
  assert.equal(zipLength([]), Buffer.concat(await Array.fromAsync(writeZip([]))).byteLength);
});

test("more than 65,535 entries", { skip: unzip === undefined && missing("no unzip").unavailable }, async (t) => {
  const entries = Array.from({ length: 66_000 }, (_, i) => entryOf(`f${i}`, "", "all"));
  const path = join(await folder(t), "archive.zip");
  await writeFile(path, Buffer.concat(await Array.fromAsync(writeZip(entries))));
  const code = "import sys, zipfile; print(len(zipfile.ZipFile(sys.argv[1]).namelist()))";
  assert.equal((await run("python3", ["-c", code, path])).stdout, "66000\n");
});

test("sizes and offsets beyond 4 GiB say so in their own records, and memory stays where it is", async () => {
  const piece = new Uint8Array(16 * 1024 * 1024);
  const size = 257 * piece.byteLength;
  const large = async function* (): AsyncGenerator<Uint8Array> {
    for (let i = 0; i < 257; i++) yield piece;
  };
  const entries: ZipEntry[] = [{ name: "large", size, open: large }, entryOf("behind", "after 4 GiB", "all")];
  // Only what is no data is kept.
  const records: Buffer[] = [];
  let length = 0;
  for await (const part of writeZip(entries)) {
    length += part.byteLength;
    if (part.byteLength < piece.byteLength) records.push(Buffer.from(part));
  }
  assert.equal(length, zipLength(entries));
  const all = Buffer.concat(records);
  const central = all.indexOf(Buffer.from([0x50, 0x4b, 1, 2]));
  const names = (record: number) => all.toString("latin1", record + 46, record + 46 + all.readUInt16LE(record + 28));
  assert.equal(names(central), "large");
  assert.equal(all.readUInt32LE(central + 24), 0xffffffff);
  assert.equal(all.readBigUInt64LE(central + 46 + 5 + 4), BigInt(size));
  const behind = all.lastIndexOf(Buffer.from([0x50, 0x4b, 1, 2]));
  assert.equal(names(behind), "behind");
  const offset = all.readBigUInt64LE(behind + 46 + 6 + 4);
  assert.ok(offset > 2n ** 32n && offset < BigInt(length));
  const end64 = all.lastIndexOf(Buffer.from([0x50, 0x4b, 6, 6]));
  assert.equal(all.readBigUInt64LE(end64 + 32), 2n);
});

test("bytes that are not those announced break the archive off", async () => {
  const entry = entryOf("x", "some bytes", "all");
  const isBroken = (error: unknown) => isGyreError(error, "BadSource");
  const all = (wrong: Partial<ZipEntry>) => Array.fromAsync(writeZip([{ ...entry, ...wrong }]));
  await assert.rejects(all({ crc32: 1 }), isBroken);
  await assert.rejects(all({ size: 9 }), isBroken);
  await assert.rejects(all({ size: 11 }), isBroken);
});

test("who stops taking it stops the reading", async () => {
  let isClosed = false;
  const open = async function* (): AsyncGenerator<Uint8Array> {
    try {
      for (;;) yield new Uint8Array(1000);
    } finally {
      isClosed = true;
    }
  };
  for (const deflate of [false, true]) {
    isClosed = false;
    const stream = ReadableStream.from(writeZip([{ name: "endless", deflate, open }]));
    const reader = stream.getReader();
    await reader.read();
    await reader.read();
    await reader.cancel();
    assert.ok(isClosed, `deflate: ${deflate}`);
  }
  const signal = AbortSignal.abort(new Error("enough"));
  await assert.rejects(Array.fromAsync(writeZip([entryOf("x", "y", "all")], { signal })), /enough/);
});

test("names that lead elsewhere are refused", async () => {
  for (const name of ["", "/etc/passwd", "../x", "a/../b", "a\\b", "a/..", "./a"]) {
    await assert.rejects(Array.fromAsync(writeZip([entryOf(name, "x", "all")])), (error) =>
      isGyreError(error, "BadRequest"),
    );
  }
});
