import assert from "node:assert/strict";
import { test } from "node:test";
import { crc32, deflateRawSync } from "node:zlib";
import type { Files } from "../../src/files/files.ts";
import { createMemoryFiles } from "../../src/files/memory.ts";
import { openZip, type Zip } from "../../src/files/zip.ts";

const archive = new URL("memory:///a.zip");

interface MemberOptions {
  readonly name: string;
  readonly body: Uint8Array;
  readonly method?: number;
  readonly flags?: number;
  /** What the directory says in place of the truth. */
  readonly size?: number;
  readonly crc?: number;
  readonly offset?: number;
  /** Sizes and offset in the ZIP64 extra field. */
  readonly wide?: boolean;
}

/** An archive with what no archiver would write: wrong sizes, overlaps, ZIP64 where it is not needed. */
function zipped(members: readonly MemberOptions[], zip64 = false): Uint8Array {
  const parts: Buffer[] = [];
  const directory: Buffer[] = [];
  let at = 0;
  const push = (buffer: Buffer): void => {
    parts.push(buffer);
    at += buffer.length;
  };
  for (const {
    name,
    body,
    method = 0,
    flags = 0,
    size = body.length,
    crc = crc32(body),
    offset = at,
    wide,
  } of members) {
    const packed = method === 8 ? deflateRawSync(body) : Buffer.from(body);
    const title = Buffer.from(name);
    const entry = Buffer.alloc(46);
    entry.writeUInt32LE(0x02014b50);
    entry.writeUInt16LE(flags | 0x800, 8);
    entry.writeUInt16LE(method, 10);
    entry.writeUInt32LE(crc, 16);
    entry.writeUInt32LE(wide ? 0xffffffff : packed.length, 20);
    entry.writeUInt32LE(wide ? 0xffffffff : size, 24);
    entry.writeUInt16LE(title.length, 28);
    entry.writeUInt16LE(wide ? 28 : 0, 30);
    entry.writeUInt32LE(wide ? 0xffffffff : offset, 42);
    const extra = Buffer.alloc(wide ? 28 : 0);
    if (wide) {
      extra.writeUInt16LE(1, 0);
      extra.writeUInt16LE(24, 2);
      for (const [i, n] of [size, packed.length, offset].entries()) extra.writeBigUInt64LE(BigInt(n), 4 + i * 8);
    }
    directory.push(entry, title, extra);
    const local = Buffer.alloc(30);
    local.writeUInt32LE(0x04034b50);
    local.writeUInt16LE(title.length, 26);
    local.writeUInt16LE(3, 28);
    push(Buffer.concat([local, title, Buffer.alloc(3), packed]));
  }
  const start = at;
  const listing = Buffer.concat(directory);
  push(listing);
  if (zip64) {
    const record = Buffer.alloc(56);
    record.writeUInt32LE(0x06064b50);
    record.writeBigUInt64LE(BigInt(members.length), 32);
    record.writeBigUInt64LE(BigInt(listing.length), 40);
    record.writeBigUInt64LE(BigInt(start), 48);
    const locator = Buffer.alloc(20);
    locator.writeUInt32LE(0x07064b50);
    locator.writeBigUInt64LE(BigInt(at), 8);
    push(Buffer.concat([record, locator]));
  }
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50);
  end.writeUInt16LE(zip64 ? 0xffff : members.length, 10);
  end.writeUInt32LE(zip64 ? 0xffffffff : listing.length, 12);
  end.writeUInt32LE(zip64 ? 0xffffffff : start, 16);
  const comment = Buffer.from("a comment");
  end.writeUInt16LE(comment.length, 20);
  push(Buffer.concat([end, comment]));
  return Buffer.concat(parts);
}

const filesOf = (bytes: Uint8Array): Files => createMemoryFiles([[archive.href, bytes]]);
const opened = (bytes: Uint8Array, maxMember?: number): Promise<Zip> =>
  openZip(filesOf(bytes), archive, maxMember === undefined ? {} : { maxMember });
const text = (bytes: Uint8Array | undefined): string | undefined => bytes && Buffer.from(bytes).toString();
const member = (zip: Zip, name: string): URL => new URL(name, zip.root);

const HELLO = Buffer.from("hello, archive");

for (const zip64 of [false, true]) {
  test(`stored and deflated members are read by range${zip64 ? " (ZIP64)" : ""}`, async () => {
    const bytes = zipped(
      [
        { name: "a/stored", body: HELLO, wide: zip64 },
        { name: "a/deflated", body: HELLO, method: 8, wide: zip64 },
      ],
      zip64,
    );
    const zip = await opened(bytes);
    for (const name of ["a/stored", "a/deflated"]) {
      const url = member(zip, name);
      assert.equal(text(await zip.read(url)), "hello, archive");
      assert.equal(text(await zip.read(url, { offset: 7, length: 100 })), "archive");
      assert.equal(text(await zip.read(url, { suffix: 3 })), "ive");
      assert.equal((await zip.head(url))?.size, HELLO.length);
    }
    const place = await zip.place(member(zip, "a/stored"));
    assert.ok(place);
    assert.equal(text(bytes.subarray(place.offset, place.offset + place.length)), "hello, archive");
    assert.equal(await zip.place(member(zip, "a/deflated")), undefined);
    assert.equal(await zip.read(member(zip, "absent")), undefined);
  });
}

test("listing shows folders, or all members below them", async () => {
  const zip = await opened(zipped(["b", "a/y", "a/x/z"].map((name) => ({ name, body: HELLO }))));
  const listed = async (prefix: string, recursive = false): Promise<string[]> => {
    const found: string[] = [];
    for await (const { url } of zip.list(member(zip, prefix), { recursive })) found.push(url.pathname);
    return found;
  };
  assert.deepEqual(await listed(""), ["/a/", "/b"]);
  assert.deepEqual(await listed("a/"), ["/a/x/", "/a/y"]);
  assert.deepEqual(await listed("", true), ["/a/x/z", "/a/y", "/b"]);
});

test("names that no URL can say are not members", async () => {
  const names = ["../up", "a/../../up", "/root", "back\\slash", "ok"];
  const zip = await opened(zipped(names.map((name) => ({ name, body: HELLO }))));
  const found: string[] = [];
  for await (const { url } of zip.list(zip.root, { recursive: true })) found.push(url.pathname);
  assert.deepEqual(
    found.filter((path) => !path.startsWith("//")),
    ["/ok"],
  );
});

test("bombs are refused before they are inflated, and while", async () => {
  const zeros = new Uint8Array(1_000_000);
  const honest = await opened(zipped([{ name: "a", body: zeros, method: 8 }]), 1000);
  await assert.rejects(honest.read(member(honest, "a")), /more than the 1000 allowed/);
  const lying = await opened(zipped([{ name: "a", body: zeros, method: 8, size: 10 }]));
  await assert.rejects(lying.read(member(lying, "a")), { name: "GyreError(BadSource)" });
});

test("broken members are refused one by one", async () => {
  const zip = await opened(
    zipped([
      { name: "crc", body: HELLO, method: 8, crc: 1 },
      { name: "short", body: HELLO, method: 8, size: 20 },
      { name: "elsewhere", body: HELLO, offset: 5 },
      { name: "beyond", body: HELLO, offset: 1e8 },
      { name: "two sizes", body: HELLO, size: 5 },
      { name: "method", body: HELLO, method: 12 },
      { name: "secret", body: HELLO, flags: 1 },
      { name: "good", body: HELLO },
    ]),
  );
  for (const name of ["crc", "short", "elsewhere", "beyond", "two sizes"]) {
    await assert.rejects(zip.read(member(zip, name)), { name: "GyreError(BadSource)" }, name);
  }
  for (const name of ["method", "secret"]) {
    await assert.rejects(zip.read(member(zip, name)), { name: "GyreError(Unsupported)" }, name);
  }
  assert.equal(text(await zip.read(member(zip, "good"))), "hello, archive");
});

test("directories that cannot be are refused", async () => {
  const bytes = zipped([{ name: "a", body: HELLO }]);
  const refused = (broken: Uint8Array, reason: RegExp): Promise<void> => assert.rejects(opened(broken), reason);
  await refused(bytes.subarray(0, bytes.length - 40), /not a ZIP archive/);
  await refused(new Uint8Array(0), /not a ZIP archive/);
  const end = bytes.length - 31;
  const changed = (at: number, value: number): Uint8Array => {
    const copy = Buffer.from(bytes);
    copy.writeUInt32LE(value, end + at);
    return copy;
  };
  await refused(changed(12, 1e9), /cut off/);
  await refused(changed(16, 0), /not in the directory|cut off/);
  await refused(changed(8, 0x7fff0000), /members/);
});
