import assert from "node:assert/strict";
import { test } from "node:test";
import { isNotModified, rangeOf, replyWith, strongTag } from "../../src/protocols/conditional.ts";

test("a tag holds only what a tag may hold", () => {
  assert.equal(strongTag("v", "tas/0.0"), '"v/tas/0.0"');
  for (const key of ['a"b', "süd", "a b", "a\nb"]) assert.match(strongTag("v", key), /^"[!#-~]+"$/, key);
  assert.notEqual(strongTag("v", "a b"), strongTag("v", "a_b"));
});

test("If-None-Match is a list, compared weakly", () => {
  for (const [header, expected] of [
    ['"a"', true],
    ['W/"a"', true],
    ['"b", "a"', true],
    ['"b","c"', false],
    ["*", true],
    ["a", false],
    ['"aa"', false],
    ["", false],
  ] as const) {
    assert.equal(isNotModified(header, '"a"'), expected, header);
  }
  assert.equal(isNotModified(undefined, '"a"'), false);
});

test("one range of bytes; several, reversed and foreign ones are ignored", () => {
  assert.deepEqual(rangeOf("bytes=0-0", 10), { first: 0, last: 0 });
  assert.deepEqual(rangeOf("bytes=3-", 10), { first: 3, last: 9 });
  assert.deepEqual(rangeOf("Bytes = 3 - 99", 10), { first: 3, last: 9 });
  assert.deepEqual(rangeOf("bytes=-4", 10), { first: 6, last: 9 });
  assert.deepEqual(rangeOf("bytes=-40", 10), { first: 0, last: 9 });
  for (const header of ["bytes=10-", "bytes=-0", "bytes=99-100"])
    assert.equal(rangeOf(header, 10), "unsatisfiable", header);
  assert.equal(rangeOf("bytes=0-", 0), "unsatisfiable");
  for (const header of ["bytes=0-1,3-4", "bytes=5-3", "items=0-1", "bytes=-", "bytes=a-b", "bytes=1.5-2"]) {
    assert.equal(rangeOf(header, 10), undefined, header);
  }
});

test("a range is answered in part, with If-Range only while the tag is this one; HEAD has no ranges", () => {
  const body = Uint8Array.of(1, 2, 3, 4);
  const reply = (more: object): ReturnType<typeof replyWith> =>
    replyWith({ isHead: false, ...more }, { ETag: '"t"', "Content-Type": "x/y" }, body);
  assert.deepEqual(reply({ range: "bytes=1-2" }).body, Uint8Array.of(2, 3));
  assert.equal(reply({ range: "bytes=1-2", ifRange: '"t"' }).status, 206);
  assert.equal(reply({ range: "bytes=1-2", ifRange: '"u"' }).status, 200);
  assert.equal(reply({ range: "bytes=9-" }).headers["Content-Range"], "bytes */4");
  const head = reply({ range: "bytes=1-2", isHead: true });
  assert.deepEqual([head.status, head.body, head.headers["Content-Length"]], [200, undefined, "4"]);
  const same = reply({ ifNoneMatch: '"t"', range: "bytes=1-2" });
  assert.deepEqual([same.status, same.headers["Content-Type"], same.headers.ETag], [304, undefined, '"t"']);
});
