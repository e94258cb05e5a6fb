import assert from "node:assert/strict";
import { test } from "node:test";
import { canonicalView } from "../../src/core/view.ts";
import { isGyreError } from "../../src/errors.ts";
import { parseView, VIEW_NAMES } from "../../src/protocols/view.ts";

test("every parameter is read", () => {
  const view = parseView(
    "bbox=-10~35~30~60,time=2000-01~2001,vars=tas~group/pr,chunks=time:1~lat:90,keepbits=10,abs.pr=0.5,codec=gzip",
  );
  assert.deepEqual(view.bbox, [-10, 35, 30, 60]);
  assert.deepEqual(view.time, ["2000-01", "2001"]);
  assert.deepEqual(view.vars, ["tas", "group/pr"]);
  assert.deepEqual(
    [...(view.chunks ?? [])],
    [
      ["time", 1],
      ["lat", 90],
    ],
  );
  assert.deepEqual(view.rounding, { kind: "keepbits", value: 10 });
  assert.deepEqual([...(view.roundings ?? [])], [["pr", { kind: "abs", value: 0.5 }]]);
  assert.equal(view.codec, "gzip");
});

test("a name may hold dots, colons and equals signs where its place says what it is", () => {
  assert.deepEqual([...(parseView("keepbits.a.b=3").roundings?.keys() ?? [])], ["a.b"]);
  assert.deepEqual([...(parseView("chunks=a:b:3").chunks ?? [])], [["a:b", 3]]);
  assert.deepEqual(parseView("vars=a=b").vars, ["a=b"]);
});

test("every spelling of a view has one canonical text, different views have different ones", () => {
  const canonical = (text: string): string => canonicalView(parseView(text));
  const one = canonical("bbox=-10~35~30~60,vars=tas~pr,chunks=lat:90~time:1,rel.tas=1e-3,abs=0.5");
  for (const same of [
    "vars=pr~tas~tas,bbox=-1e1~35.0~+30~6.0E1,chunks=time:1~lat:90,abs=.5,rel.tas=0.001",
    "abs=0.50,chunks=lat:090~time:01,rel.tas=0.0010,vars=pr~tas,bbox=-10.~35~30~60",
  ]) {
    assert.equal(canonical(same), one, same);
  }
  assert.equal(canonical("bbox=-0~-0~1~1"), canonical("bbox=0~0~1~1"));
  assert.notEqual(canonical("abs=0.5"), canonical("abs.tas=0.5"));
});

test("what is no view is refused, naming what is allowed", () => {
  for (const [text, reason] of [
    ["", /no parameter ""/],
    ["colour=red", /no parameter "colour"; allowed are bbox, time/],
    ["vars.tas=1", /no parameter "vars.tas"/],
    ["keepbits.=1", /no parameter/],
    ["vars", /vars has no value/],
    ["vars=", /vars has no value/],
    ["vars=a~~b", /empty member/],
    ["vars=a,vars=b", /vars is given twice/],
    ["keepbits.a=1,keepbits.a=2", /given twice/],
    ["keepbits=1,abs=2", /one way only/],
    ["keepbits.a=1,rel.a=0.1", /a can be rounded in one way only/],
    ["bbox=1~2~3", /west~south~east~north/],
    ["bbox=1~2~3~4~5", /west~south~east~north/],
    ["bbox=a~b~c~d", /west~south~east~north/],
    ["bbox=0x1~2~3~4", /west~south~east~north/],
    ["bbox=NaN~0~1~1", /west~south~east~north/],
    ["bbox=1e999~0~1~1", /west~south~east~north/],
    ["bbox=0~60~10~35", /south 60 is above north 35/],
    ["bbox=0~0~10~91", /-90..90/],
    ["bbox=-361~0~10~9", /-360..360/],
    ["time=2000~2001~2002", /first~last/],
    ["chunks=time", /time:1~lat:90/],
    ["chunks=time:0", /time:1~lat:90/],
    ["chunks=time:1.5", /time:1~lat:90/],
    ["chunks=time:99999999999999999999", /time:1~lat:90/],
    ["chunks=time:1~time:2", /names time twice/],
    ["keepbits=0", /1 to 52/],
    ["keepbits=1.5", /1 to 52/],
    ["keepbits=53", /1 to 52/],
    ["abs=0", /positive error/],
    ["abs=-1", /positive error/],
    ["rel=1", /between 0 and 1/],
    ["codec=zip", /codec=zip is not offered; allowed are zstd/],
    [`vars=${"a~".repeat(1000)}a`, /more than 1000/],
  ] as const) {
    assert.throws(
      () => parseView(text),
      (error) => isGyreError(error, "BadRequest") && reason.test(error.message),
      text.slice(0, 60),
    );
  }
  assert.throws(
    () => parseView("x=1"),
    (error) => isGyreError(error) && error.details.allowed?.join() === VIEW_NAMES.join(),
  );
});
