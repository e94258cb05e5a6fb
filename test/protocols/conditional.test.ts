import assert from "node:assert/strict";
import { test } from "node:test";
import { isHeld, isNotModified, rangeOf, replyWith, strongTag } from "../../src/protocols/conditional.ts";

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

test("conditions decide in the order of RFC 9110, 13.2.2", () => {
  const date = "Thu, 01 Jan 2026 00:00:00 GMT";
  const [before, after] = ["Wed, 31 Dec 2025 23:59:59 GMT", "Thu, 01 Jan 2026 00:00:01 GMT"];
  const headers = { ETag: '"t"', "Last-Modified": date };
  const status = (more: object): number =>
    replyWith({ isHead: false, ...more }, { ...headers }, new Uint8Array(4)).status;
  for (const [conditions, expected] of [
    [{ ifMatch: '"t"' }, 200],
    [{ ifMatch: '"s", "t"' }, 200],
    [{ ifMatch: "*" }, 200],
    [{ ifMatch: '"s"' }, 412],
    [{ ifMatch: 'W/"t"' }, 412],
    [{ ifMatch: '"s"', ifNoneMatch: '"t"' }, 412],
    [{ ifMatch: '"t"', ifNoneMatch: '"t"' }, 304],
    [{ ifMatch: '"t"', ifUnmodifiedSince: before }, 200],
    [{ ifUnmodifiedSince: before }, 412],
    [{ ifUnmodifiedSince: date }, 200],
    [{ ifUnmodifiedSince: "never" }, 200],
    [{ ifModifiedSince: date }, 304],
    [{ ifModifiedSince: before }, 200],
    [{ ifModifiedSince: after }, 200],
    [{ ifModifiedSince: date, ifNoneMatch: '"s"' }, 200],
    [{ ifMatch: '"s"', range: "bytes=0-1" }, 412],
    [{ ifMatch: '"t"', range: "bytes=0-1" }, 206],
  ] as const) {
    assert.equal(status(conditions), expected, JSON.stringify(conditions));
  }
});

test("before anything is read only a tag can say that the client has it", () => {
  const held = (more: object): boolean => isHeld({ isHead: false, ...more }, '"t"');
  assert.equal(held({ ifNoneMatch: '"t"' }), true);
  for (const more of [{}, { ifNoneMatch: "*" }, { ifNoneMatch: '"t"', ifMatch: '"s"' }])
    assert.equal(held(more), false);
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
