import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { ALL_TOPICS, isTopic, topicFilter, topicTemplate } from "../../src/core/topic.ts";
import { type ErrorTag, isGyreError } from "../../src/errors.ts";

const isTagged =
  (tag: ErrorTag) =>
  (error: unknown): boolean =>
    isGyreError(error, tag);

const ID = "CMIP6.ScenarioMIP.IPSL.IPSL-CM6A-LR.ssp245.r1i1p1f1.Amon.pr.gr.v20190119";

describe("a topic template", () => {
  const { topicOf } = topicTemplate();

  test("takes facets with and without a prefix", () => {
    const plain = { mip_era: "CMIP6", experiment_id: "historical", source_id: "CMCC-ESM2" };
    assert.equal(topicOf({ id: "x", properties: plain }), "CMIP6.historical.CMCC-ESM2");
    const prefixed = Object.fromEntries(Object.entries(plain).map(([name, value]) => [`cmip6:${name}`, value]));
    assert.equal(topicOf({ id: "x", properties: prefixed }), "CMIP6.historical.CMCC-ESM2");
    const both = { ...prefixed, source_id: "mine" };
    assert.equal(topicOf({ id: "x", properties: both }), "CMIP6.historical.mine");
  });

  test("takes the driving experiment of a regional model", () => {
    const properties = {
      "cordex-cmip6:mip_era": "CMIP6",
      "cordex-cmip6:driving_experiment_id": "ssp370",
      "cordex-cmip6:source_id": "ICON-CLM",
    };
    assert.equal(topicOf({ id: "x", properties }), "CMIP6.ssp370.ICON-CLM");
  });

  test("takes the parts 0, 4 and 3 of an id, where facets are missing", () => {
    assert.equal(topicOf({ id: ID }), "CMIP6.ssp245.IPSL-CM6A-LR");
    assert.equal(topicOf({ id: ID, properties: { mip_era: "CMIP6" } }), "CMIP6.ssp245.IPSL-CM6A-LR");
  });

  test("falls back where there is nothing", () => {
    for (const id of ["S2A_28QCH", "a.b.c.d.e", "CMIP6.a.b", "CMIP6.a.b..c", ""]) {
      assert.equal(topicOf({ id }), "other.unknown.unknown", id);
    }
    assert.equal(topicTemplate("{platform}", "rest").topicOf({ id: ID }), "rest");
  });

  test("takes the first of several values, and makes unsafe characters safe", () => {
    const properties = { mip_era: ["CMIP6", "CMIP7"], experiment_id: "a.b/../c", source_id: 4.5 };
    assert.equal(topicOf({ id: "x", properties }), "CMIP6.a_b____c.4_5");
    assert.equal(topicTemplate("{a}").topicOf({ id: "x", properties: { a: "é\0ü" } }), "___");
  });

  test("never makes a name that is none, or that of errors", () => {
    const longest = "x".repeat(300);
    for (const a of [longest, [], {}, null, "", true]) {
      assert.equal(topicTemplate("x{a}").topicOf({ id: "x", properties: { a } }), "other.unknown.unknown");
    }
    assert.equal(topicTemplate("{a}").topicOf({ id: "x", properties: { a: "esgf_error" } }), "other.unknown.unknown");
  });

  test("is refused where it is none", () => {
    for (const source of ["", "plain", "{a", "{a}/{b}", "{}", "{a b}", "x".repeat(250)]) {
      assert.throws(() => topicTemplate(source), isTagged("BadRequest"), source);
    }
    assert.throws(() => topicTemplate("{a}", "a b"), isTagged("BadRequest"));
  });
});

describe("a topic filter", () => {
  test("fits whole names, as a pattern subscription does", () => {
    const { test: fits } = topicFilter(".*\\.historical\\..*");
    assert.ok(fits("CMIP6.historical.CMCC-ESM2"));
    assert.ok(!fits("CMIP6.historicalish.CMCC-ESM2"));
    assert.ok(!topicFilter("historical").test("CMIP6.historical.CMCC-ESM2"));
    assert.ok(topicFilter("a|b").test("b"));
    assert.ok(!topicFilter("a|b").test("ab"));
    assert.ok(ALL_TOPICS.test("esgf_error"));
    assert.ok(!topicFilter(".*\\..*\\..*").test("esgf_error"));
  });

  test("takes what makes other engines wait in time that grows with the name", () => {
    assert.ok(!topicFilter("(a+)+b").test("a".repeat(240)));
    assert.ok(!topicFilter("(a|a)*(a|a)*(a|a)*(a|a)*b").test("a".repeat(240)));
  });

  test("refuses what needs backtracking, or a program of any size", () => {
    for (const source of ["(?=a)", "(a)\\1", "(?<!a)b", "((a{1000}){1000}){1000}", "(", "x".repeat(1001)]) {
      assert.throws(() => topicFilter(source), isTagged("BadRequest"), source);
    }
  });

  test("answers for any number of names", () => {
    const { test: fits } = topicFilter("t\\d+");
    for (let i = 0; i < 20_010; i++) assert.ok(fits(`t${i}`));
    assert.ok(!fits("t"));
  });
});

test("names of topics are Kafka's", () => {
  for (const name of ["esgf_error", "CMIP6.historical.CMCC-ESM2", "x".repeat(249)]) assert.ok(isTopic(name));
  for (const name of ["", ".", "..", "a b", "a/b", "é", "x".repeat(250)]) assert.ok(!isTopic(name));
});
