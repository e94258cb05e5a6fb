import assert from "node:assert/strict";
import { test } from "node:test";
import { globMatches, globPattern } from "../../src/core/glob.ts";
import { isGyreError } from "../../src/errors.ts";

const fits = (glob: string, ...paths: readonly string[]): boolean[] =>
  paths.map((path) => globPattern(glob).test(path));

test("stars stay within a part, double stars stand for whole parts", () => {
  assert.deepEqual(fits("/a/*.nc", "/a/x.nc", "/a/.nc", "/a/b/x.nc", "/a/x.nc4", "/b/x.nc"), [
    true,
    true,
    false,
    false,
    false,
  ]);
  assert.deepEqual(fits("/a/**/x", "/a/x", "/a/b/x", "/a/b/c/x", "/a/bx", "/a//x"), [true, true, true, false, false]);
  assert.deepEqual(fits("/a/**", "/a/", "/a/b/c", "/b"), [true, true, false]);
  assert.deepEqual(fits("**/x", "x", "a/x", "ax"), [true, true, false]);
  assert.deepEqual(fits("/a/?", "/a/b", "/a/bc", "/a//", "/a/\u{1f30d}"), [true, false, false, true]);
});

test("classes, alternatives and what only looks like them", () => {
  assert.deepEqual(fits("x[0-9]", "x1", "xa", "x[0-9]"), [true, false, false]);
  assert.deepEqual(fits("x[!0-9]", "x1", "xa", "x!"), [false, true, true]);
  assert.deepEqual(fits("{tas,pr}_*.{nc,h5}", "tas_1.nc", "pr_2.h5", "ts_1.nc", "tas_1.zip"), [
    true,
    true,
    false,
    false,
  ]);
  assert.deepEqual(fits("a{b,c{d,e}}f", "abf", "acdf", "acef", "acf"), [true, true, true, false]);
  assert.deepEqual(fits("a{,b}", "a", "ab"), [true, true]);
  assert.deepEqual(fits("a{b", "a{b", "ab"), [true, false]);
  assert.deepEqual(fits("a[b", "a[b", "ab"), [true, false]);
  assert.deepEqual(fits("{a{b,c}", "{ab", "{ac", "ab"), [true, true, false]);
  assert.deepEqual(fits("a.b+(c)|$", "a.b+(c)|$", "axb+(c)|$"), [true, false]);
  assert.deepEqual(
    [globMatches("[x", "[x"), globMatches("t*", "tas"), globMatches("tas", "tasmax")],
    [true, true, false],
  );
  for (const glob of ["x[z-a]", "{a,b}".repeat(20), "{a}".repeat(5000)]) {
    assert.throws(
      () => globPattern(glob),
      (error) => isGyreError(error, "BadRequest"),
      glob,
    );
  }
});

test("time grows with the lengths alone", () => {
  // A backtracking expression would be here for longer than the universe.
  assert.equal(globPattern(`${"*a".repeat(40)}b`).test("a".repeat(4000)), false);
  assert.equal(globPattern(`/${"**/x/".repeat(20)}y`).test(`/${"x/".repeat(400)}`), false);
  assert.equal(globPattern(`${"*a".repeat(40)}*`).test("a".repeat(4000)), true);
});
